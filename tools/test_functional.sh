#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The real binaries, driven from Python.
set -eu
cd "$(dirname "$0")/.."
export BERTH_BIN_DIR="${BERTH_BIN_DIR:-$PWD/build/release/bin}"
export BERTH_FAKES_DIR="${BERTH_FAKES_DIR:-$PWD/build/release/fakes}"
exec /usr/bin/python3 -m pytest -q -rs tests/functional "$@"
