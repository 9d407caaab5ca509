#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Our models against torchvision's, our augmentations against OpenCV's formulas.
set -eu
cd "$(dirname "$0")/.."
export BERTH_PARITY="${BERTH_PARITY:-$PWD/build/release/workers/tests/worker_parity}"
export BERTH_AUGMENT_PARITY="${BERTH_AUGMENT_PARITY:-$PWD/build/release/workers/tests/worker_augment_parity}"
exec /usr/bin/python3 -m pytest -q -rs -p no:cacheprovider tests/parity "$@"
