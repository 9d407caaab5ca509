#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Measures, prints a table, writes build/bench/results.json. Figures of one run are comparable with each other only.
set -eu
cd "$(dirname "$0")/.."
tools/install_dependencies.sh bench || echo "peers that are not installed are left out" >&2
tools/unpack_slurm.sh || echo "Slurm is left out" >&2
BERTH_SCIPY=$(tools/unpack_scipy.sh) || echo "SciPy is left out" >&2
export BERTH_SCIPY
BERTH_GPU_TOOLS=$(tools/unpack_gpu_tools.sh) || echo "gpustat and nvitop are left out" >&2
export BERTH_GPU_TOOLS
export BERTH_BIN_DIR="${BERTH_BIN_DIR:-$PWD/build/release/bin}"
export BERTH_FAKES_DIR="${BERTH_FAKES_DIR:-$PWD/build/release/fakes}"
exec /usr/bin/python3 bench/run.py --out build/bench/results.json "$@"
