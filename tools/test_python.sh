#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The Python package, without a daemon; what it does with one is in tests/functional/test_python_package.py.
set -eu
cd "$(dirname "$0")/.."
exec /usr/bin/python3 -m pytest -q -rs sdk/python/tests "$@"
