// SPDX-License-Identifier: Apache-2.0
// The program, run in this process.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cli/arguments.h"

namespace berth::cli::test {

struct Ran {
  int status = 0;
  std::string out, err;
};

inline Ran berth(const std::vector<std::string>& words) {
  const auto invocation = parse_arguments(words);
  EXPECT_TRUE(invocation.verb) << invocation.err;
  if (!invocation.verb) return {};
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Ran ran;
  ran.status = invocation.verb();
  ran.err = testing::internal::GetCapturedStderr();
  ran.out = testing::internal::GetCapturedStdout();
  return ran;
}

}  // namespace berth::cli::test
