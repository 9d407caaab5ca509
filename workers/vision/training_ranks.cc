// SPDX-License-Identifier: Apache-2.0
#include "vision/training_ranks.h"

#include <cstdlib>
#include <map>

#include "runtime/process_group.h"
#include "runtime/process_setup.h"
#include "runtime/rank_launcher.h"
#include "runtime/torch_session.h"

namespace berth::vision {
namespace {

std::string wanted_device(const TrainSpec& spec) {
  const char* given = std::getenv("BERTH_DEVICE");
  return given != nullptr && *given != '\0' ? given : spec.device;
}

bool on_gpus(const TrainSpec& spec) {
  const std::string wanted = wanted_device(spec);
  if (wanted.empty() || wanted == "auto") return runtime::cuda_devices() > 0;
  return wanted != "cpu";
}

}  // namespace

bool wants_ranks(const TrainSpec& spec) {
  return spec.processes > 1 && !runtime::GroupPlace::from_environment();
}

protocol::Status train_ranks(const TrainSpec& spec, const std::string& program,
                             const std::string& spec_path, protocol::EventWriter* events) {
  const bool gpus = on_gpus(spec);
  runtime::RankLaunch launch;
  launch.argv = {program, "train", "--spec", spec_path};
  launch.ranks = static_cast<int>(spec.processes);
  launch.on_gpus = gpus;
  launch.environment = [&](int rank) {
    std::map<std::string, std::string> added;
    added["BERTH_DEVICE"] = gpus ? "cuda:" + std::to_string(rank) : "cpu";
    // A GPU is one rank's alone; the processor's memory is shared.
    const auto limit = runtime::memory_limit();
    if (!gpus && limit)
      added["BERTH_MEMORY_LIMIT"] = std::to_string(*limit / static_cast<uint64_t>(spec.processes));
    return added;
  };
  events->info("Training in " + std::to_string(spec.processes) + " processes, " +
               (gpus ? "one per GPU" : "on the CPU") +
               ": an update is made from the pictures of all");
  return runtime::run_ranks(launch, events);
}

}  // namespace berth::vision
