// SPDX-License-Identifier: Apache-2.0
#include "cli/task_text.h"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <vector>

#include "base/text.h"
#include "cli/members.h"
#include "cli/session.h"
#include "cli/table.h"
#include "cli/when.h"
#include "cli/width.h"
#include "cli/words.h"

namespace berth::cli {

namespace json = base::json;
using base::int_or;
using base::maybe_int;
using base::maybe_string;
using base::string_or;

namespace {

std::optional<base::Time> time_in(const json::object& object, const char* key) {
  const auto text = maybe_string(object, key);
  return text ? parse_iso8601(*text) : std::nullopt;
}

std::string state_text(const json::object& task) {
  const std::string state = string_or(task, "status");
  return state == "running" && base::bool_or(task, "cancelling") ? "cancelling" : state;
}

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
  const std::string weights = string_or(*parameters, "weight_path");
  const std::string source = string_or(*parameters, "source_path");
  if (weights.empty() || source.empty()) return "";
  return tr("infer {} on {}", {weights.substr(weights.rfind('/') + 1), end_of_path(source)});
}

std::string title(const json::object& task) {
  if (const std::string name = string_or(task, "name"); !name.empty()) return name;
  const std::string work = work_text(task);
  return work.empty() ? command_text(task) : work;
}

using Fields = std::vector<std::pair<std::string, Cell>>;

// "0.0001", "0.25", "yes"; empty for lists and objects.
std::string plain_text(const json::value& value) {
  if (value.is_string()) return std::string(value.as_string());
  if (value.is_bool()) return value.as_bool() ? tr("yes") : tr("no");
  if (!value.is_double()) return value.is_number() ? base::to_text(value) : "";
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value.as_double());
  return text;
}

// Plain values only, those with a label first. Where results are saved is told by the task itself.
Fields parameter_fields(const json::object& parameters) {
  const std::vector<std::pair<std::string_view, std::string>> labels{
      {"model", tr("model")},
      {"num_classes", tr("classes")},
      {"train_path", tr("training set")},
      {"val_path", tr("validation set")},
      {"num_epochs", tr("epochs")},
      {"batch_size", tr("batch size")},
      {"learning_rate", tr("learning rate")},
      {"image_size", tr("image size")},
      {"source_path", tr("source")},
      {"weight_path", tr("weights")},
      {"cfg_path", tr("configuration")},
      {"pretrained", tr("pretrained")},
      {"shuffle", tr("shuffle")},
      {"seed", tr("seed")}};
  Fields fields;
  for (const auto& [key, label] : labels) {
    if (const json::value* value = parameters.if_contains(key))
      fields.emplace_back(label, Cell{plain_text(*value)});
  }
  for (const auto& [key, value] : parameters) {
    const bool known =
        key == "save_path" || std::any_of(labels.begin(), labels.end(),
                                          [&](const auto& entry) { return entry.first == key; });
    if (!known) fields.emplace_back(std::string(key), Cell{plain_text(value)});
  }
  return fields;
}

std::string section(const std::string& title, const Fields& fields, const Screen& screen) {
  const std::string lines = render_fields(fields, screen);
  return lines.empty() ? "" : "\n" + paint(title, Tone::kBold, screen) + "\n" + lines;
}

