#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Format, dependencies, sizes, clang-tidy. `lint.sh --fix` formats in place; `--quick` leaves clang-tidy out.
set -eu
cd "$(dirname "$0")/.."
mode=${1:-}
case "$mode" in
  '' | --fix | --quick) ;;
  *) sed -n 3p tools/lint.sh | cut -c3- >&2; exit 2 ;;
esac
sources=$(git ls-files --cached --others --exclude-standard '*.cc' '*.h' '*.c' '*.cpp' | while read -r f; do [ -f "$f" ] && echo "$f"; done)
if [ "$mode" = --fix ]; then
  echo "$sources" | xargs clang-format-19 -i
else
  echo "$sources" | xargs clang-format-19 --dry-run --Werror
fi
/usr/bin/python3 tools/check_deps.py
/usr/bin/python3 tools/check_sizes.py
/usr/bin/python3 tools/check_configuration.py
for script in tools/*.sh .ci/run; do sh -n "$script" 2>/dev/null || bash -n "$script"; done
/usr/bin/python3 -m compileall -q tools tests/functional bench scripts sdk/python/berth 2>/dev/null || { echo "a Python file does not compile" >&2; exit 1; }
if command -v ruff >/dev/null 2>&1; then ruff check tools tests bench scripts sdk; fi
[ "$mode" = --quick ] && { echo "lint: ok (quick)"; exit 0; }
cmake --preset release -Wno-dev >/dev/null
cmake --build --preset release --target berth_error_codes >/dev/null
files=$(git ls-files 'src/*.cc')
run_tidy=$(command -v run-clang-tidy-19 || echo /usr/lib/llvm-19/bin/run-clang-tidy)
"$run_tidy" -quiet -j "$(nproc)" -p build/release $files >build/tidy.log 2>&1 || { grep -E 'error|warning' build/tidy.log | sort -u | head -60; exit 1; }
echo "lint: ok"
