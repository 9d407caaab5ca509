#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Unpacks gpustat and nvitop (from PyPI) into build/bench/gpu-tools, to be compared with: nothing is installed. Prints the folder.
set -eu
cd "$(dirname "$0")/.."
folder=$PWD/build/bench/gpu-tools
if [ ! -e "$folder/done" ]; then
  mkdir -p "$folder"
  if ! /usr/bin/python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
    --target "$folder" gpustat nvitop >"$folder/log" 2>&1; then
    tail -n 3 "$folder/log" >&2
    exit 1
  fi
  : >"$folder/done"
fi
echo "$folder"
