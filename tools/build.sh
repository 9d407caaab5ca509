#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the daemon, the command line, the tests and the workers into build/release.
set -eu
cd "$(dirname "$0")/.."
jobs=${BERTH_JOBS:-$(nproc)}
cmake --preset release -Wno-dev >build-configure.log 2>&1 || { cat build-configure.log >&2; exit 1; }
rm -f build-configure.log
cmake --build --preset release -j "$jobs"
if [ "${BERTH_WORKERS:-1}" = 1 ]; then
  mkdir -p build/release/workers
  cmake -G Ninja -S workers -B build/release/workers -DCMAKE_BUILD_TYPE=Release \
    -DBERTH_BIN_DIR="$PWD/build/release/bin" -Wno-dev >build/release/workers/configure.log 2>&1 \
    || { cat build/release/workers/configure.log >&2; exit 1; }
  cmake --build build/release/workers -j "$jobs"
fi
