// SPDX-License-Identifier: Apache-2.0
#include "cli/lease_text.h"

#include "cli/gpus_text.h"
#include "cli/samples.h"
#include "cli/when.h"

namespace berth::cli {
namespace {

using namespace test;

constexpr std::string_view kLeases = R"JSON({"total": 3, "leases": [
  {"lease_id": "0f3c8a11-1111-4000-8000-000000000000", "devices": [{"device": "cuda:0", "uuid": "GPU-aaaa", "reserved_gb": 23.71}],
   "expires_at": "2026-01-02T03:05:05Z", "ttl_s": 60, "pid": null, "user": "ann",
   "env": {"BERTH_LEASE": "0f3c8a11-1111-4000-8000-000000000000", "CUDA_VISIBLE_DEVICES": "GPU-aaaa", "X": "a b"}},
  {"lease_id": "7e000000-2222-4000-8000-000000000000", "expires_at": null, "pid": 4711, "user": null,
   "devices": [{"device": "cuda:0", "uuid": "GPU-aaaa", "reserved_gb": 4}, {"device": "cuda:1", "uuid": "GPU-bbbb", "reserved_gb": 4}]},
  {"lease_id": "named", "expires_at": "2026-01-02T03:04:00Z", "pid": null, "user": "bob",
   "devices": [{"device": "cuda:1", "uuid": "GPU-bbbb", "reserved_gb": 8}, {"device": "cuda:2", "uuid": "GPU-cccc", "reserved_gb": 16}]}]})JSON";
const base::Time kNow = *parse_iso8601("2026-01-02T03:04:05Z");

base::json::object lease(std::size_t index) {
  return json_object(kLeases).at("leases").as_array().at(index).as_object();
}

std::string clock(const char* time) { return local_time(*parse_iso8601(time), kNow); }

TEST(Leases, a_list) {
  EXPECT_EQ(render_leases(json_object(kLeases), kNow, kPipe),
            "ID        DEVICE                     MEMORY  USER  HOLDER  UNTIL\n"
            "0f3c8a11  cuda:0                   23.71 GB  ann        -  " +
                clock("2026-01-02T03:05:05Z") +
                " (in 1m 00s)\n"
                "7e000000  cuda:0,cuda:1         2 x 4.00 GB          4711  its holder ends\n"
                "named     cuda:1,cuda:2  8.00 GB + 16.00 GB  bob        -  " +
                clock("2026-01-02T03:04:00Z") + " (in 0s)\n");
  EXPECT_EQ(render_leases(json_object(R"({"leases": [], "total": 0})"), kNow, kPipe), "");
}

TEST(Leases, a_sentence) {
  EXPECT_EQ(lease_text(lease(0), kNow),
            "lease 0f3c8a11 holds cuda:0 until " + clock("2026-01-02T03:05:05Z") + " (in 1m 00s)");
  EXPECT_EQ(lease_text(lease(1), kNow),
            "lease 7e000000 holds cuda:0,cuda:1 until process 4711 ends");
  const InChinese spoken;
  EXPECT_EQ(lease_text(lease(1), kNow), "租约 7e000000 占用 cuda:0,cuda:1，至 进程 4711 结束");
}

TEST(Leases, formats_of_pick) {
  EXPECT_EQ(render_lease(lease(1), PickFormat::kDevice), "cuda:0,cuda:1\n");
  EXPECT_EQ(render_lease(lease(1), PickFormat::kIndex), "0,1\n");
  EXPECT_EQ(render_lease(lease(1), PickFormat::kUuid), "GPU-aaaa,GPU-bbbb\n");
  EXPECT_EQ(render_lease(lease(0), PickFormat::kEnv),
            "export BERTH_LEASE=0f3c8a11-1111-4000-8000-000000000000\n"
            "export CUDA_VISIBLE_DEVICES=GPU-aaaa\nexport X='a b'\n");
  EXPECT_EQ(json_object(render_lease(lease(1), PickFormat::kJson)), lease(1));
}

TEST(Leases, are_listed_below_their_devices_and_named_beside_their_processes) {
  auto report = json_object(kGpus);
  report["leases"] = json_object(kLeases).at("leases");
  report["devices"].as_array()[1].as_object()["processes"] =
      base::json::array{base::json::object{{"pid", 4711},
                                           {"user", "ann"},
                                           {"command", "python3"},
                                           {"used_memory_gb", 1.0},
                                           {"task_id", "7e000000-2222-4000-8000-000000000000"}}};
  const std::string text = render_gpus(report, "here", kNarrow);
  EXPECT_NE(text.find("├   4.00 GB    lease            7e000000  until process 4711 ends\n"
                      "        ├   8.00 GB    lease  bob       named  until "),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("└   1.00 GB     4711  ann       python3  lease 7e000000\n"),
            std::string::npos)
      << text;
}

}  // namespace
}  // namespace berth::cli
