#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Unpacks Debian's Slurm and munge into build/bench/slurm for `make bench`: nothing is installed, no service is set up.
set -eu
cd "$(dirname "$0")/.."
target=$PWD/build/bench/slurm
[ ! -e "$target/usr/sbin/slurmctld-wlm" ] || exit 0
packages=$(mktemp -d)
trap 'rm -rf "$packages"' EXIT
mkdir -p "$packages/partial" "$target"
# Without locks, so that nobody has to be root: only these files are written.
if ! apt-get install -y --no-install-recommends --download-only -o Debug::NoLocking=true \
  -o Dir::Cache::archives="$packages" slurmctld slurmd slurm-client munge >"$packages/log" 2>&1; then
  tail -n 5 "$packages/log" >&2
  exit 1
fi
for package in "$packages"/*.deb; do dpkg-deb -x "$package" "$target"; done
