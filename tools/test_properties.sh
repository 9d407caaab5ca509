#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A million random inputs to the scheduler, with everything that must hold checked after each: 40 worlds of
# pinned seeds, shared out to one process per core. BERTH_PROPERTY_INPUTS and BERTH_PROPERTY_FIRST for others.
set -eu
cd "$(dirname "$0")/.."
inputs=${BERTH_PROPERTY_INPUTS:-1000000}
first=${BERTH_PROPERTY_FIRST:-1001}
worlds=40
processes=$(nproc)
[ "$processes" -le "$worlds" ] || processes=$worlds
each=$((inputs / worlds))
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
begin=$(date +%s)
i=0
while [ "$i" -lt "$processes" ]; do
  from=$((first + worlds * i / processes))
  to=$((first + worlds * (i + 1) / processes - 1))
  (
    BERTH_PROPERTY_FIRST=$from BERTH_PROPERTY_LAST=$to BERTH_PROPERTY_STEPS=$((each * (to - from + 1))) \
      build/release/tests/property_tests --gtest_filter=SchedulerProperties.HoldInRandomWorlds >"$out/$i" 2>&1 ||
      touch "$out/failed"
  ) &
  i=$((i + 1))
done
wait
grep -h 'steps, seeds' "$out"/[0-9]* || true
if [ -e "$out/failed" ]; then
  cat "$out"/[0-9]*
  echo "random inputs: a property did not hold, or a process ended early" >&2
  exit 1
fi
checked=$(sed -n 's/^\([0-9]*\) steps, seeds.*/\1/p' "$out"/[0-9]* | awk '{ sum += $1 } END { print sum + 0 }')
[ "$checked" -eq $((each * worlds)) ] || { echo "random inputs: $checked instead of $inputs were checked" >&2; exit 1; }
echo "$checked random inputs, seeds $first..$((first + worlds - 1)): 0 violations in $(($(date +%s) - begin)) s"
