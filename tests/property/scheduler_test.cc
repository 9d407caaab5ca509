// SPDX-License-Identifier: Apache-2.0
// Random worlds from pinned seeds; checker.h says what must hold in all of them.
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/text.h"
#include "checker.h"
#include "world.h"

namespace berth::core::property {
namespace {

std::int64_t from_environment(const char* name, std::int64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : base::parse_number(text).value_or(otherwise);
}

// The inputs that are left after shrinking, as journal lines to replay.
std::string story(const std::vector<Event>& events) {
  std::string text;
  for (const auto& event : events) {
    text += std::to_string(base::to_ms(event.now)) + " " +
            base::json::serialize(to_json(event.input)) + "\n";
  }
  return text;
}

TEST(SchedulerProperties, HoldInRandomWorlds) {
  const std::int64_t steps = from_environment("BERTH_PROPERTY_STEPS", 20'000);
  const std::int64_t only = from_environment("BERTH_PROPERTY_SEED", 0);
  const std::int64_t first = only > 0 ? only : from_environment("BERTH_PROPERTY_FIRST", 1);
  const std::int64_t last = only > 0 ? only : from_environment("BERTH_PROPERTY_LAST", 10);
  ASSERT_LE(first, last) << "BERTH_PROPERTY_FIRST is not above BERTH_PROPERTY_LAST";
  const std::int64_t steps_each = steps / (last - first + 1);
  std::int64_t taken = 0;
  Checker::Figures sum;
  for (std::int64_t seed = first; seed <= last; ++seed) {
    World world(static_cast<std::uint64_t>(seed));
    Checker checker;
    std::vector<Event> events;
    for (std::int64_t i = 0; i < steps_each; ++i) {
      Event event{{}, world.next()};
      event.now = world.now();
      auto trouble = checker.take(event);
      events.push_back(std::move(event));
      if (!trouble && i % 509 == 508) trouble = checker.restart();
      if (trouble) {
        std::printf("seed %lld, step %lld: %s; shortening it\n", static_cast<long long>(seed),
                    static_cast<long long>(i), trouble->c_str());
        std::fflush(stdout);
        const auto few = shrink(events, 400);
        FAIL() << "seed " << seed << ", step " << i << ": " << *trouble << "\n"
               << "BERTH_PROPERTY_SEED=" << seed << " BERTH_PROPERTY_STEPS=" << i + 1 << "\n"
               << few.size() << " of " << events.size() << " inputs are left:\n"
               << story(few).substr(0, 20'000);
      }
      world.observe(checker.outputs());
      ++taken;
    }
    const auto& figures = checker.figures();
    EXPECT_GT(figures.launches, 0) << "seed " << seed;
    sum.launches += figures.launches;
    sum.finished += figures.finished;
    sum.refused += figures.refused;
    sum.restarts += figures.restarts;
    sum.retries += figures.retries;
    sum.evictions += figures.evictions;
    sum.fences += figures.fences;
    sum.leases += figures.leases;
    sum.orphans += figures.orphans;
    sum.most_waiting = std::max(sum.most_waiting, figures.most_waiting);
  }
  RecordProperty("launches", static_cast<int>(sum.launches));
  std::printf(
      "%lld steps, seeds %lld..%lld: %lld launches, %lld ended, %lld refused, %lld restarts, %lld "
      "retries, "
      "%lld evicted, %lld fenced, %lld leases, %lld ended with another, at most %zu waiting\n",
      static_cast<long long>(taken), static_cast<long long>(first), static_cast<long long>(last),
      static_cast<long long>(sum.launches), static_cast<long long>(sum.finished),
      static_cast<long long>(sum.refused), static_cast<long long>(sum.restarts),
      static_cast<long long>(sum.retries), static_cast<long long>(sum.evictions),
      static_cast<long long>(sum.fences), static_cast<long long>(sum.leases),
      static_cast<long long>(sum.orphans), sum.most_waiting);
}

TEST(SchedulerProperties, TheWorldIsTheSameForTheSameSeed) {
  const auto journal = [](std::uint64_t seed) {
    World world(seed);
    Checker checker;
    std::vector<Event> events;
    for (int i = 0; i < 500; ++i) {
      Event event{{}, world.next()};
      event.now = world.now();
      checker.take(event);
      world.observe(checker.outputs());
      events.push_back(std::move(event));
    }
    return story(events);
  };
  EXPECT_EQ(journal(4), journal(4));
  EXPECT_NE(journal(4), journal(5));
}

}  // namespace
}  // namespace berth::core::property
