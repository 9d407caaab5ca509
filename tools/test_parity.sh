#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Our models against torchvision's.
set -eu
cd "$(dirname "$0")/.."
export BERTH_PARITY="${BERTH_PARITY:-$PWD/build/release/workers/tests/worker_parity}"
exec /usr/bin/python3 -m pytest -q -rs -p no:cacheprovider tests/parity "$@"
