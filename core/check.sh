#!/usr/bin/env bash
# core/check.sh lint: rustfmt and clippy. core/check.sh test: the crate's own tests, which need no
# Python. What this machine lacks for it is said, and passes: without Rust nothing runs the core.
set -euo pipefail
cd "$(dirname "$0")"

export PATH=$PATH:${CARGO_HOME:-${HOME:-}/.cargo}/bin
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/../.cache/core/target}

skip() { echo "core: $*: not checked here"; exit 0; }

cargo --version >/dev/null 2>&1 || skip "no Rust toolchain"
cargo fetch --locked --quiet 2>/dev/null || skip "the crates of Cargo.lock cannot be fetched"

case ${1:-} in
  lint)
    cargo fmt --version >/dev/null 2>&1 || skip "no rustfmt"
    cargo fmt --check
    cargo clippy --version >/dev/null 2>&1 || skip "no clippy"
    cargo clippy --quiet --locked --no-default-features --all-targets -- -D warnings
    cargo clippy --quiet --locked -- -D warnings
    ;;
  test) cargo test --quiet --locked --no-default-features ;;
  *) echo "core/check.sh lint|test" >&2; exit 2 ;;
esac
