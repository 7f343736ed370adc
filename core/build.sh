#!/usr/bin/env bash
# core/build.sh --into DIR: builds the core and lays the module `roadfade_core` into DIR, which
# belongs on PYTHONPATH then. core/build.sh --wheel DIR: builds the core's own wheel into DIR.
# PYTHON names the interpreter that is asked (.venv/bin/python); any from 3.11 on imports what is
# built. Ends with 3 where no Rust toolchain is found. What was compiled is kept in .cache/core.
set -euo pipefail
cd "$(dirname "$0")/.."

CACHE=$PWD/.cache/core
MATURIN=$CACHE/maturin/bin/maturin
PYTHON=${PYTHON:-$PWD/.venv/bin/python}

[ $# = 2 ] && [ -n "$2" ] || { sed -n '2,5s/^# //p' core/build.sh >&2; exit 2; }
mkdir -p "$2" "$CACHE"
target=$(cd "$2" && pwd)

# Where rustup puts it, behind all that is on PATH already.
export PATH=$PATH:${CARGO_HOME:-${HOME:-}/.cargo}/bin
(cd core && cargo --version) >/dev/null 2>&1 || {
  echo "core: no Rust toolchain here" >&2
  exit 3
}

want=$(sha256sum <requirements/core.lock)
if [ "$(cat "$CACHE/maturin.stamp" 2>/dev/null)" != "$want" ]; then
  rm -rf "$CACHE/maturin"
  "$PYTHON" -m pip install -q --disable-pip-version-check --require-hashes --no-deps \
    -r requirements/core.lock --target "$CACHE/maturin"
  printf '%s\n' "$want" >"$CACHE/maturin.stamp"
fi

# In the crate's folder, so that rustup heeds rust-toolchain.toml.
build_wheel() {
  (cd core && CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$CACHE/target} "$MATURIN" build --quiet --release --locked \
    --interpreter "$PYTHON" --out "$1")
}

case $1 in
  --wheel) build_wheel "$target" ;;
  --into)
    built=$(mktemp -d)
    trap 'rm -rf "$built"' EXIT
    build_wheel "$built"
    # Removed, not written over: a process may run the one that is there.
    rm -rf "$target/roadfade_core" "$target"/roadfade_core-*.dist-info
    "$PYTHON" -m zipfile -e "$built"/*.whl "$target"
    ;;
  *) echo "core: --into DIR or --wheel DIR" >&2; exit 2 ;;
esac
