// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>

#include "base/result.h"

namespace berth::base {
namespace {

TEST(ErrorCodes, TableIsInTheOrderOfTheEnumeration) {
  EXPECT_EQ(row(ErrorCode::kBadRequest).name, "bad_request");
  EXPECT_EQ(row(ErrorCode::kQueueFull).http_status, 429);
  EXPECT_EQ(row(ErrorCode::kNotReachable).name, "not_reachable");
  EXPECT_EQ(row(RefusalCode::kTooSmall).name, "too_small");
  EXPECT_TRUE(row(RefusalCode::kTooSmall).never);
  EXPECT_FALSE(row(RefusalCode::kMemory).never);
}

TEST(ErrorCodes, NamesAreUnique) {
  std::set<std::string_view> names;
  for (const auto& entry : kErrorCodes) EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
  names.clear();
  for (const auto& entry : kRefusalCodes)
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
}

TEST(ErrnoError, NamesWhatAndWhy) {
  const Error error = errno_error("cannot open /x", EACCES);
  EXPECT_EQ(error.code, ErrorCode::kIoError);
  EXPECT_EQ(error.message, "cannot open /x: Permission denied");
}

TEST(Result, HoldsAValueOrAnError) {
  const Result<int> good = 3;
  const Result<int> bad = fail(ErrorCode::kNotFound, "none");
  EXPECT_EQ(*good, 3);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().message, "none");
}

}  // namespace
}  // namespace berth::base
