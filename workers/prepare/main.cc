// SPDX-License-Identifier: Apache-2.0
// berth-worker-prepare: prepares data sets of pictures.
//   berth-worker-prepare split|augment|crop --spec FILE.json
// Exit status: 0 done, 1 failed (a failure event tells why), 2 wrong usage, 143 ended by SIGTERM.
#include <cstdio>
#include <exception>
#include <new>
#include <string>

#include "prepare/augment.h"
#include "prepare/crop.h"
#include "prepare/split.h"
#include "protocol/event_writer.h"
#include "protocol/termination.h"

namespace {

using namespace berth;
using protocol::EventWriter;
using protocol::Status;

constexpr const char* kUsage =
    "usage: berth-worker-prepare split --spec FILE.json\n"
    "       berth-worker-prepare augment --spec FILE.json\n"
    "       berth-worker-prepare crop --spec FILE.json\n";

template <typename Spec>
Status run_with(protocol::Result<Spec> spec, Status (*task)(const Spec&, EventWriter*),
                EventWriter* events) {
  if (!spec) return forward_error(spec);
  return task(*spec, events);
}

Status run(const std::string& task, const std::string& spec_path, EventWriter* events) {
  if (task == "split") return run_with(prepare::read_split_spec(spec_path), prepare::split, events);
  if (task == "crop") return run_with(prepare::read_crop_spec(spec_path), prepare::crop, events);
  return run_with(prepare::read_augment_spec(spec_path), prepare::augment, events);
}

int run_task(const std::string& task, const std::string& spec_path) {
  EventWriter events = EventWriter::from_environment();
  Status outcome;
  try {
    outcome = run(task, spec_path, &events);
  } catch (const std::bad_alloc&) {
    outcome = protocol::failed(protocol::ErrorCode::kOutOfMemory, "the system gave no more memory");
  } catch (const std::exception& error) {
    outcome =
        protocol::failed(protocol::ErrorCode::kInternal, task + ": unexpected: " + error.what());
  }
  if (outcome) return 0;
  events.failure(outcome.error());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  protocol::install_termination();
  const std::string task = argc > 1 ? argv[1] : "";
  if (task == "--help" || task == "-h") {
    std::fputs(kUsage, stdout);
    return 0;
  }
  if ((task != "split" && task != "augment" && task != "crop") || argc != 4 ||
      std::string(argv[2]) != "--spec") {
    std::fputs(kUsage, stderr);
    return 2;
  }
  return run_task(task, argv[3]);
}
