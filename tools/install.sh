#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copies the programs to PREFIX (default /usr/local): PREFIX/bin/berth, PREFIX/lib/berth/*.
set -eu
cd "$(dirname "$0")/.."
prefix=${PREFIX:-/usr/local}
mkdir -p "$prefix/bin" "$prefix/lib/berth"
for program in build/release/bin/*; do
  install -m 0755 "$program" "$prefix/lib/berth/"
done
for program in berth berthd berth-sim; do
  ln -sf "../lib/berth/$program" "$prefix/bin/$program"
done
echo "Installed into $prefix: start berthd, then try: berth gpus"
