// SPDX-License-Identifier: Apache-2.0
// Arrays of tasks against a scripted daemon.
#include "cli/program.h"
#include "cli/samples.h"
#include "cli/stub_daemon.h"

namespace berth::cli {
namespace {

using namespace test;

std::string array(const std::string& status, const std::string& fields) {
  return R"({"task_id": "abc", "task_type": "array", "status": ")" + status +
         R"(", "size": 2, "tasks": ["abc_0", "abc_7"], )" + fields + "}";
}

std::string task(const std::string& index, const std::string& fields) {
  return R"({"task_id": "abc_)" + index + R"(", "array": {"id": "abc", "index": )" + index +
         R"(, "size": 2, "at_once": null}, )" + fields + "}";
}

TEST(RunArray, sends_the_indices_and_ends_with_0_when_all_have_completed) {
  StubDaemon daemon;
  daemon.task = array("pending", R"("counts": {"pending": 2})");
  daemon.answers["GET /api/v2/tasks/abc"] =
      array("completed", R"("counts": {"completed": 2}, "exit_code": 0)");
  const Ran ran = berth({"run", "--array", "0,7%1", "--", "true"});
  EXPECT_EQ(ran.status, 0);
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(ran.err, "berth: array abc of 2 tasks; \"berth logs abc_0\" shows the output of one\n");
  EXPECT_EQ(json_object(daemon.body_of("/api/v2/tasks")).at("array"), "0,7%1");
  EXPECT_EQ(berth({"run", "--detach", "--array", "0,7", "--", "true"}).out, "abc\n");
}

TEST(RunArray, ends_as_the_first_task_that_failed_and_names_those) {
  StubDaemon daemon;
  daemon.task = array("pending", R"("counts": {"pending": 2})");
  daemon.answers["GET /api/v2/tasks/abc"] =
      array("failed", R"("counts": {"failed": 2}, "exit_code": 3)");
  daemon.answers["GET /api/v2/tasks"] = R"({"total": 2, "tasks": [)" +
                                        task("7", R"("status": "failed", "exit_code": 3)") + "," +
                                        task("0", R"("status": "failed", "signal": 9)") + "]}";
  const Ran ran = berth({"run", "--array", "0,7", "--", "x"});
  EXPECT_EQ(ran.status, 137);
  EXPECT_NE(ran.err.find("berth: array abc: 2 of 2 tasks failed: abc_[0,7]\n"), std::string::npos)
      << ran.err;
  EXPECT_EQ(berth({"wait", "abc"}).status, 137);
}

TEST(ArrayId, the_beginning_of_one_names_the_array_and_with_an_index_a_task) {
  StubDaemon daemon;
  daemon.answers["GET /api/v2/tasks"] = R"({"total": 2, "tasks": [)" +
                                        task("7", R"("status": "queued")") + "," +
                                        task("0", R"("status": "running")") + "]}";
  daemon.answers["GET /api/v2/tasks/abc"] = array("running", R"("counts": {"running": 2})");
  EXPECT_EQ(base::string_or(json_object(berth({"show", "ab", "--json"}).out), "task_id"), "abc");
  EXPECT_EQ(base::string_or(json_object(berth({"show", "a_7", "--json"}).out), "task_id"), "abc_7");
  EXPECT_EQ(berth({"show", "a_8"}).status, 4);
  daemon.answers["POST /api/v2/tasks/abc/cancel"] = R"({"status": "success"})";
  EXPECT_EQ(berth({"cancel", "ab"}).out, "abc is being cancelled\n");
  for (const char* verb : {"why", "logs"}) {
    const Ran ran = berth({verb, "ab"});
    EXPECT_EQ(ran.status, 5);
    EXPECT_NE(ran.err.find("abc_0"), std::string::npos) << ran.err;
  }
}

TEST(Ps, reads_on_while_an_array_fills_less_than_the_rows_asked_for) {
  StubDaemon daemon;
  daemon.answers["GET /api/v2/tasks"] = R"({"total": 3, "tasks": [)" +
                                        task("7", R"("status": "queued", "user": "ann")") + "," +
                                        task("0", R"("status": "queued", "user": "bob")") + "]}";
  const Ran ran = berth({"ps", "--limit", "2"});
  EXPECT_NE(ran.out.find("abc_[0,7]"), std::string::npos) << ran.out;
  EXPECT_EQ(daemon.requests().at(1), "GET /api/v2/tasks?limit=1000&offset=2&status=live");
  const auto anns = json_object(berth({"ps", "--user", "ann", "--json"}).out);
  EXPECT_EQ(anns.at("total"), 1);
  EXPECT_EQ(anns.at("tasks").as_array().size(), 1U);
  EXPECT_NE(berth({"ps", "--user", "nobody"}).err.find("nothing of nobody"), std::string::npos);
}

}  // namespace
}  // namespace berth::cli
