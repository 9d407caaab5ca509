// SPDX-License-Identifier: Apache-2.0
// berth-worker-vision: trains image classifiers and runs them.
//   berth-worker-vision train --spec FILE.json
//   berth-worker-vision infer --spec FILE.json
//   berth-worker-vision benchmark --spec FILE.json
//   berth-worker-vision info
// Exit status: 0 done, 1 failed (a failure event tells why), 2 wrong usage, 143 ended by SIGTERM.
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>

#include "protocol/event_writer.h"
#include "protocol/termination.h"
#include "runtime/numa.h"
#include "runtime/process_group.h"
#include "runtime/process_setup.h"
#include "runtime/torch_session.h"
#include "vision/benchmark.h"
#include "vision/infer.h"
#include "vision/model_names.h"
#include "vision/train.h"
#include "vision/training_ranks.h"

namespace {

using berth::protocol::EventWriter;
using berth::protocol::Status;

constexpr const char* kUsage =
    "usage: berth-worker-vision train --spec FILE.json\n"
    "       berth-worker-vision infer --spec FILE.json\n"
    "       berth-worker-vision benchmark --spec FILE.json\n"
    "       berth-worker-vision info\n";

int wrong_usage() {
  std::fputs(kUsage, stderr);
  return 2;
}

int print_info() {
  const auto facts = berth::runtime::torch_facts();
  const auto& names = berth::vision::model_names();
  boost::json::object info{{"torch_version", facts.version},
                           {"cuda_built", facts.cuda_built},
                           {"cuda_version", nullptr},
                           {"models", boost::json::array(names.begin(), names.end())},
                           {"version", BERTH_VERSION}};
  if (facts.cuda_version) info["cuda_version"] = *facts.cuda_version;
  std::puts(boost::json::serialize(info).c_str());
  return 0;
}

/// By its own name, which a list of processes shows; where that is gone, as the system finds it.
std::string own_program() {
  std::error_code missing;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", missing);
  return missing || !std::filesystem::exists(path, missing) ? "/proc/self/exe" : path.string();
}

Status run(const std::string& task, const std::string& spec_path, EventWriter* events) {
  if (task == "train") {
    auto spec = berth::vision::read_train_spec(spec_path);
    if (!spec) return forward_error(spec);
    if (berth::vision::wants_ranks(*spec))
      return berth::vision::train_ranks(*spec, own_program(), spec_path, events);
    return berth::vision::train(*spec, events);
  }
  if (task == "benchmark") {
    auto spec = berth::vision::read_benchmark_spec(spec_path);
    if (!spec) return forward_error(spec);
    return berth::vision::benchmark(*spec, events);
  }
  auto spec = berth::vision::read_infer_spec(spec_path);
  if (!spec) return forward_error(spec);
  return berth::vision::infer(*spec, events);
}

int run_task(const std::string& task, const std::string& spec_path) {
  // What a rank says goes through the process that runs all ranks.
  const bool alone = !berth::runtime::GroupPlace::from_environment();
  EventWriter events = EventWriter::from_environment(/*text=*/alone);
  Status outcome;
  try {
    outcome = run(task, spec_path, &events);
  } catch (const std::bad_alloc&) {
    outcome = berth::protocol::failed(berth::protocol::ErrorCode::kOutOfMemory,
                                      "the system gave no more memory: use a smaller batch_size "
                                      "or a device with more free memory");
  } catch (const std::exception& error) {
    outcome = berth::protocol::failed(berth::protocol::ErrorCode::kInternal,
                                      task + ": unexpected: " + error.what());
  }
  if (outcome) return 0;
  events.failure(outcome.error());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  berth::protocol::install_termination();
  const std::string task = argc > 1 ? argv[1] : "";
  if (task == "info" && argc == 2) return print_info();
  if (task == "--help" || task == "-h") {
    std::fputs(kUsage, stdout);
    return 0;
  }
  if ((task != "train" && task != "infer" && task != "benchmark") || argc != 4 ||
      std::string(argv[2]) != "--spec") {
    return wrong_usage();
  }
  berth::runtime::bind_to_numa_node();
  berth::runtime::ensure_passive_openmp(argv);
  berth::runtime::keep_freed_memory();
  return run_task(task, argv[3]);
}
