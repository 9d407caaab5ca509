// SPDX-License-Identifier: Apache-2.0
#include "base/phrase.h"

#include <gtest/gtest.h>

namespace berth::base {
namespace {

TEST(Phrase, HolesTakeTheValuesInOrder) {
  EXPECT_EQ(to_text(Phrase{"{} of {} in use", {"1", "3"}}), "1 of 3 in use");
  EXPECT_EQ(to_text(Phrase(std::string_view("none"))), "none");
}

TEST(Phrase, NumberedHolesTakeTheirOwn) {
  EXPECT_EQ(to_text(Phrase{"{1} has {0} of {1}", {"a", "b"}}), "b has a of b");
}

TEST(Phrase, AMissingValueLeavesTheHoleEmpty) {
  EXPECT_EQ(to_text(Phrase{"task {}, {7}.", {}}), "task , .");
}

TEST(Phrase, WhatReadsTheSameEverywhereIsAValue) {
  EXPECT_EQ(to_text(Phrase(std::string("20.00 GB {}"))), "20.00 GB {}");
}

}  // namespace
}  // namespace berth::base
