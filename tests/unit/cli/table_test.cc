// SPDX-License-Identifier: Apache-2.0
#include "cli/table.h"

#include "cli/limits_text.h"
#include "cli/samples.h"
#include "cli/width.h"

namespace berth::cli {
namespace {

using namespace test;

Table example() {
  Table table({{"ID"}, {"EMPTY"}, {"N", true}, {"TEXT", false, 6}});
  table.add({{"a1"}, {}, {"7"}, {"a rather long text that may be cut"}});
  table.add({{"b"}, {}, {"1234"}, {"训练"}});
  return table;
}

TEST(Table, aligns_and_leaves_empty_columns_out) {
  EXPECT_EQ(example().render(kPipe),
            "ID     N  TEXT\n"
            "a1     7  a rather long text that may be cut\n"
            "b   1234  训练\n");
}

TEST(Table, fits_the_screen_by_cutting_what_may_be_cut) {
  EXPECT_EQ(example().render(Screen{20, false, false}),
            "ID     N  TEXT\n"
            "a1     7  a rather …\n"
            "b   1234  训练\n");
}

TEST(Table, colour_does_not_change_the_alignment) {
  Table table({{"A"}, {"B"}});
  table.add({{"x", Tone::kBad}, {"y"}});
  table.add({{"longer"}, {"z"}});
  EXPECT_EQ(table.render(kColor),
            "\x1b[2mA\x1b[0m       \x1b[2mB\x1b[0m\n\x1b[31mx\x1b[0m       y\nlonger  z\n");
}

TEST(Table, fields_are_aligned_and_wrapped) {
  EXPECT_EQ(
      render_fields({{"name", {"x"}}, {"none", {""}}, {"longer name", {"one two three four five"}}},
                    Screen{33, false, false}),
      "name         x\n"
      "longer name  one two three four\n"
      "             five\n");
}

TEST(Limits, show_use_and_limit_per_device_and_kind) {
  const auto resources = json_object(
      R"({"limits": {"cuda:0": {"training": 1, "inference": 3}, "cpu": {"training": 2, "inference": 4}},
      "device_usage": {"cuda:0": {"training": 1, "inference": 0, "command": 2}}})");
  EXPECT_EQ(render_limits(resources, kPipe),
            "DEVICE  TRAINING  INFERENCE  COMMAND\n"
            "cuda:0    1 of 1     0 of 3        2\n"
            "cpu       0 of 2     0 of 4\n");
}

}  // namespace
}  // namespace berth::cli
