// SPDX-License-Identifier: Apache-2.0
#include "cli/task_text.h"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstring>
#include <vector>

#include "base/text.h"
#include "cli/array_text.h"
#include "cli/data_text.h"
#include "cli/enforcement_text.h"
#include "cli/members.h"
#include "cli/placement_text.h"
#include "cli/session.h"
#include "cli/table.h"
#include "cli/usage_text.h"
#include "cli/when.h"
#include "cli/width.h"
#include "cli/words.h"

namespace berth::cli {

namespace json = base::json;
using base::int_or;
using base::maybe_double;
using base::maybe_int;
using base::maybe_string;
using base::string_or;

namespace {

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

base::Duration seconds(double number) {
  return base::Duration{static_cast<std::int64_t>(number * 1000)};
}

// What became of the wish for a GPU; before that, what may become of it.
std::string fallback_text(const json::object& task) {
  const std::string why = string_or(task, "fallback");
  if (why == "no_gpu") return tr("on the CPU: this machine has no GPU");
  if (why == "worker_without_gpu")
    return tr("on the CPU: the built-in workers were built without GPU support");
  if (why == "gpus_busy") return tr("on the CPU: no GPU was free in time");
  const auto after = maybe_double(task, "cpu_after_s");
  if (!why.empty() || !after || string_or(task, "status") != "queued") return why;
  return *after > 0 ? tr("on the CPU when no GPU is free for {}", {words(seconds(*after))})
                    : tr("on the CPU when no GPU is free");
}

// What keeps a task to its memory; "" when it does not run.
std::string memory_limit_text(const json::object& task) {
  const json::object* enforcement = object_in(task, "enforcement");
  return enforcement != nullptr ? rung_text(*enforcement) : "";
}

// Whether it could open GPUs that it was not given.
std::string fence_text(const json::object& task) {
  const json::object* enforcement = object_in(task, "enforcement");
  if (enforcement == nullptr || string_or(task, "device") == "cpu") return "";
  return other_gpus_text(base::bool_or(*enforcement, "fenced"),
                         string_or(*enforcement, "fence_missing"));
}

std::string place_in_array(const json::object& task) {
  const json::object* array = object_in(task, "array");
  if (array == nullptr) return "";
  return tr("index {}, one of {} tasks of {}",
            {std::to_string(int_or(*array, "index")), std::to_string(int_or(*array, "size")),
             short_id(string_or(*array, "id"))});
}

// Why the attempt before failed.
std::string last_error(const json::object& task) {
  const json::object* error = object_in(task, "last_error");
  return error != nullptr ? tr_reason(string_or(*error, "message")) : "";
}

// Why the task itself does not start yet; empty texts for what does not keep it.
struct Pauses {
  std::string hold, after, next_try;
  bool unfinished = false;
  [[nodiscard]] bool any() const { return !hold.empty() || unfinished || !next_try.empty(); }
};

Pauses pauses_of(const json::object& task, const TaskStates& states, base::Time now) {
  Pauses pauses;
  std::vector<std::string> after;
  for (const std::string& id : dependencies(task, states)) {
    const auto state = states.find(id);
    after.push_back(state == states.end() ? short_id(id)
                                          : tr("{} ({})", {short_id(id), tr(state->second)}));
  }
  pauses.after = base::join(after, tr(", "));
  if (is_final(task)) return pauses;
  pauses.unfinished = !unfinished(task, states).empty();
  if (base::bool_or(task, "held"))
    pauses.hold = tr("berth release {} lets it go", {short_id(string_or(task, "task_id"))});
  const auto next = time_in(task, "not_before");
  if (next && *next > now)
    pauses.next_try = tr("{} (in {})", {local_time(*next, now), words(*next - now)});
  return pauses;
}

std::optional<std::int64_t> most_retries(const json::object& task) {
  const json::object* retry = object_in(task, "retry");
  return retry != nullptr ? maybe_int(*retry, "max") : std::nullopt;
}

std::string section(const std::string& title, const Fields& fields, const Screen& screen) {
  const std::string lines = render_fields(fields, screen);
  return lines.empty() ? "" : "\n" + paint(title, Tone::kBold, screen) + "\n" + lines;
}

}  // namespace

std::optional<base::Time> time_in(const json::object& object, const char* key) {
  const auto text = maybe_string(object, key);
  return text ? parse_iso8601(*text) : std::nullopt;
}

std::string state_text(const json::object& task) {
  const std::string state = string_or(task, "status");
  return state == "running" && base::bool_or(task, "cancelling") ? "cancelling" : state;
}

std::string signal_name(std::int64_t number) {
  const char* name = sigabbrev_np(static_cast<int>(number));
  return name != nullptr ? "SIG" + std::string(name) : tr("signal {}", {std::to_string(number)});
}

std::string moment_text(const json::object& object, const char* key, base::Time now) {
  const auto time = time_in(object, key);
  return time ? tr("{} ({} ago)", {local_time(*time, now), words(now - *time)}) : "";
}

std::string duration_text(const json::object& task, base::Time now) {
  const auto started = time_in(task, "started_at");
  const auto finished = time_in(task, "finished_at");
  if (started) return words(finished.value_or(now) - *started);
  const auto created = time_in(task, "created_at");
  return created && !is_final(task) ? words(now - *created) : "";
}

std::string retries_text(const json::object& task) {
  const std::int64_t used = int_or(task, "retries");
  if (used == 0) return "";
  const auto most = most_retries(task);
  return std::to_string(used) + (most ? "/" + std::to_string(*most) : "");
}

bool is_final_state(std::string_view state) {
  return state == "completed" || state == "failed" || state == "cancelled";
}

bool is_final(const json::object& task) { return is_final_state(string_or(task, "status")); }

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
  if (is_array(task)) return array_failure(task);
  const std::string state = string_or(task, "status");
  if (state != "failed" && state != "cancelled") return "";
  const json::object* error = object_in(task, "error");
  std::string text = error != nullptr ? tr_reason(string_or(*error, "message")) : "";
  // A task is cancelled by somebody, or because one that it was to follow did not end well.
  if (state == "cancelled") return text.empty() ? tr("cancelled") : text;
  if (const auto signal = maybe_int(task, "signal"); signal && *signal > 0) {
    const std::string name = signal_name(*signal);
    if (text.empty() || text == tr("killed by {}", {name}))
      text = *signal == SIGKILL ? tr("killed by SIGKILL; out of memory is the usual cause")
                                : tr("killed by {}", {name});
    else if (text.find(name) == std::string::npos)
      text = tr("{} ({})", {text, name});
  } else if (text.empty()) {
    const std::string cause = string_or(task, "cause");
    if (const auto code = maybe_int(task, "exit_code"))
      text = tr("exit status {}", {std::to_string(*code)});
    else
      text = cause.empty() ? tr("the cause is not known") : tr_code(cause);
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
  const bool uuid = id.size() == kUuidLength || (id.size() > kUuidLength && id[kUuidLength] == '_');
  return uuid ? id.substr(0, 8) + printable(id.substr(kUuidLength)) : printable(id);
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

std::string progress_text(const json::object& task) {
  const auto progress = maybe_int(task, "progress");
  // Most commands never say how far they are.
  if (!progress || (*progress == 0 && string_or(task, "task_type") == "command")) return "";
  return std::to_string(*progress) + "%";
}

std::string asked_text(const json::object& task) {
  std::vector<std::string> parts;
  const auto gpus = int_or(task, "gpus", 1);
  const std::string device = string_or(task, "device_requested");
  parts.push_back(gpus > 1 ? device + " × " + std::to_string(gpus) : device);
  if (const std::string type = string_or(task, "gpu_type"); !type.empty())
    parts.push_back(tr("of the type {}", {printable(type)}));
  if (const auto memory = maybe_double(task, "memory_gb"))
    parts.push_back(base::to_text(base::Bytes::from_gib(*memory)) + (gpus > 1 ? tr(" each") : ""));
  if (const auto fraction = maybe_double(task, "memory_fraction"))
    parts.push_back(tr("{}% of the memory", {std::to_string(std::lround(*fraction * 100))}));
  if (base::bool_or(task, "exclusive", false)) parts.push_back(tr("alone"));
  return base::join(parts, tr(", "));
}

std::string render_task(const json::object& task, const TaskStates& states, base::Time now,
                        const Screen& screen, const std::string& wait_reason) {
  const std::string state = state_text(task);
  const auto number = [&](const char* key) {
    const auto value = maybe_int(task, key);
    return value ? std::to_string(*value) : std::string();
  };
  std::string progress = number("progress");
  const std::string epoch = number("current_epoch");
  if (!progress.empty() && !epoch.empty())
    progress = tr("{}%, epoch {} of {}", {progress, epoch, number("total_epochs")});
  else
    progress = progress_text(task);
  std::string placement = placement_text(task);
  if (const json::object* object = object_in(task, "placement");
      object != nullptr && !placement.empty()) {
    if (const std::string rule = string_or(*object, "rule"); !rule.empty() && rule != "none") {
      placement = tr("{} (reserved by the rule: {})", {placement, tr_code(rule)});
    }
  }
  std::string priority = number("priority");
  if (priority == "1") priority = tr("{} (most urgent)", {priority});
  const auto attempt = maybe_int(task, "attempt");
  const auto most = most_retries(task);
  const std::string used = number("retries");
  std::string retries = used == "0" ? "" : used;
  if (most && *most > 0) retries = tr("{} of {}", {used, std::to_string(*most)});
  const auto limit = maybe_double(task, "timeout_s");
  const Pauses pauses = pauses_of(task, states, now);
  const Fields fields{
      {tr("task"), {string_or(task, "task_id"), Tone::kBold}},
      {tr("name"), {string_or(task, "name")}},
      {tr("array"), {place_in_array(task)}},
      {tr("state"), {tr(state), state_tone(state)}},
      // The daemon's words for a task that waits speak of a device, whatever it waits for.
      {tr("message"), {pauses.any() || !wait_reason.empty() ? "" : string_or(task, "message")}},
      {tr("waiting"), {pauses.any() ? "" : wait_reason, Tone::kWarn}},
      {tr("problem"), {failure(task), Tone::kBad}},
      {tr("user"), {string_or(task, "user")}},
      {tr("kind"), {kind_text(task)}},
      {tr("command"), {array_in(task, "command") != nullptr ? command_text(task) : ""}},
      {tr("directory"), {string_or(task, "cwd")}},
      {tr("asked for"), {asked_text(task)}},
      {tr("device"), {placement.empty() ? string_or(task, "device") : placement}},
      {tr("used"), {usage_text(task)}},
      {tr("in pool"), {string_or(task, "pool")}},
      {tr("fallback"), {fallback_text(task), Tone::kWarn}},
      {tr("memory limit"), {memory_limit_text(task)}},
      {tr("other GPUs"), {fence_text(task)}},
      {tr("priority"), {priority}},
      {tr("on hold"), {pauses.hold, Tone::kWarn}},
      {tr("after"), {pauses.after}},
      {tr("next try"), {pauses.next_try, Tone::kWarn}},
      {tr("last error"), {is_final(task) ? "" : last_error(task), Tone::kWarn}},
      {tr("attempt"), {attempt && *attempt > 1 ? std::to_string(*attempt) : ""}},
      {tr("retries"), {retries}},
      {tr("time limit"), {limit ? words(seconds(*limit)) : ""}},
      {tr("progress"), {progress}},
      {tr("created"), {moment_text(task, "created_at", now)}},
      {tr("started"), {moment_text(task, "started_at", now)}},
      {tr("finished"), {moment_text(task, "finished_at", now)}},
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