std::string signal_name(std::int64_t number) {
  const char* name = sigabbrev_np(static_cast<int>(number));
  return name != nullptr ? "SIG" + std::string(name) : tr("signal {}", {std::to_string(number)});
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
    return tr("exit {}", {std::to_string(*code)});
  const std::string cause = string_or(task, "cause");
  return tr(cause);
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
  if (state == "cancelled") return tr("cancelled");
  if (state != "failed") return "";
  const json::object* error = object_in(task, "error");
  std::string text = error != nullptr ? string_or(*error, "message") : "";
  if (const auto signal = maybe_int(task, "signal"); signal && *signal > 0) {
    const std::string name = signal_name(*signal);
    if (text.empty() || text == "killed by " + name)
      text = *signal == SIGKILL ? tr("killed by SIGKILL; out of memory is the usual cause")
                                : tr("killed by {}", {name});
    else if (text.find(name) == std::string::npos)
      text = tr("{} ({})", {text, name});
  } else if (text.empty()) {
    const std::string cause = string_or(task, "cause");
    if (const auto code = maybe_int(task, "exit_code"))
      text = tr("exit status {}", {std::to_string(*code)});
    else
      text = cause.empty() ? tr("the cause is not known") : tr(cause);
  }
  if (error != nullptr) {
    const std::string file = string_or(*error, "file");
    if (!file.empty() && text.find(file) == std::string::npos) text += " [" + file + "]";
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
  return base::join(parts, tr(", "));
}

std::string render_tasks(const json::object& answer, base::Time now, const Screen& screen) {
  const json::array* tasks = array_in(answer, "tasks");
  if (tasks == nullptr || tasks->empty()) return "";
  Table table({{"ID"},
               {tr("STATE")},
               {tr("KIND")},
               {tr("DEVICE"), false, 6},
               {tr("PRI"), true},
               {tr("TIME"), true},
               {tr("RESULT"), true},
               {tr("TASK"), false, 12}});
  const std::size_t length = id_length(*tasks);
  for (const json::value& item : *tasks) {
    if (!item.is_object()) continue;
    const json::object& task = item.as_object();
    const std::string state = state_text(task);
    const std::string kind = string_or(task, "kind", string_or(task, "task_type"));
    const auto priority = maybe_int(task, "priority");
    table.add({{string_or(task, "task_id").substr(0, length), Tone::kBold},
               {tr(state), state_tone(state)},
               {tr(kind)},
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
        paint(tr("... and {} more (--limit N)", {std::to_string(more)}), Tone::kDim, screen) + "\n";
  return text;
}

std::string render_task(const json::object& task, base::Time now, const Screen& screen) {
  const std::string state = state_text(task);
  const auto when = [&](const char* key) {
    const auto time = time_in(task, key);
    return time ? tr("{} ({} ago)", {local_time(*time, now), words(now - *time)}) : std::string();
  };
  const auto number = [&](const char* key) {
    const auto value = maybe_int(task, key);
    return value ? std::to_string(*value) : std::string();
  };
  std::string progress = number("progress");
  const std::string epoch = number("current_epoch");
  if (!progress.empty() && !epoch.empty())
    progress = tr("{}%, epoch {} of {}", {progress, epoch, number("total_epochs")});
  else if (!progress.empty())
    progress += "%";
  std::string placement = placement_text(task);
  if (const json::object* object = object_in(task, "placement");
      object != nullptr && !placement.empty()) {
    if (const std::string rule = string_or(*object, "rule"); !rule.empty() && rule != "none") {
      placement = tr("{} (reserved by the rule: {})", {placement, tr(rule)});
    }
  }
  std::string fallback = string_or(task, "fallback");
  if (fallback == "no_gpu") fallback = tr("on the CPU: this machine has no GPU");
  if (fallback == "worker_without_gpu")
    fallback = tr("on the CPU: the built-in workers were built without GPU support");
  const std::string kind = string_or(task, "kind", string_or(task, "task_type"));
  std::string priority = number("priority");
  if (priority == "1") priority = tr("{} (most urgent)", {priority});
  const auto attempt = maybe_int(task, "attempt");
  const Fields fields{
      {tr("task"), {string_or(task, "task_id"), Tone::kBold}},
      {tr("name"), {string_or(task, "name")}},
      {tr("state"), {tr(state), state_tone(state)}},
      {tr("message"), {string_or(task, "message")}},
      {tr("problem"), {failure(task), Tone::kBad}},
      {tr("kind"), {tr(kind)}},
      {tr("command"), {array_in(task, "command") != nullptr ? command_text(task) : ""}},
      {tr("directory"), {string_or(task, "cwd")}},
      {tr("asked for"), {string_or(task, "device_requested")}},
      {tr("device"), {placement.empty() ? string_or(task, "device") : placement}},
      {tr("fallback"), {fallback, Tone::kWarn}},
      {tr("priority"), {priority}},
      {tr("attempt"), {attempt && *attempt > 1 ? std::to_string(*attempt) : ""}},
      {tr("progress"), {progress}},
      {tr("created"), {when("created_at")}},
      {tr("started"), {when("started_at")}},
      {tr("finished"), {when("finished_at")}},
      {tr("ran for"), {time_in(task, "started_at") ? duration_text(task, now) : ""}},
      {tr("exit"),
       {is_final(task)
            ? (maybe_int(task, "signal").value_or(0) > 0 ? signal_name(*maybe_int(task, "signal"))
                                                         : number("exit_code"))
            : ""}},
      {tr("saved to"), {string_or(task, "save_path")}},
      {tr("result"), {string_or(task, "result_path")}}};
  std::string text = render_fields(fields, screen);
  if (const json::object* parameters = object_in(task, "parameters"))
    text += section(tr("parameters"), parameter_fields(*parameters), screen);
  if (const json::object* metrics = object_in(task, "latest_metrics")) {
    Fields rows;
    for (const auto& [key, value] : *metrics) {
      const std::string plain = plain_text(value);
      rows.emplace_back(std::string(key),
                        Cell{plain.empty() && !value.is_null() ? base::to_text(value) : plain});
    }
    text += section(tr("latest metrics"), rows, screen);
  }
  return text;
}

}  // namespace berth::cli
