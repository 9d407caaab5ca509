#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing of Debian's packages. As root or with sudo; nothing when all is there.
#   install_dependencies.sh build|lint|bench|parity|fuzz|web
set -eu

build="g++ make cmake ninja-build ccache pkg-config git ca-certificates
 libboost1.81-dev libboost-json1.81-dev libexpected-dev libsqlite3-dev libyaml-cpp-dev libcli11-dev libgtest-dev
 libcurl4-openssl-dev libjemalloc-dev python3 python3-yaml python3-pytest python3-pytest-xdist
 libtorch-dev libgloo-dev libopenblas0-openmp libopenblas-dev
 libjpeg62-turbo-dev libpng-dev libstb-dev libkissfft-dev libpugixml-dev zlib1g-dev"
lint="clang-format-19 clang-tidy-19 python3-yaml libboost1.81-dev libboost-json1.81-dev libexpected-dev libsqlite3-dev
 libyaml-cpp-dev libcli11-dev libgtest-dev libcurl4-openssl-dev g++ cmake ninja-build"
# What Berth is compared with, and what asks. Slurm is only unpacked (unpack_slurm.sh): installed it would be set up.
# So is SciPy (unpack_scipy.sh).
bench="wrk task-spooler python3-pip python3-fastapi python3-uvicorn python3-uvloop python3-httptools python3-numpy
 python3-torch python3-torchvision"

# A browser for the tests of the page.
web="chromium"

# The references of the models and of the augmentations. That of the signal processing, SciPy, is only unpacked (unpack_scipy.sh).
parity="python3-torch python3-torchvision python3-numpy python3-opencv python3-pytest"

# Without these, tools/fuzz.sh mutates blindly.
fuzz="clang-19 libclang-rt-19-dev"

case "${1:-build}" in
  build) wanted=$build ;;
  lint) wanted=$lint ;;
  bench) wanted=$bench ;;
  parity) wanted=$parity ;;
  fuzz) wanted=$fuzz ;;
  web) wanted=$web ;;
  *) echo "usage: install_dependencies.sh build|lint|bench|parity|fuzz|web" >&2; exit 2 ;;
esac

missing=
for package in $wanted; do
  # A package may be provided by another one; only "install ok installed" counts.
  state=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
  [ "$state" = "install ok installed" ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
  echo "Berth builds on Debian 12; this machine has no apt. Install the equivalents of:$missing" >&2
  exit 1
fi
as_root=
if [ "$(id -u)" != 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "Packages are missing and you are neither root nor have sudo. As root: apt-get install$missing" >&2
    exit 1
  fi
  as_root=sudo
fi
echo "Installing:$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { $as_root apt-get update && \
       $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
  tail -n 30 "$log" >&2
  exit 1
fi
