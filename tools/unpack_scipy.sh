#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Unpacks Debian's SciPy into build/scipy for the parity tests and `make bench` and prints what belongs into PYTHONPATH;
# its libraries are beside. Installing it is impossible beside libboost1.81-dev: it depends on pythran, which pulls in
# Boost 1.74.
set -eu
cd "$(dirname "$0")/.."
target=$PWD/build/scipy
if [ ! -e "$target/done" ]; then
  packages=$(mktemp -d)
  trap 'rm -rf "$packages"' EXIT
  # The download may drop its rights to a user of its own, who must be able to write there.
  chmod 777 "$packages"
  if ! (cd "$packages" && apt-get download python3-scipy python3-decorator liblbfgsb0 libgfortran5) \
    >"$packages/log" 2>&1; then
    tail -n 5 "$packages/log" >&2
    exit 1
  fi
  mkdir -p "$target"
  for package in "$packages"/*.deb; do dpkg-deb -x "$package" "$target"; done
  touch "$target/done"
fi
echo "$target/usr/lib/python3/dist-packages"
