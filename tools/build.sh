#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the daemon, the command line, the tests and the workers into build/release.
#   build.sh [programs]     only what is installed, no tests
set -eu
cd "$(dirname "$0")/.."
programs= worker_programs=
if [ "${1:-}" = programs ]; then
  programs="--target berthd berth berth-shim berth-sim"
  worker_programs="--target berth-worker-vision berth-worker-prepare berth-worker-dataset berth-worker-weights
    berth-worker-signal"
fi
jobs=${BERTH_JOBS:-$(nproc)}
[ "${BERTH_WEB:-1}" = 0 ] || tools/build_web.sh
cmake --preset release -Wno-dev >build-configure.log 2>&1 || { cat build-configure.log >&2; exit 1; }
rm -f build-configure.log
# shellcheck disable=SC2086
cmake --build --preset release -j "$jobs" $programs
if [ "${BERTH_WORKERS:-1}" = 1 ]; then
  mkdir -p build/release/workers
  cmake -G Ninja -S workers -B build/release/workers -DCMAKE_BUILD_TYPE=Release \
    -DBERTH_BIN_DIR="$PWD/build/release/bin" -Wno-dev >build/release/workers/configure.log 2>&1 \
    || { cat build/release/workers/configure.log >&2; exit 1; }
  # shellcheck disable=SC2086
  cmake --build build/release/workers -j "$jobs" $worker_programs
fi
