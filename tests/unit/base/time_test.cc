// SPDX-License-Identifier: Apache-2.0
#include "base/time.h"

#include <gtest/gtest.h>

namespace berth::base {
namespace {

TEST(Time, Iso8601HasMillisecondsAndZone) {
  EXPECT_EQ(iso8601(from_ms(1'767'323'045'678)), "2026-01-02T03:04:05.678Z");
  EXPECT_EQ(iso8601(from_ms(0)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(iso8601(from_ms(951'782'400'001)), "2000-02-29T00:00:00.001Z");
}

TEST(Time, Iso8601BeforeTheEpochIsStillATime) {
  EXPECT_EQ(iso8601(from_ms(-1)), "1969-12-31T23:59:59.999Z");
}

TEST(Time, MillisecondsAndBack) { EXPECT_EQ(to_ms(from_ms(1234)), 1234); }

TEST(Time, NowIsAfterTheYear2020) { EXPECT_GT(to_ms(now()), 1'577'836'800'000); }

TEST(ParseDuration, UnderstandsUnits) {
  struct Row {
    const char* text;
    std::int64_t ms;
  };
  for (const Row& row : {Row{"30", 30'000},
                         {"30s", 30'000},
                         {"5m", 300'000},
                         {"5min", 300'000},
                         {"2h", 7'200'000},
                         {"1d", 86'400'000},
                         {"500ms", 500},
                         {"0", 0},
                         {"1.5s", 1500}}) {
    const auto parsed = parse_duration(row.text);
    ASSERT_TRUE(parsed) << row.text;
    EXPECT_EQ(parsed->count(), row.ms) << row.text;
  }
}

TEST(ParseDuration, RefusesTheRest) {
  for (const char* text :
       {"", "s", "-1", "-5m", "5x", "5 m", "1h30m", "nan", "nanms", "inf", "1e300", "soon"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

}  // namespace
}  // namespace berth::base
