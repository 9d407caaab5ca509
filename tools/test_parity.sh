#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Our models and checkpoints against torchvision's and PyTorch's, our signal
# processing against SciPy's, our augmentations against OpenCV's formulas.
set -eu
cd "$(dirname "$0")/.."
export BERTH_PARITY="${BERTH_PARITY:-$PWD/build/release/workers/tests/worker_parity}"
export BERTH_WEIGHTS="${BERTH_WEIGHTS:-$PWD/build/release/bin/berth-worker-weights}"
export BERTH_SIGNAL_PARITY="${BERTH_SIGNAL_PARITY:-$PWD/build/release/workers/tests/worker_signal_parity}"
if scipy=$(tools/unpack_scipy.sh); then
  export PYTHONPATH="$scipy${PYTHONPATH:+:$PYTHONPATH}"
  libraries=$(dirname "$(dirname "$scipy")")/$(uname -m)-linux-gnu
  export LD_LIBRARY_PATH="$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
fi
export BERTH_AUGMENT_PARITY="${BERTH_AUGMENT_PARITY:-$PWD/build/release/workers/tests/worker_augment_parity}"
exec /usr/bin/python3 -m pytest -q -rs -p no:cacheprovider tests/parity "$@"
