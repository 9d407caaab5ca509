// SPDX-License-Identifier: Apache-2.0
#include "cli/task_text.h"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <vector>

#include "base/text.h"
#include "cli/progress.h"
#include "cli/session.h"
#include "cli/table.h"
#include "cli/when.h"
#include "cli/width.h"

namespace berth::cli {

namespace json = base::json;
using base::int_or;
using base::maybe_int;
using base::maybe_string;
using base::string_or;

namespace {

const json::object* object_in(const json::object& object, const char* key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_object() ? &value->as_object() : nullptr;
}

const json::array* array_in(const json::object& object, const char* key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_array() ? &value->as_array() : nullptr;
}

std::optional<base::Time> time_in(const json::object& object, const char* key) {
  const auto text = maybe_string(object, key);
  return text ? parse_iso8601(*text) : std::nullopt;
}

std::string state_text(const json::object& task) {
  const std::string state = string_or(task, "status");
  return state == "running" && base::bool_or(task, "cancelling") ? "cancelling" : state;
}

std::string title(const json::object& task) {
  const std::string name = string_or(task, "name");
  return name.empty() ? command_text(task) : name;
}

std::string signal_name(std::int64_t number) {
  const char* name = sigabbrev_np(static_cast<int>(number));
  return name != nullptr ? "SIG" + std::string(name) : "signal " + std::to_string(number);
}

// How long it runs or ran, or how long it has been waiting.
std::string duration_text(const json::object& task, base::Time now) {
  const auto started = time_in(task, "started_at");
  const auto finished = time_in(task, "finished_at");
  if (started) return words(finished.value_or(now) - *started);
  const auto created = time_in(task, "created_at");
  return created && !is_final(task) ? words(now - *created) : "";
}

std::string outcome(const json::object& task) {
  const std::string state = string_or(task, "status");
  if (state == "running") return std::to_string(int_or(task, "progress")) + "%";
  if (!is_final(task) || state == "completed") return "";
  if (const auto signal = maybe_int(task, "signal"); signal && *signal != 0)
    return signal_name(*signal);
  if (const auto code = maybe_int(task, "exit_code"); code && *code != 0)
    return "exit " + std::to_string(*code);
  return string_or(task, "cause");
}

// As few characters as tell all ids apart, eight at least.
std::size_t id_length(const json::array& tasks) {
  std::vector<std::string> ids;
  std::size_t longest = 8;
  for (const json::value& task : tasks) {
    if (task.is_object()) ids.push_back(string_or(task.as_object(), "task_id"));
  }
  std::sort(ids.begin(), ids.end());
  for (std::size_t i = 1; i < ids.size(); ++i) {
    const auto [a, b] =
        std::mismatch(ids[i - 1].begin(), ids[i - 1].end(), ids[i].begin(), ids[i].end());
    longest = std::max(longest, static_cast<std::size_t>(a - ids[i - 1].begin()) + 1);
  }
  return longest;
}

std::string refusal_text(const json::object& verdict) {
  const std::string code = string_or(verdict, "code");
  const std::string needed = string_or(verdict, "needed");
  const std::string available = string_or(verdict, "available");
  const bool amount = code == "memory" || code == "memory_unknown" || code == "too_small";
  std::string text = code;
  if (!needed.empty()) text += ": needs " + needed;
  if (!available.empty()) text += (amount ? ", has " : "; ") + available;
  return text;
}

}  // namespace

bool is_final(const json::object& task) {
  const std::string state = string_or(task, "status");
  return state == "completed" || state == "failed" || state == "cancelled";
}

int exit_status(const json::object& task) {
  const std::string state = string_or(task, "status");
  if (state == "completed") return 0;
  if (const auto signal = maybe_int(task, "signal"); signal && *signal > 0)
    return 128 + static_cast<int>(*signal);
  if (state == "cancelled") return 128 + SIGTERM;
  if (const auto code = maybe_int(task, "exit_code"); code && *code != 0)
    return static_cast<int>(*code & 0xFF);
  // It took the SIGTERM at its time limit for a wish to end well.
  if (string_or(task, "cause") == "timeout") return 128 + SIGTERM;
  return kBerthFailed;
}

std::string failure(const json::object& task) {
  const std::string state = string_or(task, "status");
  if (state == "cancelled") return "cancelled";
  if (state != "failed") return "";
  const json::object* error = object_in(task, "error");
  std::string text = error != nullptr ? string_or(*error, "message") : "";
  if (const auto signal = maybe_int(task, "signal"); signal && *signal > 0) {
    text += (text.empty() ? "killed by " : " (") + signal_name(*signal) + (text.empty() ? "" : ")");
    if (*signal == SIGKILL && text == "killed by SIGKILL")
      text += "; out of memory is the usual cause";
  } else if (text.empty()) {
    if (const auto code = maybe_int(task, "exit_code"))
      text = "exit status " + std::to_string(*code);
    else
      text = string_or(task, "cause", "the cause is not known");
  }
  if (error != nullptr) {
    if (const std::string file = string_or(*error, "file"); !file.empty())
      text += " [" + file + "]";
  }
  return text;
}

Tone state_tone(const std::string& state) {
  if (state == "running") return Tone::kAccent;
  if (state == "completed") return Tone::kGood;
  if (state == "failed") return Tone::kBad;
  if (state == "queued" || state == "pending" || state == "cancelling") return Tone::kWarn;
  return Tone::kDim;
}

std::string short_id(const std::string& id) {
  constexpr std::size_t kUuidLength = 36;
  return id.size() == kUuidLength ? id.substr(0, 8) : printable(id);
}

std::string shell_quote(const std::string& word) {
  constexpr std::string_view kSafe =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
  if (!word.empty() && word.find_first_not_of(kSafe) == std::string::npos) return word;
  std::string result = "'";
  for (const char c : word) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

std::string command_text(const json::object& task) {
  std::string text;
  if (const json::array* command = array_in(task, "command")) {
    for (const json::value& word : *command) {
      if (word.is_string())
        text += (text.empty() ? "" : " ") + shell_quote(std::string(word.as_string()));
    }
  }
  return text.empty() ? string_or(task, "task_type") : text;
}

std::string placement_text(const json::object& task) {
  const json::object* placement = object_in(task, "placement");
  const json::array* devices = placement != nullptr ? array_in(*placement, "devices") : nullptr;
  if (devices == nullptr) return "";
  std::vector<std::string> parts;
  for (const json::value& item : *devices) {
    if (!item.is_object()) continue;
    std::string text = string_or(item.as_object(), "device");
    const auto reserved = base::maybe_double(item.as_object(), "reserved_gb");
    if (reserved && *reserved > 0) text += " " + base::to_text(base::Bytes::from_gib(*reserved));
    parts.push_back(std::move(text));
  }
  return base::join(parts, ", ");
}

std::string render_tasks(const json::object& answer, base::Time now, const Screen& screen) {
  const json::array* tasks = array_in(answer, "tasks");
  if (tasks == nullptr || tasks->empty()) return "";
  Table table({{"ID"},
               {"STATE"},
               {"KIND"},
               {"DEVICE", false, 6},
               {"PRI", true},
               {"TIME", true},
               {"RESULT", true},
               {"TASK", false, 12}});
  const std::size_t length = id_length(*tasks);
  for (const json::value& item : *tasks) {
    if (!item.is_object()) continue;
    const json::object& task = item.as_object();
    const std::string state = state_text(task);
    const auto priority = maybe_int(task, "priority");
    table.add({{string_or(task, "task_id").substr(0, length), Tone::kBold},
               {state, state_tone(state)},
               {string_or(task, "kind", string_or(task, "task_type"))},
               {string_or(task, "device")},
               {priority ? std::to_string(*priority) : ""},
               {duration_text(task, now)},
               {outcome(task), state == "failed" ? Tone::kBad : Tone::kPlain},
               {title(task)}});
  }
  std::string text = table.render(screen);
  const std::int64_t more = int_or(answer, "total") - static_cast<std::int64_t>(tasks->size());
  if (more > 0)
    text +=
        paint("... and " + std::to_string(more) + " more (--limit N)", Tone::kDim, screen) + "\n";
  return text;
}

std::string render_task(const json::object& task, base::Time now, const Screen& screen) {
  const std::string state = state_text(task);
  const auto when = [&](const char* key) {
    const auto time = time_in(task, key);
    return time ? local_time(*time, now) + " (" + words(now - *time) + " ago)" : std::string();
  };
  const auto number = [&](const char* key) {
    const auto value = maybe_int(task, key);
    return value ? std::to_string(*value) : std::string();
  };
  std::string progress = number("progress");
  if (!progress.empty()) progress += "%";
  if (const std::string epoch = number("current_epoch"); !epoch.empty()) {
    progress += ", epoch " + epoch + " of " + number("total_epochs");
  }
  std::string placement = placement_text(task);
  if (const json::object* object = object_in(task, "placement");
      object != nullptr && !placement.empty()) {
    if (const std::string rule = string_or(*object, "rule"); !rule.empty() && rule != "none") {
      placement += " (reserved by the rule: " + rule + ")";
    }
  }
  std::string fallback = string_or(task, "fallback");
  if (fallback == "no_gpu") fallback = "on the CPU: this machine has no GPU";
  if (fallback == "worker_without_gpu")
    fallback = "on the CPU: the built-in workers were built without GPU support";
  const auto priority = maybe_int(task, "priority");
  const auto attempt = maybe_int(task, "attempt");
  std::vector<std::pair<std::string, Cell>> fields{
      {"task", {string_or(task, "task_id"), Tone::kBold}},
      {"name", {string_or(task, "name")}},
      {"state", {state, state_tone(state)}},
      {"message", {string_or(task, "message")}},
      {"problem", {failure(task), Tone::kBad}},
      {"kind",
       {string_or(task, "task_type") == string_or(task, "kind")
            ? string_or(task, "kind")
            : string_or(task, "kind", string_or(task, "task_type"))}},
      {"command", {array_in(task, "command") != nullptr ? command_text(task) : ""}},
      {"directory", {string_or(task, "cwd")}},
      {"asked for", {string_or(task, "device_requested")}},
      {"device", {placement.empty() ? string_or(task, "device") : placement}},
      {"fallback", {fallback, Tone::kWarn}},
      {"priority",
       {priority ? std::to_string(*priority) + (*priority == 1 ? " (most urgent)" : "") : ""}},
      {"attempt", {attempt && *attempt > 1 ? std::to_string(*attempt) : ""}},
      {"progress", {progress}},
      {"created", {when("created_at")}},
      {"started", {when("started_at")}},
      {"finished", {when("finished_at")}},
      {"ran for", {time_in(task, "started_at") ? duration_text(task, now) : ""}},
      {"exit",
       {is_final(task)
            ? (maybe_int(task, "signal").value_or(0) > 0 ? signal_name(*maybe_int(task, "signal"))
                                                         : number("exit_code"))
            : ""}},
      {"saved to", {string_or(task, "save_path")}},
      {"result", {string_or(task, "result_path")}}};
  std::string text = render_fields(fields, screen);
  if (const json::object* metrics = object_in(task, "latest_metrics")) {
    std::vector<std::pair<std::string, Cell>> rows;
    for (const auto& [key, value] : *metrics) {
      if (value.is_null()) continue;
      char number_text[32];
      const auto real = base::maybe_double(*metrics, std::string_view(key.data(), key.size()));
      if (real) std::snprintf(number_text, sizeof number_text, "%.6g", *real);
      rows.emplace_back(std::string(key), Cell{real ? number_text : base::to_text(value)});
    }
    if (!rows.empty())
      text +=
          "\n" + paint("latest metrics", Tone::kBold, screen) + "\n" + render_fields(rows, screen);
  }
  return text;
}

std::string render_explanation(const json::object& explanation, const Screen& screen) {
  std::string text;
  const std::string state = string_or(explanation, "state");
  const std::string summary = string_or(explanation, "summary");
  if (!state.empty())
    text += paint(state, state_tone(state), screen) + (summary.empty() ? "" : ": ");
  text += wrap(printable(summary), screen.width > 0 ? screen.width - display_width(state) - 2 : 0,
               "  ") +
          "\n";
  if (const json::array* devices = array_in(explanation, "devices");
      devices != nullptr && !devices->empty()) {
    Table table({{"DEVICE"},
                 {"VERDICT"},
                 {"REASON", false, 8},
                 {"NEEDED", false, 8},
                 {"THERE IS", false, 8}});
    for (const json::value& item : *devices) {
      if (!item.is_object()) continue;
      const json::object& device = item.as_object();
      const std::string verdict = string_or(device, "verdict");
      const Tone tone = verdict == "fits"   ? Tone::kGood
                        : verdict == "wait" ? Tone::kWarn
                                            : Tone::kBad;
      const std::string mark = verdict == "fits" ? "✓ " : verdict == "wait" ? "◷ " : "✗ ";
      const std::string code = string_or(device, "code");
      table.add({{string_or(device, "device"), Tone::kBold},
                 {mark + verdict, tone},
                 {code == verdict ? "" : code},
                 {string_or(device, "needed")},
                 {string_or(device, "available")}});
    }
    text += "\n" + table.render(screen);
  }
  if (const json::array* remedies = array_in(explanation, "would_fit_if");
      remedies != nullptr && !remedies->empty()) {
    text += "\n" + paint("It would fit if", Tone::kBold, screen) + "\n";
    for (const json::value& remedy : *remedies) {
      if (!remedy.is_string()) continue;
      text += "  - " +
              wrap(printable(std::string(remedy.as_string())),
                   screen.width > 0 ? screen.width - 4 : 0, "    ") +
              "\n";
    }
  }
  if (const auto start = maybe_string(explanation, "earliest_start"); start && !start->empty()) {
    text += "\nEarliest start: " + printable(*start) + "\n";
  }
  return text;
}

std::string waiting_reason(const json::object& explanation) {
  const json::array* devices = array_in(explanation, "devices");
  const json::object* first = nullptr;
  int more = 0;
  for (std::size_t i = 0; devices != nullptr && i < devices->size(); ++i) {
    if (!(*devices)[i].is_object()) continue;
    const json::object& device = (*devices)[i].as_object();
    if (string_or(device, "verdict") != "wait") continue;
    if (first == nullptr)
      first = &device;
    else
      ++more;
  }
  if (first == nullptr) return printable(string_or(explanation, "summary"));
  std::string text = string_or(*first, "device") + " " + refusal_text(*first);
  if (more > 0)
    text += " (and " + std::to_string(more) + (more == 1 ? " more device)" : " more devices)");
  return printable(text);
}

}  // namespace berth::cli
