#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the Python package's wheel into build/wheel, with Debian's Python and without a network. The same sources give
# the same file: times are SOURCE_DATE_EPOCH, by default that of the last commit to them.
#   build_wheel.sh [DIR]     into DIR instead
set -eu
umask 022
cd "$(dirname "$0")/.."
mkdir -p "${1:-build/wheel}"
out=$(cd "${1:-build/wheel}" && pwd)
python=${BERTH_WHEEL_PYTHON:-/usr/bin/python3}
missing=
for module in pip setuptools wheel; do
  "$python" -c "import $module" 2>/dev/null || missing="$missing python3-$module"
done
if [ -n "$missing" ]; then
  echo "build_wheel.sh: missing:$missing (apt-get install$missing)" >&2
  exit 1
fi
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct -- sdk/python 2>/dev/null || true)}"
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-315532800}" # 1980, the earliest that a zip file can say
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Of a copy, since setuptools leaves its own files beside what it builds.
mkdir "$work/berth-python"
(cd sdk/python && tar -cf - --exclude='__pycache__' --exclude='*.pyc' berth pyproject.toml README.md) | tar -xf - -C "$work/berth-python"
cp LICENSE "$work/berth-python/"
chmod -R u=rwX,go=rX "$work/berth-python"
rm -f "$out"/berth-*.whl
PIP_CONFIG_FILE=/dev/null PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PYTHONHASHSEED=0 \
  "$python" -m pip wheel --quiet --no-index --no-build-isolation --no-deps --no-cache-dir \
  --wheel-dir "$out" "$work/berth-python"
ls "$out"/berth-*.whl
