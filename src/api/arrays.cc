// SPDX-License-Identifier: Apache-2.0
#include "api/arrays.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "api/chinese.h"
#include "api/submitter.h"
#include "api/task_codec.h"
#include "base/id.h"
#include "base/text.h"

namespace berth::api {

namespace {

using base::json::object;
using base::json::value;
using model::TaskState;

constexpr int kHighestIndex = 4'194'303;
constexpr const char* kSyntax =
    "Input should be a number of tasks, or indices such as \"0-9\", \"1,3,5-7\" or \"0-99:10\", "
    "with \"%4\" behind them for at most 4 at a time";

constexpr const char* kTooMany = "An array has between 1 and 10000 tasks";
static_assert(kMostArrayTasks == 10'000);

// What is wrong with "7", "0-9" or "0-99:10"; nothing when its indices are in the set.
std::string add_range(const std::string& text, std::set<int>& indices) {
  const auto colon = text.find(':');
  const auto dash = text.find('-');
  const bool single = dash == std::string::npos;
  if (single && colon != std::string::npos) return kSyntax;
  const auto first = base::parse_number(text.substr(0, std::min(dash, colon)));
  const auto last = single ? first : base::parse_number(text.substr(dash + 1, colon - dash - 1));
  const auto step = colon == std::string::npos ? 1 : base::parse_number(text.substr(colon + 1));
  if (!first || !last || !step || *first < 0 || *last < 0 || *step < 0) return kSyntax;
  if (*step == 0) return "The step of " + text + " must be at least 1";
  if (*last < *first) return "The range " + text + " runs backwards";
  if (*last > kHighestIndex)
    return text + ": the highest index is " + std::to_string(kHighestIndex);
  if ((*last - *first) / *step >= kMostArrayTasks) return kTooMany;
  for (auto index = *first; index <= *last; index += *step) {
    if (!indices.insert(static_cast<int>(index)).second)
      return "The index " + std::to_string(index) + " is given twice";
  }
  return {};
}

base::Result<ArraySpec> parse(const std::string& text) {
  const auto wrong = [](std::string what) {
    return base::fail(base::ErrorCode::kSchemaViolation, std::move(what));
  };
  ArraySpec spec;
  const auto percent = text.find('%');
  if (percent != std::string::npos) {
    const auto at_once = base::parse_number(text.substr(percent + 1));
    if (!at_once || *at_once < 0) return wrong(kSyntax);
    if (*at_once == 0 || *at_once > kMostArrayTasks)
      return wrong("At a time (behind the %) between 1 and " + std::to_string(kMostArrayTasks) +
                   " tasks may run");
    spec.at_once = static_cast<int>(*at_once);
  }
  std::set<int> indices;
  for (const auto& part : base::split(text.substr(0, percent), ',')) {
    if (auto what = add_range(part, indices); !what.empty()) return wrong(std::move(what));
  }
  if (indices.size() > static_cast<std::size_t>(kMostArrayTasks)) return wrong(kTooMany);
  spec.indices.assign(indices.begin(), indices.end());
  return spec;
}

int count(const ArrayTasks& tasks, TaskState state) {
  return static_cast<int>(std::count_if(tasks.begin(), tasks.end(),
                                        [&](const auto& task) { return task->state == state; }));
}

// While one runs the array runs, while one waits it waits; then the worst end counts.
TaskState state_of(const ArrayTasks& tasks) {
  for (const auto state : {TaskState::kRunning, TaskState::kQueued, TaskState::kPending,
                           TaskState::kFailed, TaskState::kCancelled}) {
    if (count(tasks, state) > 0) return state;
  }
  return TaskState::kCompleted;
}

// Of the first task that ended badly; 0 when none did.
value exit_code(const ArrayTasks& tasks) {
  for (const auto& task : tasks) {
    if (task->exit && task->exit->exit_code && *task->exit->exit_code != 0)
      return value(*task->exit->exit_code);
  }
  return state_of(tasks) == TaskState::kCompleted ? value(0) : value(nullptr);
}

template <class Member>
value edge(const ArrayTasks& tasks, Member member, bool latest) {
  std::optional<base::Time> found;
  for (const auto& task : tasks) {
    const std::optional<base::Time> time = (*task).*member;
    if (!time) continue;
    if (!found || (latest ? *time > *found : *time < *found)) found = time;
  }
  return time_or_null(found);
}

std::string summary(const ArrayTasks& tasks, Language language) {
  std::vector<std::string> parts;
  for (const auto state : {TaskState::kPending, TaskState::kQueued, TaskState::kRunning,
                           TaskState::kCompleted, TaskState::kFailed, TaskState::kCancelled}) {
    const int found = count(tasks, state);
    if (found == 0) continue;
    const std::string word(say(model::to_text(state), language));
    parts.push_back(std::to_string(found) + " " + word);
  }
  return base::join(parts, ", ");
}

bool lives(const model::TaskRecord& task) { return !model::is_final(task.state); }
bool has_ended(const model::TaskRecord& task) { return model::is_final(task.state); }
bool waits(const model::TaskRecord& task) {
  return task.state == TaskState::kQueued || task.state == TaskState::kPending;
}

constexpr std::string_view kNoneWaits = "No task of the array waits";

}  // namespace

std::optional<ArraySpec> read_array(Fields& fields) {
  const value* given = fields.body().if_contains("array");
  if (given == nullptr || given->is_null()) return std::nullopt;
  ArraySpec spec;
  if (given->is_string()) {
    auto parsed = parse(std::string(given->as_string()));
    if (!parsed) {
      fields.refuse("value_error", "array", parsed.error().message);
      return std::nullopt;
    }
    spec = std::move(*parsed);
  } else {
    const auto size = fields.integer("array", 1, kMostArrayTasks);
    if (!fields.valid()) return std::nullopt;
    for (int index = 0; index < size; ++index) spec.indices.push_back(index);
  }
  return spec;
}

void submit_array(Service& service, const http::Request& request, http::Exchange exchange,
                  const model::TaskRecord& record, const ArraySpec& spec) {
  model::TaskRecord pattern = record;
  set_submitter(request, pattern);
  const std::string id =
      pattern.request.id.empty() ? base::random_uuid() : pattern.request.id.value;
  std::vector<model::TaskRecord> tasks;
  for (const int index : spec.indices) {
    model::TaskRecord& task = tasks.emplace_back(pattern);
    task.request.id = model::TaskId(id + "_" + std::to_string(index));
    task.request.array =
        model::ArrayPlace{id, index, static_cast<int>(spec.indices.size()), spec.at_once};
  }
  const Language language = own_language(request);
  auto held = std::make_shared<http::Exchange>(std::move(exchange));
  service.submit_array(
      std::move(tasks), [held, &service, id, language](const base::Status& status) {
        if (!status) return held->fail(status.error());
        held->respond(json_response(array_response(id, service.array(id), language)));
      });
}

object array_response(const std::string& id, const ArrayTasks& tasks, Language language) {
  const model::TaskRecord& first = *tasks.front();
  object counts;
  base::json::array ids;
  double progress = 0;
  for (const auto& task : tasks) {
    ids.emplace_back(task->id().value);
    progress += model::is_final(task->state) ? 1 : task->progress;
    const auto word = model::to_text(task->state);
    counts[word] = base::int_or(counts, word) + 1;
  }
  const int at_once = first.request.array->at_once;
  const TaskState state = state_of(tasks);
  const bool over = model::is_final(state);
  const auto text_or_null = [](const std::string& text) {
    return text.empty() ? value(nullptr) : value(text);
  };
  object response{
      {"task_id", id},
      {"task_type", "array"},
      {"status", model::to_text(state)},
      {"message", summary(tasks, language)},
      {"progress",
       static_cast<std::int64_t>(std::floor(100 * progress / static_cast<double>(tasks.size())))},
      {"name", text_or_null(first.name)},
      {"kind", model::to_text(first.request.kind)},
      {"device_requested", first.request.selector.text},
      {"priority", first.request.priority},
      {"user", text_or_null(first.request.user)},
      {"size", first.request.array->size},
      {"at_once", at_once > 0 ? value(at_once) : value(nullptr)},
      {"counts", std::move(counts)},
      {"tasks", std::move(ids)},
      {"exit_code", over ? exit_code(tasks) : value(nullptr)},
      {"created_at", edge(tasks, &model::TaskRecord::created, false)},
      {"updated_at", edge(tasks, &model::TaskRecord::updated, true)},
      {"started_at", edge(tasks, &model::TaskRecord::started, false)},
      {"finished_at", over ? edge(tasks, &model::TaskRecord::finished, true) : value(nullptr)}};
  add_demand(first.request, response);
  return response;
}

ArrayAction cancel_all() {
  return {[](Service& service, const model::TaskId& id, Service::DoneCallback callback) {
            service.cancel(id, std::move(callback));
          },
          lives, "The array is cancelled", "All tasks of the array have ended"};
}

ArrayAction remove_all() {
  return {[](Service& service, const model::TaskId& id, Service::DoneCallback callback) {
            service.remove(id, std::move(callback));
          },
          has_ended, "The array is removed", "Tasks of the array have not ended: cancel it first",
          true};
}

ArrayAction hold_all(bool on) {
  return {[on](Service& service, const model::TaskId& id, Service::DoneCallback callback) {
            service.set_hold(id, on, std::move(callback));
          },
          waits, on ? "The array is on hold" : "The array is released", kNoneWaits};
}

ArrayAction set_priority_of_all(int priority) {
  return {[priority](Service& service, const model::TaskId& id, Service::DoneCallback callback) {
            service.set_priority(id, priority, std::move(callback));
          },
          waits, "The array has another priority", kNoneWaits};
}

void act_on_array(Service& service, const http::Request& request, http::Exchange exchange,
                  const std::string& id, const ArrayAction& action) {
  const Language language = own_language(request);
  const ArrayTasks tasks = service.array(id);
  std::vector<model::TaskId> chosen;
  for (const auto& task : tasks) {
    if (action.suits(*task)) chosen.push_back(task->id());
  }
  if (chosen.empty() || (action.all_or_none && chosen.size() < tasks.size()))
    return exchange.fail(409, action.why_not);
  // One that ended in between is no failure of the whole; a full disk is.
  struct Progress {
    http::Exchange exchange;
    std::size_t open;
    std::size_t acted_on = 0;
    std::optional<base::Error> error;
  };
  auto progress = std::make_shared<Progress>(Progress{std::move(exchange), chosen.size(), 0, {}});
  const auto step = [progress, id, done = action.done, language](const base::Status& status) {
    if (status) ++progress->acted_on;
    if (!status && status.error().code != base::ErrorCode::kWrongState)
      progress->error = status.error();
    if (--progress->open > 0) return;
    if (progress->error) return progress->exchange.fail(*progress->error);
    progress->exchange.respond(json_response(object{{"status", "success"},
                                                    {"message", say(done, language)},
                                                    {"task_id", id},
                                                    {"tasks", progress->acted_on}}));
  };
  for (const auto& task : chosen) action.act(service, task, step);
}

}  // namespace berth::api
