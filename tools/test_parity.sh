#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Our models and checkpoints against torchvision's and PyTorch's.
set -eu
cd "$(dirname "$0")/.."
export BERTH_PARITY="${BERTH_PARITY:-$PWD/build/release/workers/tests/worker_parity}"
export BERTH_WEIGHTS="${BERTH_WEIGHTS:-$PWD/build/release/bin/berth-worker-weights}"
exec /usr/bin/python3 -m pytest -q -rs -p no:cacheprovider tests/parity "$@"
