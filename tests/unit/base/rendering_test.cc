// SPDX-License-Identifier: Apache-2.0
#include "base/rendering.h"

#include <gtest/gtest.h>

#include <array>

namespace berth::base {
namespace {

constexpr std::array kTable{
    Rendering{"no reading for {} s", "已 {} 秒没有读数"},
    Rendering{"no reading for {} s (while listed)", "已 {} 秒没有读数（枚举时）"},
    Rendering{"{} cannot be used: {}", "无法使用 {}：{}"},
    Rendering{"task {} is of {}", "{1} 的任务 {0}", Values::kAsTheyStand},
    Rendering{"nothing of this machine fits: {}", "无一可用：{}", Values::kEachSaid},
    Rendering{"timeout", "超时"},
};

const Renderings kAll{kTable};

TEST(Renderings, what_fills_a_text_is_kept) {
  EXPECT_EQ(kAll.in_chinese("timeout"), "超时");
  EXPECT_EQ(kAll.in_chinese("no reading for 2.1 s"), "已 2.1 秒没有读数");
  EXPECT_EQ(kAll.in_chinese("task a is of b"), "b 的任务 a") << "holes may change their order";
}

TEST(Renderings, the_text_that_says_most_of_it_counts) {
  EXPECT_EQ(kAll.in_chinese("no reading for 2.1 s (while listed)"), "已 2.1 秒没有读数（枚举时）");
}

TEST(Renderings, texts_in_holes_are_said_too_but_not_in_those_of_users) {
  EXPECT_EQ(kAll.in_chinese("cuda:0 cannot be used: no reading for 3 s"),
            "无法使用 cuda:0：已 3 秒没有读数");
  EXPECT_EQ(kAll.in_chinese("cuda:0 cannot be used: cuda:1 cannot be used: timeout"),
            "无法使用 cuda:0：无法使用 cuda:1：超时");
  EXPECT_EQ(kAll.in_chinese("task timeout is of timeout"), "timeout 的任务 timeout");
}

TEST(Renderings, of_a_list_each_is_said) {
  EXPECT_EQ(
      kAll.in_chinese(
          "nothing of this machine fits: cuda:0 cannot be used: timeout; no reading for 3 s; so"),
      "无一可用：无法使用 cuda:0：超时；已 3 秒没有读数；so");
}

TEST(Renderings, what_is_not_known_stays_as_it_is) {
  for (const char* text : {"", "another", "no reading for  s", "Timeout", "{}", "已 3 秒没有读数",
                           "cannot be used: timeout", "a; b"})
    EXPECT_EQ(kAll.in_chinese(text), text);
}

}  // namespace
}  // namespace berth::base
