// SPDX-License-Identifier: Apache-2.0
// CHECK: a condition without which going on would do harm; always on, aborts.
// ASSUME: the same for debug builds and tests only.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace berth::base {
[[noreturn]] inline void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "CHECK failed: %s at %s:%d\n", condition, file, line);
  std::abort();
}
}  // namespace berth::base

#define CHECK(condition)                               \
  (static_cast<bool>(condition) ? static_cast<void>(0) \
                                : ::berth::base::check_failed(#condition, __FILE__, __LINE__))
#if defined(BERTH_CHECK_INVARIANTS)
#define ASSUME(condition) CHECK(condition)
#else
#define ASSUME(condition) static_cast<void>(0)
#endif
