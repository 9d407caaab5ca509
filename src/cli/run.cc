// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>

#include "base/text.h"
#include "cli/array.h"
#include "cli/array_text.h"
#include "cli/follow.h"
#include "cli/placement_text.h"
#include "cli/screen.h"
#include "cli/selection.h"
#include "cli/session.h"
#include "cli/submit.h"
#include "cli/task_text.h"
#include "cli/verbs.h"
#include "cli/width.h"
#include "cli/words.h"

namespace berth::cli {

namespace json = base::json;

namespace {

json::object request_body(const RunOptions& options) {
  json::array command;
  for (const std::string& word : options.command) command.emplace_back(word);
  json::object env = caller_environment();
  for (const auto& [name, value] : options.env) env[name] = value;
  json::object body{{"command", std::move(command)},
                    {"kind", options.kind},
                    {"gpus", options.gpus},
                    {"exclusive", options.exclusive},
                    {"env", std::move(env)},
                    {"cwd", absolute_path(options.cwd.empty() ? "." : options.cwd)}};
  if (!options.device.empty()) body["device"] = options.device;
  if (options.memory) body["memory_gb"] = options.memory->gib();
  if (options.memory_fraction) body["memory_fraction"] = *options.memory_fraction;
  if (!options.memory_strategy.empty()) body["memory_strategy"] = options.memory_strategy;
  if (!options.gpu_type.empty()) body["gpu_type"] = options.gpu_type;
  if (!options.policy.empty()) body["policy"] = options.policy;
  if (options.priority) body["priority"] = *options.priority;
  if (!options.name.empty()) body["name"] = options.name;
  if (!options.task_id.empty()) body["task_id"] = options.task_id;
  if (!options.array.empty()) body["array"] = options.array;
  if (options.timeout) body["timeout_s"] = static_cast<double>(options.timeout->count()) / 1000.0;
  return body;
}

// Where the task runs, once for each attempt: on a terminal always, elsewhere when it is not where
// a GPU was asked for.
class StartNote {
 public:
  explicit StartNote(const Screen& screen) : screen_(screen) {}
  void operator()(const json::object& task) {
    if (base::string_or(task, "status") != "running") return;
    const std::int64_t attempt = base::int_or(task, "attempt", 1);
    if (attempt == attempt_) return;
    attempt_ = attempt;
    if (!screen_.live) {
      if (base::string_or(task, "fallback") == "no_gpu" && names_gpu(task))
        print_error("berth: " + tr("no GPU on this machine: running on the CPU") + "\n");
      return;
    }
    std::string where = placement_text(task);
    if (where.empty()) where = base::string_or(task, "device");
    const std::string fallback = base::string_or(task, "fallback");
    if (fallback == "no_gpu") where = tr("{} (no GPU on this machine)", {where});
    if (fallback == "gpus_busy") where = tr("{} (no GPU was free in time)", {where});
    where = printable(where);
    const std::string text = attempt > 1
                                 ? tr("running: {}, attempt {}", {where, std::to_string(attempt)})
                                 : tr("running: {}", {where});
    print_error(paint(text, Tone::kDim, screen_) + "\n");
  }

 private:
  static bool names_gpu(const json::object& task) {
    const std::string asked = base::lower(base::string_or(task, "device_requested"));
    return !asked.empty() && asked != "auto" && asked != "cpu";
  }

  Screen screen_;
  std::int64_t attempt_ = 0;
};

}  // namespace

int run(const RunOptions& given) {
  RunOptions options = given;
  const bool automatic = settle_selection(&options);
  for (const std::string& word : options.command) {
    if (base::to_utf8(word) != word) {
      return report_own_failure(
          base::Error{base::ErrorCode::kSchemaViolation,
                      tr("an argument of the command is not UTF-8: {}", {printable(word)}),
                      {}});
    }
  }
  json::object body = request_body(options);
  if (const auto added = add_queueing(body, options.queueing); !added)
    return report_own_failure(added.error());
  SelectionNote selection;
  if (automatic && !options.detach && options.array.empty()) selection.candidates();
  const auto task = submit("/api/v2/tasks", body);
  if (!task) return report_own_failure(task.error());
  const std::string id = base::string_or(*task, "task_id");
  if (options.detach) {
    print(id + "\n");
    return kDone;
  }
  if (is_array(*task)) return follow_array(*task);
  const Screen screen = screen_of(2);
  StartNote start(screen);
  FollowOptions how;
  // In a file or a pipe only what takes long is worth a line.
  how.announce = true;
  if (!screen.live) how.announce_after = std::chrono::seconds(5);
  how.on_change = [&](const json::object& state) {
    selection.choice(state);
    start(state);
  };
  const auto end = follow(id, how);
  if (!end) return report_own_failure(end.error());
  selection.choice(*end);
  const int status = exit_status(*end);
  // What the command itself ended with needs no comment; what Berth or a signal did to it does.
  const std::string why = failure(*end);
  if (status >= kBerthFailed && !why.empty())
    print_error("berth: " + tr("task {}: {}", {short_id(id), printable(why)}) + "\n");
  return status;
}

}  // namespace berth::cli
