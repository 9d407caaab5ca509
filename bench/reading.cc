// SPDX-License-Identifier: Apache-2.0
// How long one reading of all devices takes. The driver library is the first argument; prints one
// line of JSON.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

#include "device/inventory.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: bench-reading NVML_LIBRARY\n");
    return 2;
  }
  berth::device::Options options;
  options.nvml_library = argv[1];
  constexpr int kReadings = 51;
  std::size_t devices = berth::device::read_samples(options).samples.size();
  std::vector<double> times;
  for (int i = 0; i < kReadings; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    devices = berth::device::read_samples(options).samples.size();
    const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - begin;
    times.push_back(time.count());
  }
  std::ranges::sort(times);
  std::printf("{\"devices\": %zu, \"median_ms\": %.3f, \"worst_ms\": %.3f}\n", devices,
              times[times.size() / 2], times.back());
}
