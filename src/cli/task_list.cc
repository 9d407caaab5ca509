// SPDX-License-Identifier: Apache-2.0
#include "cli/task_list.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "cli/array_text.h"
#include "cli/data_text.h"
#include "cli/members.h"
#include "cli/placement_text.h"
#include "cli/table.h"
#include "cli/task_text.h"
#include "cli/when.h"
#include "cli/words.h"
#include "model/task_type.h"

namespace berth::cli {

namespace json = base::json;
using base::int_or;
using base::maybe_int;
using base::string_or;

namespace {

// "/data/drones/train" -> ".../drones/train": what tells data sets apart is at the end.
std::string end_of_path(const std::string& path) {
  const auto last = path.rfind('/');
  const auto before = last == std::string::npos || last == 0 ? last : path.rfind('/', last - 1);
  return before == std::string::npos || before == 0 ? path : "..." + path.substr(before);
}

// What a built-in task does, by its parameters; empty for any other.
std::string work_text(const json::object& task) {
  const json::object* parameters = object_in(task, "parameters");
  if (parameters == nullptr) return "";
  const std::string model = string_or(*parameters, "model");
  const std::string images = string_or(*parameters, "train_path");
  if (!model.empty() && !images.empty()) return tr("train {} on {}", {model, end_of_path(images)});
  const std::string type = string_or(task, "task_type");
  if (type == model::kDatasetSplit)
    return tr("split {}", {end_of_path(string_or(*parameters, "input_path"))});
  if (type == model::kDataAugmentation)
    return tr("augment {}", {end_of_path(string_or(*parameters, "dataset_path"))});
  if (type == model::kImageCrop)
    return tr("crop {}", {end_of_path(string_or(*parameters, "input_path"))});
  const std::string source = string_or(*parameters, "source_path");
  if (model::is_signal(type) && !source.empty())
    return tr("{}: {}", {tr_code(type), end_of_path(source)});
  const std::string path = string_or(*parameters, "weight_path");
  const std::string weights = path.substr(path.rfind('/') + 1);
  if (type == model::kBenchmark)
    return tr("benchmark {} on {}", {weights, end_of_path(string_or(*parameters, "data_path"))});
  if (weights.empty() || source.empty()) return "";
  return tr("infer {} on {}", {weights, end_of_path(source)});
}

std::string outcome(const json::object& task) {
  const std::string state = string_or(task, "status");
  if (state == "running") {
    const std::string progress = progress_text(task);
    const std::string over = over_reserved_text(task);
    return progress + (progress.empty() || over.empty() ? "" : tr(", ")) + over;
  }
  if (!is_final(task) || state == "completed") return "";
  // What Berth has done is more than the signal that it was done with.
  const std::string cause = string_or(task, "cause");
  if (cause == "device_lost" || cause == "memory_limit" || cause == "timeout")
    return tr_code(cause);
  if (const auto signal = maybe_int(task, "signal"); signal && *signal != 0)
    return signal_name(*signal);
  if (const auto code = maybe_int(task, "exit_code"); code && *code != 0)
    return tr("exit {}", {std::to_string(*code)});
  return cause == "dependency" ? tr("dependency failed") : tr_code(cause);
}

Tone detail_tone(const json::object& task) {
  if (string_or(task, "status") == "failed") return Tone::kBad;
  return over_reserved_text(task).empty() ? Tone::kPlain : Tone::kWarn;
}

bool waits(const json::object& task) {
  const std::string state = string_or(task, "status");
  return state == "queued" || state == "pending";
}

// A row of the list: a task, or all that wait of one array.
using Row = std::vector<const json::object*>;

std::vector<Row> rows_of(const json::array& tasks) {
  std::vector<Row> rows;
  std::map<std::string, std::size_t> arrays;  // the row of those that wait
  for (const json::value& item : tasks) {
    const json::object* task = item.if_object();
    if (task == nullptr) continue;
    const std::string array = waits(*task) ? array_of(*task) : "";
    if (array.empty()) {
      rows.push_back({task});
      continue;
    }
    const auto [row, fresh] = arrays.try_emplace(array, rows.size());
    if (fresh) rows.emplace_back();
    rows[row->second].push_back(task);
  }
  return rows;
}

// The task that speaks for its row: the next of the array.
const json::object& first_of(const Row& row) {
  return **std::ranges::min_element(row, {},
                                    [](const json::object* task) { return index_in_array(*task); });
}

// The part of an id that is shortened: an index of an array stays.
std::string stem(const json::object& task) {
  const std::string array = array_of(task);
  return array.empty() ? string_or(task, "task_id") : array;
}

// As few characters as tell all ids apart, eight at least.
std::size_t id_length(const std::vector<Row>& rows) {
  std::set<std::string> ids;
  for (const Row& row : rows) ids.insert(stem(*row.front()));
  std::size_t longest = 8;
  const std::string* before = nullptr;
  for (const std::string& id : ids) {
    if (before != nullptr) {
      const auto [a, b] = std::mismatch(before->begin(), before->end(), id.begin(), id.end());
      longest = std::max(longest, static_cast<std::size_t>(a - before->begin()) + 1);
    }
    before = &id;
  }
  return longest;
}

std::string id_text(const Row& row, std::size_t length) {
  const std::string text = stem(*row.front()).substr(0, length);
  if (array_of(*row.front()).empty()) return text;
  constexpr std::size_t kMost = 12;
  std::vector<std::int64_t> indices;
  for (const json::object* task : row) indices.push_back(index_in_array(*task));
  return tasks_of_array(text, std::move(indices), kMost);
}

// Why a task that waits does not start, in the scheduler's order of reasons.
std::string waiting_for(const json::object& task, const QueueView& queue, std::size_t id_length,
                        base::Time now) {
  if (string_or(task, "status") != "queued") return "";
  if (base::bool_or(task, "held")) return tr("on hold");
  if (const auto ids = unfinished(task, queue.states); !ids.empty()) {
    const std::string first = ids.front().substr(0, id_length);
    return ids.size() == 1 ? tr("after {}", {first})
                           : tr("after {} +{}", {first, std::to_string(ids.size() - 1)});
  }
  if (const auto next = time_in(task, "not_before"); next && *next > now)
    return tr("retry in {}", {words(*next - now)});
  if (queue.drained) return tr("drained");
  const std::string reason = string_or(task, "waiting_for");
  return reason.empty() ? tr("no device yet") : tr_code(reason);
}

// Of all the tasks of a row: "5", "3-9".
std::string priority_text(const Row& row) {
  std::optional<std::int64_t> least, most;
  for (const json::object* task : row) {
    const auto priority = maybe_int(*task, "priority");
    if (!priority) continue;
    least = std::min(least.value_or(*priority), *priority);
    most = std::max(most.value_or(*priority), *priority);
  }
  if (!least) return "";
  return *least == *most ? std::to_string(*least)
                         : std::to_string(*least) + "-" + std::to_string(*most);
}

}  // namespace

std::string title_text(const json::object& task) {
  if (const std::string name = string_or(task, "name"); !name.empty()) return name;
  const std::string work = work_text(task);
  return work.empty() ? command_text(task) : work;
}

std::string detail_text(const json::object& task, const QueueView& queue, std::size_t id_length,
                        base::Time now) {
  const std::string why = waiting_for(task, queue, id_length, now);
  return why.empty() ? outcome(task) : why;
}

json::array first_rows(const json::array& tasks, std::size_t most) {
  const std::vector<Row> rows = rows_of(tasks);
  if (rows.size() <= most) return tasks;
  json::array kept;
  for (std::size_t i = 0; i < most; ++i) {
    for (const json::object* task : rows[i]) kept.emplace_back(*task);
  }
  return kept;
}

std::size_t count_rows(const json::array& tasks) { return rows_of(tasks).size(); }

std::string render_tasks(const json::object& answer, const QueueView& queue, base::Time now,
                         const Screen& screen) {
  const json::array* tasks = array_in(answer, "tasks");
  if (tasks == nullptr || tasks->empty()) return "";
  Table table({{"ID"},
               {tr("STATE")},
               {tr("KIND")},
               {tr("DEVICE"), false, 6},
               {tr("PRI"), true},
               {tr("USER"), false, 4},
               {tr("TIME"), true},
               {tr("RETRY"), true},
               {tr("DETAIL"), false, 8, true},
               {tr("TASK"), false, 8}});
  const std::vector<Row> rows = rows_of(*tasks);
  const std::size_t length = id_length(rows);
  std::set<std::string> users;
  for (const Row& row : rows) users.insert(string_or(*row.front(), "user"));
  for (const Row& row : rows) {
    const json::object& task = first_of(row);
    const std::string state = state_text(task);
    const std::string detail = detail_text(task, queue, length, now);
    table.add({{id_text(row, length), Tone::kBold},
               {tr(state), state_tone(state)},
               {kind_text(task)},
               {string_or(task, "device")},
               {priority_text(row)},
               {users.size() > 1 ? string_or(task, "user") : ""},
               {duration_text(task, now)},
               {retries_text(task)},
               {detail, detail_tone(task)},
               {title_text(task)}});
  }
  std::string text = table.render(screen);
  const std::int64_t more = int_or(answer, "total") - static_cast<std::int64_t>(tasks->size());
  if (more > 0)
    text +=
        paint(tr("... and {} more (--limit N)", {std::to_string(more)}), Tone::kDim, screen) + "\n";
  return text;
}

}  // namespace berth::cli
