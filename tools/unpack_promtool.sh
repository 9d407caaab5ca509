#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prometheus' own check of metrics, from Debian's package, unpacked to build/promtool: installed it would be started.
set -eu
cd "$(dirname "$0")/.."
[ -x build/promtool/usr/bin/promtool ] && exit 0
mkdir -p build/promtool
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
if ! apt-get download prometheus >log 2>&1; then
  echo "promtool is skipped: the package prometheus cannot be downloaded" >&2
  exit 0
fi
cd - >/dev/null
dpkg -x "$folder"/prometheus_*.deb build/promtool
