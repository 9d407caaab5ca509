// SPDX-License-Identifier: Apache-2.0
// All that is kept about a task, from its request to its result: what the API shows and what is
// needed to start it. The scheduler's own view of a live task is core::TaskEntry.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/time.h"
#include "model/request.h"
#include "model/task.h"

namespace berth::model {

/// Why a task failed, as the worker named it ("out_of_memory") or the daemon ("exit", "signal").
struct Failure {
  std::string code;
  std::string message;
  std::string file;                                  // the one concerned, may be empty
  std::optional<base::Bytes> suggested_memory = {};  // to ask for, after running out of it
};

/// The user that a task runs as, when that is not the daemon's own. Its name is Request::user; its
/// groups are looked up when it starts.
struct RunAs {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;  // where the account database does not know the user
  /// Resource limits (RLIMIT_*) of the process that submitted the task: soft and hard.
  std::map<int, std::pair<std::uint64_t, std::uint64_t>> limits;
  bool operator==(const RunAs&) const = default;
};

/// What an attempt has used of its devices, as far as it was seen: a reading a second.
struct Usage {
  double seconds = 0;                      // that it was watched for
  std::optional<base::Bytes> peak_memory;  // the most at one moment, of all its devices together
  std::optional<base::Bytes> mean_memory;
  std::optional<double>
      utilization;                 // percent, mean of its devices; of its own where it shares one
  std::optional<double> energy_j;  // its share of what its devices took, idling included
};

base::json::object to_json(const Usage& usage);  // GiB, seconds, joules: as the API has it

struct TaskRecord {
  Request request;
  std::string type;  // "training", "inference", "command", "dataset_split", ..: task_type.h
  std::string name;
  std::string description;
  std::uint64_t sequence = 0;     // order of creation
  base::json::object parameters;  // of a built-in task: the request as it came

  // How to start it.
  std::vector<std::string> argv;
  std::map<std::string, std::string> env;  // beside what Berth sets
  std::string cwd;
  std::optional<RunAs> run_as;

  // How it goes.
  TaskState state = TaskState::kPending;
  bool cancelling = false;
  std::string device;    // as asked for, then as given: "cuda:0", "cuda:0,cuda:1", "cpu"
  std::string fallback;  // "", "no_gpu", "worker_without_gpu", "gpus_busy"
  base::Time created{};
  base::Time updated{};
  std::optional<base::Time> started;
  std::optional<base::Time> finished;
  int attempt = 0;
  int retries = 0;                       // of Request::retry
  std::optional<base::Time> not_before;  // the next try, while it pauses
  bool held = false;
  std::optional<Placement> placement;  // of the last attempt
  std::optional<Usage> usage;          // of the last attempt; none without a GPU
  double progress = 0;                 // 0..1, finished work
  std::optional<std::int64_t> current_epoch;
  std::optional<std::int64_t> total_epochs;
  std::optional<std::int64_t> items_done;  // of the files that it works through
  std::optional<std::int64_t> items_total;
  base::json::object latest_metrics;  // empty: none
  std::optional<Exit> exit;
  std::optional<Failure> failure;
  std::optional<Failure> last_failure;  // of the attempt before, which was tried again
  base::json::object result;            // empty: none
  std::string save_path;
  bool log_closed = false;       // final, and the log has its last record
  std::uint64_t kept_bytes = 0;  // of log and output, when it is closed

  [[nodiscard]] const TaskId& id() const { return request.id; }
};

base::json::object to_json(const TaskRecord& record);
base::Result<TaskRecord> record_from_json(const base::json::object& object);

}  // namespace berth::model
