// SPDX-License-Identifier: Apache-2.0
// Before a task starts: its cgroup is made, its device memory is limited there and the GPUs that it
// was not given are closed to it, as far as this machine can. What cannot be had is said, and the
// task starts without it: a weaker rung holds then (model/enforcement.h).
//
// Everything is set before there is a process in the cgroup, so there is no moment without it.
// Not thread-safe. Writes to cgroupfs; never calls a driver.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "model/device.h"
#include "model/enforcement.h"
#include "supervise/cgroup.h"
#include "supervise/dmem.h"
#include "supervise/launch.h"

namespace berth::supervise {

class Enforcer {
 public:
  struct Options {
    bool fence = true;        // close GPUs that were not given
    std::string search_path;  // where nvidia-smi is looked for, as PATH
    std::string watchdog;     // what the watchdog does: "warn", "enforce"; empty: there is none
    std::string driver_cgroups = "/sys/fs/cgroup";  // where NVIDIA's driver looks for the hierarchy
  };
  struct Task {
    std::string cgroup;  // Cgroups::path_for; empty: none
    model::Placement placement;
    std::vector<model::Device> given;     // of the placement, in order
    std::vector<model::Device> withheld;  // the machine's other GPUs
    std::string nvidia_driver;            // version, may be empty
    std::string mps_pipes;                // CUDA_MPS_PIPE_DIRECTORY; empty: the usual place
    uid_t user = 0;
    bool hinted = false;  // its environment or its worker knows the limit
  };
  struct Measures {
    model::Enforcement enforcement;          // without what the shim has yet to set (limits)
    std::map<std::string, std::string> env;  // to set in the task's environment
    std::vector<GpuLimit> limits;            // for LaunchSpec
    std::string limits_program;              // for LaunchSpec
  };

  Enforcer(Options options, const Cgroups& cgroups);

  /// For health: what this machine can do at best.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] Measures prepare(const Task& task) const;
  /// What would hold a task that asks for memory on this device; `mps`: a control daemon of CUDA
  /// MPS serves its user. Changes nothing.
  [[nodiscard]] model::Enforcement at_best(const model::Device& device,
                                           const std::string& nvidia_driver, bool mps) const;
  /// Of a task on a machine without GPUs, where there is nothing to close and nothing to limit.
  [[nodiscard]] model::Enforcement without_gpus() const {
    return {model::Rung::kNone, "", no_fence_.empty(), no_fence_};
  }

 private:
  void fence(const Task& task, Measures& measures) const;
  [[nodiscard]] bool limit_by_dmem(const Task& task) const;
  [[nodiscard]] bool nvidia_limits_possible(const std::vector<model::Device>& devices,
                                            const std::string& driver) const;
  void plan_nvidia_limits(const Task& task, Measures& measures) const;
  [[nodiscard]] bool limit_by_mps(const Task& task, Measures& measures) const;

  Options options_;
  Dmem dmem_;
  bool cgroups_available_ = false;
  std::string no_fence_;  // why not; empty: can
  std::string nvidia_smi_;
};

/// The first NVIDIA driver with `nvidia-smi memory-limits`
/// (docs.nvidia.com/deploy/mps/mpsv3-memory-partitioning.html: CUDA 13.4).
inline constexpr int kFirstDriverWithLimits = 615;

}  // namespace berth::supervise
