// SPDX-License-Identifier: Apache-2.0
#include "cli/when.h"

#include <gtest/gtest.h>

#include <chrono>

namespace berth::cli {
namespace {

using namespace std::chrono_literals;

TEST(When, reads_the_forms_of_iso_8601_that_the_api_has) {
  const auto time = base::from_ms(1767323045678);
  EXPECT_EQ(parse_iso8601("2026-01-02T03:04:05.678Z"), time);
  EXPECT_EQ(parse_iso8601("2026-01-02T03:04:05.678901+00:00"), time);
  EXPECT_EQ(parse_iso8601("2026-01-02T11:04:05.678+08:00"), time);
  EXPECT_EQ(parse_iso8601("2026-01-01T22:34:05.678-04:30"), time);
  EXPECT_EQ(parse_iso8601("2026-01-02T03:04:05.678"), time);
  EXPECT_EQ(parse_iso8601("2026-01-02T03:04:05"), base::from_ms(1767323045000));
  EXPECT_FALSE(parse_iso8601("yesterday"));
  EXPECT_FALSE(parse_iso8601(""));
  EXPECT_FALSE(parse_iso8601("2026-01-02T03:04:05 o'clock"));
}

TEST(When, words_have_two_units_at_most) {
  EXPECT_EQ(words(0s), "0s");
  EXPECT_EQ(words(-5s), "0s");
  EXPECT_EQ(words(59s), "59s");
  EXPECT_EQ(words(184s), "3m 04s");
  EXPECT_EQ(words(2h + 5min + 59s), "2h 05m");
  EXPECT_EQ(words(76h), "3d 04h");
}

}  // namespace
}  // namespace berth::cli
