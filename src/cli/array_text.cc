// SPDX-License-Identifier: Apache-2.0
#include "cli/array_text.h"

#include <algorithm>

#include "base/text.h"
#include "cli/members.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "cli/task_text.h"
#include "cli/when.h"
#include "cli/width.h"
#include "cli/words.h"

namespace berth::cli {

namespace json = base::json;
using base::int_or;
using base::string_or;

namespace {

// "3", "5-7", "0-99:10". Which numbers these may be is the daemon's to say.
bool is_range(std::string_view text) {
  const auto colon = text.find(':');
  const auto dash = text.find('-');
  const std::string_view from = text.substr(0, std::min(dash, text.size()));
  const auto first = base::parse_number(from);
  if (!first || *first < 0) return false;
  if (dash == std::string_view::npos) return colon == std::string_view::npos;
  const auto last = base::parse_number(text.substr(dash + 1, colon - dash - 1));
  if (!last) return false;
  if (colon == std::string_view::npos) return true;
  const auto step = base::parse_number(text.substr(colon + 1));
  return step.has_value();
}

bool evenly_spaced(const std::vector<std::int64_t>& sorted) {
  for (std::size_t i = 2; i < sorted.size(); ++i) {
    if (sorted[i] - sorted[i - 1] != sorted[1] - sorted[0]) return false;
  }
  return sorted.size() > 2;
}

std::string dash(std::int64_t first, std::int64_t last) {
  return first == last ? std::to_string(first) : std::to_string(first) + "-" + std::to_string(last);
}

std::int64_t ended(const json::object& array) {
  return count_of(array, "completed") + count_of(array, "failed") + count_of(array, "cancelled");
}

}  // namespace

base::Result<std::string> parse_array(const std::string& text) {
  const auto percent = text.find('%');
  bool right = true;
  if (percent != std::string::npos) {
    const auto at_once = base::parse_number(std::string_view(text).substr(percent + 1));
    right = at_once && *at_once > 0;
  }
  for (const std::string& part : base::split(text.substr(0, percent), ','))
    right = right && is_range(part);
  if (right) return text;
  return base::fail(base::ErrorCode::kSchemaViolation,
                    "\"" + text +
                        "\" are no indices: write 0-9, 1,3,5-7 or 0-99:10, and %4 "
                        "behind that for at most 4 at a time");
}

bool is_array(const json::object& task) { return string_or(task, "task_type") == "array"; }

std::string array_of(const json::object& task) {
  const json::object* array = object_in(task, "array");
  return array != nullptr ? string_or(*array, "id") : "";
}

std::int64_t index_in_array(const json::object& task) {
  const json::object* array = object_in(task, "array");
  return array != nullptr ? int_or(*array, "index") : 0;
}

std::string tasks_of_array(const std::string& id, std::vector<std::int64_t> indices,
                           std::size_t most) {
  if (indices.size() == 1) return id + "_" + std::to_string(indices.front());
  return id + "_[" + ranges(std::move(indices), most) + "]";
}

std::string ranges(std::vector<std::int64_t> indices, std::size_t most) {
  std::ranges::sort(indices);
  if (evenly_spaced(indices) && indices[1] - indices[0] > 1)
    return dash(indices.front(), indices.back()) + ":" + std::to_string(indices[1] - indices[0]);
  std::string text;
  for (std::size_t i = 0; i < indices.size();) {
    std::size_t end = i + 1;
    while (end < indices.size() && indices[end] == indices[end - 1] + 1) ++end;
    const std::string next = (text.empty() ? "" : ",") + dash(indices[i], indices[end - 1]);
    if (!text.empty() && text.size() + next.size() > most) return text + ",...";
    text += next;
    i = end;
  }
  return text;
}

std::int64_t count_of(const json::object& array, std::string_view state) {
  const json::object* counts = object_in(array, "counts");
  return counts != nullptr ? int_or(*counts, state) : 0;
}

std::string counts_text(const json::object& array) {
  std::vector<std::string> parts;
  for (const char* state : {"completed", "failed", "cancelled", "running", "queued", "pending"}) {
    if (const auto count = count_of(array, state); count > 0)
      parts.push_back(tr("{} {}", {std::to_string(count), tr(state)}));
  }
  return base::join(parts, tr(", "));
}

std::string array_progress(const json::object& array, const Screen& screen) {
  const std::int64_t size = std::max<std::int64_t>(1, int_or(array, "size"));
  const double share = static_cast<double>(ended(array)) / static_cast<double>(size);
  std::string text = tr("{} of {} ended", {std::to_string(ended(array)), std::to_string(size)});
  for (const char* state : {"running", "failed", "cancelled"}) {
    if (const auto count = count_of(array, state); count > 0)
      text += tr(", ") + tr("{} {}", {std::to_string(count), tr(state)});
  }
  constexpr int kBar = 24;
  const Tone tone = count_of(array, "failed") > 0 ? Tone::kBad : Tone::kAccent;
  return bar(share, share, kBar, tone, screen) + " " +
         fit(text, std::max(20, screen.columns() - kBar - 2));
}

std::string array_failure(const json::object& array) {
  const std::string size = std::to_string(int_or(array, "size"));
  std::vector<std::string> parts;
  if (const auto count = count_of(array, "failed"); count > 0)
    parts.push_back(tr("{} of {} tasks failed", {std::to_string(count), size}));
  if (const auto count = count_of(array, "cancelled"); count > 0)
    parts.push_back(tr("{} of {} tasks cancelled", {std::to_string(count), size}));
  return base::join(parts, tr(", "));
}

base::Error name_one_of(const json::object& array, const std::string& verb) {
  const json::array* tasks = array_in(array, "tasks");
  std::string first = string_or(array, "task_id") + "_0";
  if (tasks != nullptr && !tasks->empty() && tasks->front().is_string())
    first = std::string(tasks->front().as_string());
  return base::Error{base::ErrorCode::kBadRequest,
                     tr("{} is an array: name one of its tasks, such as berth {} {}",
                        {short_id(string_or(array, "task_id")), verb, short_id(first)}),
                     {}};
}

std::string render_array(const json::object& array, base::Time now, const Screen& screen) {
  const std::string state = state_text(array);
  const std::string id = string_or(array, "task_id");
  const auto number = [&](const char* key) {
    const auto value = base::maybe_int(array, key);
    return value ? std::to_string(*value) : std::string();
  };
  std::vector<std::int64_t> indices;
  const json::array* tasks = array_in(array, "tasks");
  for (std::size_t i = 0; tasks != nullptr && i < tasks->size(); ++i) {
    if (!(*tasks)[i].is_string()) continue;
    const std::string task((*tasks)[i].as_string());
    if (const auto index = base::parse_number(std::string_view(task).substr(task.rfind('_') + 1)))
      indices.push_back(*index);
  }
  const std::string kind = string_or(array, "kind");
  const std::string progress = number("progress");
  const std::string failure = is_final(array) ? array_failure(array) : "";
  return render_fields(
      {{tr("array"), {id, Tone::kBold}},
       {tr("name"), {string_or(array, "name")}},
       {tr("state"), {tr(state), state_tone(state)}},
       {tr("problem"), {failure, Tone::kBad}},
       {tr("tasks"), {indices.empty() ? "" : tasks_of_array(short_id(id), indices, 60)}},
       {tr("of them"), {counts_text(array)}},
       {tr("at a time"), {number("at_once")}},
       {tr("user"), {string_or(array, "user")}},
       {tr("kind"), {tr(kind)}},
       {tr("asked for"), {asked_text(array)}},
       {tr("priority"), {number("priority")}},
       {tr("progress"), {progress.empty() ? "" : progress + "%"}},
       {tr("created"), {moment_text(array, "created_at", now)}},
       {tr("started"), {moment_text(array, "started_at", now)}},
       {tr("finished"), {moment_text(array, "finished_at", now)}},
       {tr("ran for"), {time_in(array, "started_at") ? duration_text(array, now) : ""}},
       {tr("exit"), {number("exit_code")}}},
      screen);
}

}  // namespace berth::cli
