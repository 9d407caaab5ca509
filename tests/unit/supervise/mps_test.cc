// SPDX-License-Identifier: Apache-2.0
#include "supervise/mps.h"

#include "supervise/testing.h"

namespace berth::supervise {
namespace {

using namespace testing;

model::Share share(const std::string& device, std::int64_t mib) {
  return model::Share{model::DeviceId(device), "", base::Bytes{mib << 20}};
}

TEST(Mps, ADaemonThatLivesServesItsUser) {
  const TempDir pipes;
  EXPECT_FALSE(mps_runs(pipes.path(), ::geteuid()));
  put(pipes / "nvidia-cuda-mps-control.pid", std::to_string(::getpid()) + "\n");
  EXPECT_FALSE(mps_runs(pipes.path(), ::geteuid())) << "nothing to connect to";
  put(pipes / "control", "");
  EXPECT_TRUE(mps_runs(pipes.path(), ::geteuid()));
  EXPECT_EQ(mps_runs(pipes.path(), 12345), ::geteuid() == 0) << "root's serves everybody";
  for (const char* gone : {"4194304", "0", "-1", "none", ""}) {
    put(pipes / "nvidia-cuda-mps-control.pid", gone);
    EXPECT_FALSE(mps_runs(pipes.path(), ::geteuid())) << gone;
  }
}

TEST(Mps, LimitsAreNumberedAsTheTaskSeesItsDevices) {
  EXPECT_EQ(mps_limits({share("GPU-7", 10240)}), "0=10240M");
  EXPECT_EQ(mps_limits({share("GPU-7", 10240), share("GPU-2", 512)}), "0=10240M,1=512M");
  EXPECT_EQ(mps_limits({share("GPU-7", 10240), share("GPU-2", 0)}), std::nullopt);
  EXPECT_EQ(mps_limits({}), std::nullopt);
}

}  // namespace
}  // namespace berth::supervise
