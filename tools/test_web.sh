#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The web page: what needs no browser, then in Chromium against a real daemon with simulated GPUs, which serves the page
# that was built into it. Arguments go to node's test runner.
set -eu
cd "$(dirname "$0")/.."
if ! command -v npm >/dev/null 2>&1 || ! command -v node >/dev/null 2>&1; then
  echo "SKIPPED: the tests of the web page: npm is missing"
  exit 0
fi
tools/build_web.sh
if ! cmp -s web/package-lock.json web/node_modules/.lock 2>/dev/null; then
  echo "SKIPPED: the tests of the web page: the npm registry is not reachable"
  exit 0
fi
suites="unit browser browser_queue"
if [ ! -x "${BERTH_CHROMIUM:-/usr/bin/chromium}" ]; then
  echo "SKIPPED: the tests of the web page in a browser: chromium is missing"
  suites=unit
elif [ ! -x "${BERTH_BIN_DIR:-build/release/bin}/berthd" ]; then
  echo "SKIPPED: the tests of the web page in a browser: berthd is not built"
  suites=unit
fi
# shellcheck disable=SC2086
exec node web/tests/run.mjs $suites "$@"
