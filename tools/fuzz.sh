#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fuzzes one reader of unknown files (workers/fuzz) under AddressSanitizer and UndefinedBehaviorSanitizer.
#   fuzz.sh TARGET [SECONDS]     60 seconds unless said otherwise
# With clang-19 and its libFuzzer (install_dependencies.sh fuzz), else by plain mutation of the corpus. What is found lies in
# build/fuzz/found: to run one again, build/fuzz/fuzz/fuzz_TARGET FILE.
set -eu
cd "$(dirname "$0")/.."
target=${1:?usage: fuzz.sh TARGET [SECONDS]}
seconds=${2:-60}
corpus=workers/fuzz/corpus/$target
[ -d "$corpus" ] || { echo "no such target: $target; there are: $(ls workers/fuzz/corpus | tr '\n' ' ')" >&2; exit 2; }
mkdir -p build/fuzz/found "build/fuzz/corpus/$target"
libfuzzer=
if command -v clang++-19 >/dev/null && [ -n "$(find /usr/lib/llvm-19/lib/clang -name 'libclang_rt.fuzzer*' 2>/dev/null)" ]; then
  libfuzzer=1
fi
if [ -n "$libfuzzer" ]; then
  CC=clang-19 CXX=clang++-19 cmake -G Ninja -S workers -B build/fuzz -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DBERTH_SANITIZE=address,undefined,fuzzer-no-link -DBERTH_FUZZ=ON -DBERTH_BUILD_TESTS=OFF -Wno-dev >build/fuzz/configure.log
  cmake --build build/fuzz -j "${BERTH_JOBS:-$(nproc)}" --target "fuzz_$target"
  # New inputs go into the first folder and stay there for the next time.
  exec "build/fuzz/fuzz/fuzz_$target" -max_total_time="$seconds" -max_len=65536 -timeout=20 -rss_limit_mb=3072 \
    -artifact_prefix=build/fuzz/found/ -print_final_stats=1 "build/fuzz/corpus/$target" "$corpus"
fi
echo "clang-19 with libFuzzer is not here (clang-19 libclang-rt-19-dev): plain mutation instead" >&2
cmake -G Ninja -S workers -B build/replay -DCMAKE_BUILD_TYPE=RelWithDebInfo -DBERTH_SANITIZE=address,undefined \
  -DBERTH_BUILD_TESTS=OFF -Wno-dev >build/fuzz/configure.log
cmake --build build/replay -j "${BERTH_JOBS:-$(nproc)}" --target "replay_$target"
exec "build/replay/tests/replay_$target" "$corpus" --seconds "$seconds"
