#!/usr/bin/env bash
# build.sh --into DIR: builds the core and lays the module `roadfade_core` into DIR, which belongs
# on PYTHONPATH then. build.sh --wheel DIR: builds the core's wheel into DIR, which is emptied.
# PYTHON names the interpreter that is asked (.venv/bin/python); any from 3.11 on imports what is
# built. Where no Rust toolchain is found it says so and ends with 3. Compiled crates are kept in
# .cache/core.
set -euo pipefail
cd "$(dirname "$0")/.."

CACHE=$PWD/.cache/core
MATURIN=$CACHE/maturin/bin/maturin
PYTHON=${PYTHON:-$PWD/.venv/bin/python}

[ $# = 2 ] && [ -n "$2" ] || { sed -n '2,7s/^# //p' core/build.sh >&2; exit 2; }
mkdir -p "$2" "$CACHE"
target=$(cd "$2" && pwd)

# Last on PATH, where rustup puts it: a toolchain that is chosen there goes first.
export PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
command -v cargo >/dev/null && cargo --version >/dev/null 2>&1 || {
  echo "core: no Rust toolchain here" >&2
  exit 3
}

# The lock file's checksum is the stamp: another version of maturin is another folder's content.
want=$(sha256sum <requirements/core.lock)
if [ "$(cat "$CACHE/maturin.stamp" 2>/dev/null)" != "$want" ]; then
  rm -rf "$CACHE/maturin"
  "$PYTHON" -m pip install -q --disable-pip-version-check --require-hashes --no-deps \
    -r requirements/core.lock --target "$CACHE/maturin"
  printf '%s\n' "$want" >"$CACHE/maturin.stamp"
fi

wheel() {
  rm -rf "$1"
  # Beside Cargo.toml, so that rustup heeds rust-toolchain.toml.
  (cd core && CARGO_TARGET_DIR=$CACHE/target "$MATURIN" build --quiet --release --locked \
    --interpreter "$PYTHON" --out "$1")
}

case $1 in
  --wheel) wheel "$target" ;;
  --into)
    built=$(mktemp -d)
    trap 'rm -rf "$built"' EXIT
    wheel "$built/wheel"
    rm -rf "$target/roadfade_core"
    "$PYTHON" -m zipfile -e "$built"/wheel/*.whl "$target"
    ;;
  *) echo "core: either --into or --wheel" >&2; exit 2 ;;
esac
