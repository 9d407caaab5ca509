// SPDX-License-Identifier: Apache-2.0
#include "cli/width.h"

#include <gtest/gtest.h>

namespace berth::cli {
namespace {

TEST(Width, counts_columns_and_not_bytes) {
  EXPECT_EQ(display_width("abc"), 3);
  EXPECT_EQ(display_width("é"), 1);
  EXPECT_EQ(display_width("e\xCC\x81"), 1);  // e and a combining accent
  EXPECT_EQ(display_width("训练"), 4);
  EXPECT_EQ(display_width("한국"), 4);
  EXPECT_EQ(display_width("🔴 GPU"), 6);
  EXPECT_EQ(display_width("━─╍"), 3);
  EXPECT_EQ(display_width("\x1b[31mred\x1b[0m"), 3);
  EXPECT_EQ(display_width("\xFF"), 1);
}

TEST(Width, cuts_between_characters_and_marks_the_cut) {
  EXPECT_EQ(fit("abcdef", 6), "abcdef");
  EXPECT_EQ(fit("abcdef", 4), "abc…");
  EXPECT_EQ(fit("训练完成", 6), "训练…");  // half of a wide character is not shown
  EXPECT_EQ(fit("训练完成", 5), "训练…");
  EXPECT_EQ(fit("abc", 1), "…");
  EXPECT_EQ(fit("abc", 0), "");
}

TEST(Width, pads_wide_text_by_columns) {
  EXPECT_EQ(pad_right("训练", 6), "训练  ");
  EXPECT_EQ(pad_left("训练", 6), "  训练");
}

TEST(Width, control_characters_of_others_do_not_reach_the_terminal) {
  EXPECT_EQ(printable("a\x1b[2Jb\nc\td"), "a·[2Jb c d");
  EXPECT_EQ(printable("a\xE2\x80\xAE"
                      "b"),
            "a·b");  // right-to-left override
  EXPECT_EQ(printable("\xFFx"), "\xEF\xBF\xBDx");
}

TEST(Width, wraps_at_blanks) {
  EXPECT_EQ(wrap("one two three four", 9, "  "), "one two\n  three\n  four");
  EXPECT_EQ(wrap("one two", 0, "  "), "one two");
  EXPECT_EQ(wrap("averyveryverylongword x", 5, ""), "averyveryverylongword\nx");
}

TEST(Width, wraps_between_wide_characters_and_keeps_their_punctuation) {
  EXPECT_EQ(wrap("训练任务正在排队", 8, "  "), "训练任务\n  正在排队");
  EXPECT_EQ(wrap("等待中，需要 8.00 GB", 8, ""), "等待中，\n需要\n8.00 GB")
      << "no line begins with a comma";
  EXPECT_EQ(wrap("显存（余量）", 6, ""), "显存\n（余\n量）");
  EXPECT_EQ(wrap("设备cuda:0上", 10, ""), "设备cuda:0\n上") << "a name is not broken";
}

TEST(Width, painted_text_is_cut_without_its_paint_being_counted_or_left_on) {
  EXPECT_EQ(fit_painted("\x1b[1mabc\x1b[0m", 3), "\x1b[1mabc\x1b[0m");
  EXPECT_EQ(fit_painted("\x1b[1mabcd\x1b[0mefg", 3), "\x1b[1mab…\x1b[0m");
  EXPECT_EQ(fit_painted("\x1b[1m显存不足\x1b[0m", 5), "\x1b[1m显存…\x1b[0m");
  EXPECT_EQ(fit_painted("abc", 2), "a…");
}

}  // namespace
}  // namespace berth::cli
