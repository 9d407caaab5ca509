// SPDX-License-Identifier: Apache-2.0
// Leases against a scripted daemon.
#include <cstdlib>

#include "cli/program.h"
#include "cli/samples.h"
#include "cli/stub_daemon.h"

namespace berth::cli {
namespace {

using namespace test;

constexpr const char* kLease =
    R"({"lease_id": "abc-1", "pid": null, "expires_at": null, "ttl_s": 60,
    "devices": [{"device": "cuda:1", "uuid": "GPU-b", "reserved_gb": 8}], "env": {"BERTH_LEASE": "abc-1"}})";
constexpr const char* kLeases =
    R"({"total": 3, "leases": [{"lease_id": "abc-1"}, {"lease_id": "abc-2"}, {"lease_id": "xyz"}]})";

TEST(PickHold, asks_for_a_lease_as_pick_would_choose) {
  StubDaemon daemon;
  daemon.answers["GET /api/v2/resources/gpu"] = std::string(kGpus);
  daemon.answers["POST /api/v2/leases"] = kLease;
  EXPECT_EQ(berth({"pick", "--hold", "60s", "--format", "env"}).out, "export BERTH_LEASE=abc-1\n");
  EXPECT_EQ(daemon.body_of("/api/v2/leases"),
            R"({"device":"auto","gpus":1,"exclusive":false,"policy":"most_free","ttl_s":60.0})");
}

TEST(PickHold, sends_every_wish_and_names_the_lease_on_standard_error) {
  StubDaemon daemon;
  daemon.answers["GET /api/v2/resources/gpu"] = std::string(kGpus);
  daemon.answers["POST /api/v2/leases"] = kLease;
  const Ran ran =
      berth({"pick",     "--hold",      "5m",       "--count", "2",          "--memory", "8G",
             "--policy", "spread",      "--device", "cuda",    "--gpu-type", "A100",     "--pool",
             "large",    "--exclusive", "--pid",    "4711",    "--format",   "uuid"});
  EXPECT_EQ(ran.status, 0);
  EXPECT_EQ(ran.out, "GPU-b\n");
  EXPECT_TRUE(ran.err.starts_with("berth: lease abc-1 holds cuda:1 until ")) << ran.err;
  const auto body = json_object(daemon.body_of("/api/v2/leases"));
  EXPECT_EQ(body,
            json_object(R"({"device": "cuda", "gpus": 2, "exclusive": true, "policy": "spread",
      "ttl_s": 300.0, "memory_gb": 8.0, "gpu_type": "A100", "pool": "large", "pid": 4711})"));
}

TEST(PickHold, leases_no_processor_where_a_gpu_was_meant) {
  StubDaemon daemon;
  daemon.answers["GET /api/v2/resources/gpu"] = R"({"available": false, "devices": []})";
  daemon.answers["POST /api/v2/leases"] = kLease;
  EXPECT_EQ(berth({"pick", "--hold", "60s"}).status, 5);
  EXPECT_EQ(daemon.body_of("/api/v2/leases"), "");
}

TEST(PickHold, needs_the_daemon) {
  setenv("BERTH_URL", "http://127.0.0.1:1", 1);
  const Ran ran = berth({"pick", "--hold", "60s"});
  unsetenv("BERTH_URL");
  EXPECT_EQ(ran.status, 3);
  EXPECT_NE(ran.err.find("a lease needs the daemon"), std::string::npos) << ran.err;
}

TEST(Leases, are_named_by_the_beginnings_of_their_ids) {
  StubDaemon daemon;
  daemon.answers["GET /api/v2/leases"] = kLeases;
  daemon.answers["POST /api/v2/leases/xyz/renew"] = kLease;
  daemon.answers["DELETE /api/v2/leases/abc-2"] = R"({"status": "success"})";
  EXPECT_TRUE(berth({"leases", "renew", "x", "5m"}).out.starts_with("lease abc-1 holds cuda:1"));
  EXPECT_EQ(daemon.body_of("/api/v2/leases/xyz/renew"), R"({"ttl_s":300.0})");
  const Ran end = berth({"leases", "end", "abc", "nothing", "abc-2"});
  EXPECT_EQ(end.status, 4);
  EXPECT_EQ(end.out, "lease abc-2 ended\n");
  EXPECT_NE(end.err.find("\"abc\" fits 2 leases"), std::string::npos) << end.err;
  EXPECT_NE(end.err.find("begins with \"nothing\""), std::string::npos) << end.err;
}

TEST(Leases, none_is_no_table) {
  StubDaemon daemon;
  daemon.answers["GET /api/v2/leases"] = R"({"leases": [], "total": 0})";
  const Ran ran = berth({"leases"});
  EXPECT_EQ(ran.status, 0);
  EXPECT_EQ(ran.out, "");
  EXPECT_NE(ran.err.find("nothing is leased"), std::string::npos);
  EXPECT_EQ(berth({"leases", "--json"}).out, "{\"leases\":[],\"total\":0}\n");
}

}  // namespace
}  // namespace berth::cli
