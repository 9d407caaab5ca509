#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The unit tests of the release build, the workers' included.
set -eu
cd "$(dirname "$0")/.."
ctest --preset release -j "$(nproc)" --timeout 300
tools/test_properties.sh
if [ -d build/release/workers ]; then
  ctest --test-dir build/release/workers --output-on-failure -j "$(nproc)" --timeout 600
fi
