// SPDX-License-Identifier: Apache-2.0
#include "base/rendering.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>

namespace berth::base {
namespace {

constexpr std::array kTable{
    Rendering{"no reading for {} s", "已 {} 秒没有读数"},
    Rendering{"no reading for {} s (while listed)", "已 {} 秒没有读数（枚举时）"},
    Rendering{"cannot read {}: {}", "无法读取 {}：{}", Values::kLastSaid},
    Rendering{"none of {} could be read; the first: {}", "{} 均无法读取；第一个：{}",
              Values::kLastSaid},
    Rendering{"task {} is of {}", "{1} 的任务 {0}"},
    Rendering{"PNG: {}", "PNG：{}", Values::kLastSaid},
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

TEST(Renderings, reasons_are_said_too_words_of_users_never) {
  EXPECT_EQ(kAll.in_chinese("cannot read a.png: timeout"), "无法读取 a.png：超时");
  EXPECT_EQ(kAll.in_chinese("cannot read timeout: timeout"), "无法读取 timeout：超时");
  EXPECT_EQ(kAll.in_chinese("task timeout is of timeout"), "timeout 的任务 timeout");
  EXPECT_EQ(kAll.in_chinese("none of a could be read; the first: cannot read b: timeout"),
            "a 均无法读取；第一个：无法读取 b：超时");
  EXPECT_EQ(kAll.in_chinese("none of a could be read; the first: its own word"),
            "a 均无法读取；第一个：its own word");
}

TEST(Renderings, a_path_may_hold_what_stands_before_a_reason) {
  EXPECT_EQ(kAll.in_chinese("cannot read /d: 2/a.png: timeout"), "无法读取 /d: 2/a.png：超时");
  EXPECT_EQ(kAll.in_chinese("cannot read /d/a.png: PNG: its own word"),
            "无法读取 /d/a.png：PNG：its own word");
  EXPECT_EQ(kAll.in_chinese("cannot read /d: 2/a.png: another"), "无法读取 /d: 2/a.png：another");
}

TEST(Renderings, what_is_not_known_stays_as_it_is) {
  for (const char* text : {"", "another", "no reading for  s", "Timeout", "{}", "已 3 秒没有读数",
                           "cannot read: timeout", "cannot read a: ", "a; b"})
    EXPECT_EQ(kAll.in_chinese(text), text);
}

TEST(Renderings, what_a_program_says_costs_little_however_long_and_deep) {
  const auto begin = std::chrono::steady_clock::now();
  for (const char* piece :
       {"PNG: ", "cannot read ", ": ", "none of a could be read; the first: "}) {
    for (const std::size_t size : {4'000U, 1U << 20}) {
      std::string text;
      while (text.size() + 60 < size) text += piece;
      EXPECT_FALSE(kAll.in_chinese(text).empty());
    }
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5))
      << "it is bounded: a second is thousands of times what it takes";
}

}  // namespace
}  // namespace berth::base
