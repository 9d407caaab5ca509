// SPDX-License-Identifier: Apache-2.0
#include "cli/session.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace berth::cli {
namespace {

http::ClientResponse answer(int status, std::string body) {
  http::ClientResponse response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

TEST(Session, status_of_the_answer_decides_the_exit_status) {
  const auto exit = [](int status) {
    return base::row(error_of(answer(status, R"({"detail": "x"})")).code).exit_status;
  };
  EXPECT_EQ(exit(400), 5);
  EXPECT_EQ(exit(401), 5);
  EXPECT_EQ(exit(403), 5);
  EXPECT_EQ(exit(404), 4);
  EXPECT_EQ(exit(409), 5);
  EXPECT_EQ(exit(422), 2);
  EXPECT_EQ(exit(429), 5);
  EXPECT_EQ(exit(500), 1);
  EXPECT_EQ(exit(502), 1);
  EXPECT_EQ(exit(503), 3);
}

TEST(Session, problems_in_pydantics_form_are_one_line_each) {
  EXPECT_EQ(
      problem(answer(
          422,
          R"({"detail": [{"type": "missing", "loc": ["body", "command"], "msg": "Field required", "input": {}},
                                               {"loc": ["body", "after", 2], "msg": "Input should be a valid string"}]})")),
      "command: Field required\n       after.2: Input should be a valid string");
  EXPECT_EQ(problem(answer(404, R"({"detail": "no such task"})")), "no such task");
}

TEST(Session, the_token_comes_from_the_environment_then_from_the_state_directory) {
  const std::string dir = testing::TempDir() + "berth-cli-token";
  std::filesystem::create_directories(dir);
  std::ofstream(dir + "/token") << "from-file\n";
  setenv("BERTH_STATE_DIR", dir.c_str(), 1);
  EXPECT_EQ(daemon_token(), "from-file");
  setenv("BERTH_TOKEN", "from-environment", 1);
  EXPECT_EQ(daemon_token(), "from-environment");
  unsetenv("BERTH_TOKEN");
  unsetenv("BERTH_STATE_DIR");
  std::filesystem::remove_all(dir);
}

TEST(Session, paths_become_absolute_without_following_links) {
  const std::string here = std::filesystem::current_path().string();
  EXPECT_EQ(absolute_path("a/../b//c/"), here + "/b/c");
  EXPECT_EQ(absolute_path("."), here);
  EXPECT_EQ(absolute_path("/x/./y"), "/x/y");
}

TEST(Session, ids_are_encoded_in_paths) {
  EXPECT_EQ(task_path("a b/c", "/explain"), "/api/v2/tasks/a%20b%2Fc/explain");
}

}  // namespace
}  // namespace berth::cli
