// SPDX-License-Identifier: Apache-2.0
// A service's choice of a device by its variable (document 004), against a scripted daemon.
#include "cli/program.h"
#include "cli/stub_daemon.h"

namespace berth::cli {
namespace {

using namespace test;

TEST(Selection, the_automatic_choice_of_a_command_that_ends_unseen_is_told) {
  StubDaemon daemon;
  daemon.answers["GET /api/v2/resources/gpu"] = R"({"devices":[
    {"id":0,"device_name":"cuda:0","name":"RTX","uuid":"GPU-a",
     "total_memory_gb":24,"allocated_memory_gb":4,"free_memory_gb":20}]})";
  daemon.events = {
      R"({"task_id": "task-1", "task_type": "command", "status": "completed", "exit_code": 0,
          "attempt": 1, "device": "cuda:0"})"};
  const std::string told = "cuda:0 (20.00GB free)\n";
  const Ran ran = berth({"run", "--env", "SENSEVOICE_DEVICE=auto", "--", "true"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_NE(ran.err.find(told), std::string::npos) << ran.err;
  EXPECT_EQ(ran.err.find(told), ran.err.rfind(told)) << ran.err;
}

}  // namespace
}  // namespace berth::cli
