// SPDX-License-Identifier: Apache-2.0
#include "cli/array.h"

#include <chrono>
#include <map>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "cli/array_text.h"
#include "cli/explain_text.h"
#include "cli/follow.h"
#include "cli/interrupts.h"
#include "cli/members.h"
#include "cli/progress.h"
#include "cli/screen.h"
#include "cli/session.h"
#include "cli/task_text.h"
#include "cli/words.h"

namespace berth::cli {

namespace json = base::json;
using Clock = std::chrono::steady_clock;

namespace {

// An array has no event stream of its own.
constexpr std::chrono::milliseconds kInterval{500};

// Those of the array that failed, by index; empty when the daemon does not say.
std::map<std::int64_t, json::object> failed_tasks(const std::string& id) {
  auto session = Session::open();
  if (!session) return {};
  const auto answer =
      session->object("/api/v2/tasks?status=failed&limit=1000&array=" + http::percent_encode(id));
  const json::array* tasks = answer ? array_in(*answer, "tasks") : nullptr;
  std::map<std::int64_t, json::object> failed;
  for (std::size_t i = 0; tasks != nullptr && i < tasks->size(); ++i) {
    const json::object* task = (*tasks)[i].if_object();
    if (task != nullptr && array_of(*task) == id) failed[index_in_array(*task)] = *task;
  }
  return failed;
}

// "0f3c8a11_[3,7-9]"
std::string names(const std::string& id, const std::map<std::int64_t, json::object>& tasks) {
  std::vector<std::int64_t> indices;
  for (const auto& [index, task] : tasks) indices.push_back(index);
  return tasks_of_array(short_id(id), std::move(indices), 40);
}

// Why nothing of an array runs, on a terminal, once per reason.
class WaitNote {
 public:
  WaitNote(std::string first_task, const Screen& screen)
      : task_(std::move(first_task)), screen_(screen) {}
  void operator()(const json::object& array, LiveLine& line) {
    // What has just been submitted may start in this moment.
    const bool waits = !is_final(array) && base::string_or(array, "status") != "running";
    looks_ = waits ? looks_ + 1 : 0;
    if (!screen_.live || looks_ < 2) return;
    auto session = Session::open();
    if (!session) return;
    const auto explanation = session->object(task_path(task_, "/explain"));
    const std::string reason = explanation ? waiting_reason(*explanation) : "";
    if (reason.empty() || reason == said_) return;
    said_ = reason;
    line.clear();
    print_error(paint(tr("waiting: {}", {reason}), Tone::kDim, screen_) + "\n");
  }

 private:
  std::string task_, said_;
  Screen screen_;
  int looks_ = 0;
};

}  // namespace

base::Result<json::object> watch_array(const std::string& id,
                                       const std::function<void(const json::object&)>& on_state) {
  std::optional<Session> session;
  auto last_contact = Clock::now();
  for (bool told = false;; std::this_thread::sleep_for(kInterval)) {
    if (!session) {
      auto opened = Session::open();
      if (opened) session.emplace(std::move(*opened));
    }
    auto state =
        session ? session->object(task_path(id)) : base::fail(base::ErrorCode::kNotReachable, "");
    if (!state) {
      session.reset();
      const bool away = base::row(state.error().code).http_status >= 500;
      if (!away) return base::fail(state.error());
      if (Clock::now() - last_contact > std::chrono::seconds(kPatienceSeconds))
        return base::fail(still_away(id));
      if (!std::exchange(told, true)) note_absence();
      continue;
    }
    last_contact = Clock::now();
    told = false;
    if (on_state) on_state(*state);
    if (is_final(*state)) return std::move(*state);
  }
}

int end_of_array(const json::object& array) {
  const std::string why = array_failure(array);
  if (why.empty()) return exit_status(array);
  const std::string id = base::string_or(array, "task_id");
  const auto failed =
      count_of(array, "failed") > 0 ? failed_tasks(id) : decltype(failed_tasks(id)){};
  if (failed.empty()) {
    note(tr("array {}: {}", {short_id(id), why}));
    return exit_status(array);
  }
  note(tr("array {}: {}: {}", {short_id(id), why, names(id, failed)}));
  return exit_status(failed.begin()->second);
}

int follow_array(const json::object& accepted) {
  const std::string id = base::string_or(accepted, "task_id");
  const json::array* tasks = array_in(accepted, "tasks");
  std::string example = id;
  if (tasks != nullptr && !tasks->empty() && tasks->front().is_string())
    example = std::string(tasks->front().as_string());
  note(tr("array {} of {} tasks; \"berth logs {}\" shows the output of one",
          {short_id(id), std::to_string(base::int_or(accepted, "size")), short_id(example)}));
  const Screen screen = screen_of(2);
  base::Result<json::object> end = json::object{};
  {
    const Interrupts interrupts(id);
    LiveLine line(2, screen);
    WaitNote wait(example, screen);
    end = watch_array(id, [&](const json::object& array) {
      wait(array, line);
      line.update(array_progress(array, screen));
    });
    line.keep();
  }
  if (!end) return report_own_failure(end.error());
  return end_of_array(*end);
}

}  // namespace berth::cli
