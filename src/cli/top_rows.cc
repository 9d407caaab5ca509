// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <tuple>

#include "base/text.h"
#include "cli/holders_text.h"
#include "cli/members.h"
#include "cli/task_list.h"
#include "cli/task_text.h"
#include "cli/top_view.h"
#include "cli/when.h"
#include "cli/words.h"

namespace berth::cli {

namespace {

namespace json = base::json;
using base::string_or;

constexpr std::size_t kIdLength = 8;  // of another task's that this one waits for

bool holds(const TopRow& row, const std::string& filter) {
  if (filter.empty()) return true;
  const std::string wanted = base::lower(filter);
  if (base::lower(row.key).find(wanted) != std::string::npos) return true;
  return std::any_of(row.cells.begin(), row.cells.end(), [&](const std::string& cell) {
    return base::lower(cell).find(wanted) != std::string::npos;
  });
}

// A row and what it is sorted by: smaller comes first; rows that are equal keep their order.
struct Sortable {
  TopRow row;
  double number = 0;
  std::string text;
};

std::vector<TopRow> sorted(std::vector<Sortable> all, bool reverse) {
  std::stable_sort(all.begin(), all.end(), [](const Sortable& a, const Sortable& b) {
    return std::tie(a.number, a.text) < std::tie(b.number, b.text);
  });
  if (reverse) std::reverse(all.begin(), all.end());
  std::vector<TopRow> rows;
  for (Sortable& one : all) rows.push_back(std::move(one.row));
  return rows;
}

// Running ones first, then those that wait in the order in which they would start, then the ended.
double rank(const json::object& task) {
  const std::string state = string_or(task, "status");
  return state == "running" ? 0 : is_final(task) ? 2 : 1;
}

double age(const json::object& task, base::Time now) {
  const auto since = time_in(task, "started_at");
  const auto begin = since ? since : time_in(task, "created_at");
  return begin ? -static_cast<double>((now - *begin).count()) : 0;
}

Sortable task_row(const json::object& task, int sort, base::Time now) {
  Sortable one;
  one.row.key = one.row.task = string_or(task, "task_id");
  const std::string state = state_text(task);
  const auto priority = base::maybe_int(task, "priority");
  one.row.cells = {short_id(one.row.task),
                   tr(state),
                   string_or(task, "kind"),
                   string_or(task, "device"),
                   priority ? std::to_string(*priority) : "",
                   string_or(task, "user"),
                   duration_text(task, now),
                   detail_text(task, {}, kIdLength, now),
                   title_text(task)};
  if (sort == 0) {
    one.number = rank(task);
    // Of those that wait the most urgent, then the oldest; of the others the newest.
    if (one.number == 1)
      one.text = (priority.value_or(5) < 10 ? "0" : "") + std::to_string(priority.value_or(5)) +
                 string_or(task, "created_at");
  } else if (sort == 1) {
    one.number = age(task, now);
  } else {
    one.text = one.row.cells[sort == 2 ? 5 : 3];
  }
  return one;
}

// "python3 train.py", with why it is still there where nobody waits for it.
std::string described(const Process& process) {
  const std::string why = state_label(process.state);
  if (why.empty()) return process.command;
  return process.command.empty() ? why : process.command + " (" + why + ")";
}

std::string percent(const std::optional<double>& load) {
  return load ? std::to_string(static_cast<int>(*load)) + "%" : "n/a";
}

void add_processes(const json::object& device, int sort, std::vector<Sortable>& all) {
  const std::string name = string_or(device, "device_name");
  for (const Process& process : processes_of(device)) {
    Sortable one;
    one.row.key = name + "/" + std::to_string(process.pid);
    one.row.task = process.task;
    one.row.cells = {std::to_string(process.pid),
                     name,
                     memory_words(process.memory),
                     percent(process.load),
                     process.user,
                     process.task.empty() ? "" : short_id(process.task),
                     process.container.substr(0, 12),
                     described(process)};
    if (sort == 0) one.number = -process.memory.value_or(-1);
    if (sort == 1) one.number = -process.load.value_or(-1);
    if (sort == 2) one.text = process.user;
    if (sort == 3) one.text = name;
    all.push_back(std::move(one));
  }
}

}  // namespace

std::vector<TopRow> top_rows(const TopData& data, const TopState& state) {
  const auto which = static_cast<std::size_t>(state.pane);
  std::vector<Sortable> all;
  if (state.pane == Pane::kTasks) {
    for (const json::value& task : data.tasks) {
      if (task.is_object()) all.push_back(task_row(task.as_object(), state.sort[which], data.now));
    }
  } else {
    for (const char* list : {"devices", "other_devices"}) {
      const json::array* devices = array_in(data.report, list);
      for (std::size_t i = 0; devices != nullptr && i < devices->size(); ++i) {
        if ((*devices)[i].is_object())
          add_processes((*devices)[i].as_object(), state.sort[which], all);
      }
    }
  }
  std::erase_if(all, [&](const Sortable& one) { return !holds(one.row, state.filter); });
  return sorted(std::move(all), state.reverse[which]);
}

}  // namespace berth::cli
