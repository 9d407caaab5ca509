#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The unit tests under AddressSanitizer and UndefinedBehaviorSanitizer, with the scheduler's invariants checked.
set -eu
cd "$(dirname "$0")/.."
cmake --preset sanitize -Wno-dev >/dev/null
cmake --build --preset sanitize -j "${BERTH_JOBS:-$(nproc)}"
export ASAN_OPTIONS="detect_leaks=1:abort_on_error=0" UBSAN_OPTIONS="print_stacktrace=1"
ctest --preset sanitize -j "$(nproc)" --timeout 600
