#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The real binaries, driven from Python.
set -eu
cd "$(dirname "$0")/.."
export BERTH_BIN_DIR="${BERTH_BIN_DIR:-$PWD/build/release/bin}"
export BERTH_FAKES_DIR="${BERTH_FAKES_DIR:-$PWD/build/release/fakes}"
# Most of their time is waiting: several at once, where pytest can.
together=
if /usr/bin/python3 -c "import xdist" 2>/dev/null; then together="-n 3 --dist loadfile"; fi
# shellcheck disable=SC2086  # words
exec /usr/bin/python3 -m pytest -q -rs $together tests/functional "$@"
