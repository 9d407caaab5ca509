// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "daemon/supervisor.h"

namespace berth::daemon {
namespace {

std::string name_of(const std::string& id) {
  return task_directory("/s", model::TaskId(id)).substr(9);
}

TEST(TaskDirectory, plainIdsAreTheirOwnNames) {
  EXPECT_EQ(task_directory("/s", model::TaskId("a-1_b.c")), "/s/tasks/a-1_b.c");
  EXPECT_EQ(attempt_directory("/s", model::TaskId("a"), 3), "/s/tasks/a/3");
}

TEST(TaskDirectory, nothingLeavesTheDirectory) {
  for (const char* id : {"..", ".", "../x", "a/b", ".hidden", "%2e", "任务"}) {
    const std::string name = name_of(id);
    EXPECT_EQ(name.find('/'), std::string::npos) << id;
    EXPECT_NE(name.front(), '.') << id;
    EXPECT_FALSE(name.empty());
  }
}

TEST(TaskDirectory, differentIdsHaveDifferentNames) {
  EXPECT_NE(name_of("a b"), name_of("a%20b"));
  std::string longer(128, '\xE4');
  std::string other = longer;
  other.back() = '\xE5';
  EXPECT_NE(name_of(longer), name_of(other));
  EXPECT_LE(name_of(longer).size(), 255U);
}

}  // namespace
}  // namespace berth::daemon
