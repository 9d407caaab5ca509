// SPDX-License-Identifier: Apache-2.0
// Work cut into one piece for each thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <exception>
#include <thread>
#include <vector>

namespace berth::signal {

/// Runs part(first, end) for [0, count) cut into contiguous pieces, one for each of at most
/// `threads` threads, this one among them. What a part throws is thrown here, after all have ended.
template <typename Part>
void in_parallel(size_t count, int threads, const Part& part) {
  if (count == 0) return;
  const size_t pieces = std::clamp<size_t>(static_cast<size_t>(std::max(1, threads)), 1, count);
  std::vector<std::exception_ptr> thrown(pieces);
  const auto run = [&](size_t i) {
    try {
      part(count * i / pieces, count * (i + 1) / pieces);
    } catch (...) {
      thrown[i] = std::current_exception();
    }
  };
  std::vector<std::thread> others;
  for (size_t i = 1; i < pieces; ++i) others.emplace_back(run, i);
  run(0);
  for (std::thread& thread : others) thread.join();
  for (const std::exception_ptr& exception : thrown) {
    if (exception) std::rethrow_exception(exception);
  }
}

}  // namespace berth::signal
