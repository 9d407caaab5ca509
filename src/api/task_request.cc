// SPDX-License-Identifier: Apache-2.0
#include "api/task_request.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "api/task_codec.h"

namespace berth::api {

namespace {

using base::json::value;

// At most this much memory can be asked for; above it the request is a mistake (GiB).
constexpr double kMostMemoryGb = 1 << 20;
constexpr double kMostSeconds = 1e9;
constexpr double kLongestPause = 3600;
// Percent of what a device can give; 0: by history, or what is known of the built-in task.
constexpr std::array<std::pair<std::string_view, int>, 3> kStrategies{
    {{"conservative", 80}, {"aggressive", 95}, {kDynamicMemory, 0}}};

constexpr std::array<std::string_view, 25> kCommandFields{
    "command",   "kind",   "device",        "gpus",      "memory_gb",       "gpu_type",
    "exclusive", "policy", "priority",      "name",      "task_id",         "description",
    "env",       "cwd",    "retry",         "timeout_s", "after",           "after_any",
    "hold",      "pool",   "group_by_kind", "fallback",  "memory_fraction", "memory_strategy",
    "array"};

// `fallback`: "cpu" (at once when no GPU is free), or {to: "cpu", after_s}.
void read_fallback(Fields& fields, model::Request& request) {
  const value* given = fields.body().if_contains("fallback");
  if (given == nullptr || given->is_null()) return;
  if (!given->is_object()) {
    if (fields.string_or("fallback", "") != "cpu") {
      fields.refuse("enum", "fallback",
                    "Input should be 'cpu', or an object with to: 'cpu' and after_s");
    }
    request.cpu_after = base::Duration{0};
    return;
  }
  Fields parts(given->as_object(), {"body", "fallback"});
  if (parts.string("to") != "cpu" && parts.valid())
    parts.refuse("enum", "to", "Input should be 'cpu'");
  const double after = parts.number_or("after_s", 0);
  if (after < 0 || after > kMostSeconds) {
    parts.refuse("value_error", "after_s", "The time to wait for a GPU must not be negative");
  } else {
    request.cpu_after = base::Duration{std::llround(after * 1000)};
  }
  if (!parts.valid()) fields.merge(parts);
}

void read_queueing(Fields& fields, model::Request& request) {
  read_retry(fields, request.retry);
  read_fallback(fields, request);
  for (const bool any : {false, true}) {
    const char* name = any ? "after_any" : "after";
    const value* given = fields.body().if_contains(name);
    if (given == nullptr || given->is_null()) continue;
    for (const auto& id : fields.strings(name)) request.after.push_back({model::TaskId(id), any});
  }
  request.hold = fields.boolean_or("hold", false);
  request.group_by_kind = fields.boolean_or("group_by_kind", false);
}

// How much of a device's memory: a figure, a fraction of it, or a strategy that stands for one.
void read_memory(Fields& fields, model::Request& request) {
  if (const auto memory = fields.maybe_positive("memory_gb", kMostMemoryGb))
    request.memory = std::max(base::Bytes{1}, base::Bytes::from_gib(*memory));
  if (const auto fraction = fields.maybe_positive("memory_fraction", kMostMemoryGb)) {
    if (*fraction > 1) {
      fields.refuse("less_than_equal", "memory_fraction",
                    "Input should be a part of the device's memory: above 0, at most 1",
                    {{"le", 1}});
    } else if (request.memory) {
      fields.refuse("value_error", "memory_fraction",
                    "Give memory_gb or memory_fraction, not both");
    }
    request.memory_percent = std::max(1, static_cast<int>(std::lround(*fraction * 100)));
  }
  // What a command used the last time is no promise for the next, unless the client says so.
  request.memory_by_history = request.builtin;
  const std::string strategy = fields.nullable_string("memory_strategy");
  if (strategy.empty()) return;
  const auto known =
      std::find_if(kStrategies.begin(), kStrategies.end(),
                   [&](const auto& candidate) { return candidate.first == strategy; });
  if (known == kStrategies.end()) {
    return fields.refuse("enum", "memory_strategy",
                         "Input should be 'conservative' (0.8 of the device's memory), "
                         "'aggressive' (0.95) or 'dynamic' (as earlier tasks like it needed, or as "
                         "its model and batch let expect)");
  }
  if (request.memory_percent != 0) {
    return fields.refuse("value_error", "memory_strategy",
                         "Give memory_fraction or memory_strategy, not both");
  }
  request.memory_percent = known->second;
  request.memory_by_history = request.builtin || strategy == kDynamicMemory;
}

// The same command in the same place: it takes about as long, and maybe as much memory.
std::string signature_of(const model::TaskRecord& record) {
  std::string text = record.cwd;
  for (const auto& word : record.argv) text += '\0' + word;
  return "command/" + std::to_string(std::hash<std::string>{}(text));
}

}  // namespace

void read_retry(Fields& fields, model::Retry& retry) {
  const value* given = fields.body().if_contains("retry");
  if (given == nullptr || given->is_null()) return;
  if (!given->is_object()) {
    retry.max = static_cast<int>(fields.integer_or("retry", 0, 0, model::kMostRetries));
    return;
  }
  Fields parts(given->as_object(), {"body", "retry"});
  for (const auto& entry : parts.body()) {
    if (entry.key() == "max" || entry.key() == "backoff_s" || entry.key() == "on" ||
        entry.key() == "more_memory") {
      continue;
    }
    parts.refuse("extra_forbidden", entry.key(), "There is no such field");
  }
  retry.max = static_cast<int>(parts.integer("max", 0, model::kMostRetries));
  const double pause =
      parts.number_or("backoff_s", static_cast<double>(retry.backoff.count()) / 1000);
  if (pause < 0 || pause > kLongestPause) {
    parts.refuse("value_error", "backoff_s", "The pause before a retry is between 0 and 3600 s");
  } else {
    retry.backoff = base::Duration{std::llround(pause * 1000)};
  }
  // A factor, 1.5: half as much again.
  const double factor = parts.number_or("more_memory", 1);
  if (factor < 1 || factor > 10) {
    parts.refuse("value_error", "more_memory",
                 "The factor for the memory of the next try is between 1 and 10");
  } else {
    retry.more_memory_percent = static_cast<int>(std::lround((factor - 1) * 100));
  }
  if (parts.body().contains("on")) {
    for (const auto& word : parts.strings("on")) {
      if (const auto kind = model::failure_kind_from_text(word)) {
        retry.on.insert(*kind);
      } else {
        parts.refuse("enum", "on",
                     "Input should be 'exit', 'out_of_memory', 'timeout', 'device_lost', "
                     "'launch_failed' or 'lost'");
      }
    }
  }
  if (!parts.valid()) fields.merge(parts);
}

void read_devices(Fields& fields, model::Request& request) {
  request.gpus = static_cast<int>(fields.integer_or("gpus", 1, 1, 1024));
  read_memory(fields, request);
  request.gpu_type = fields.nullable_string("gpu_type");
  request.exclusive = fields.boolean_or("exclusive", false);
  request.pool = fields.nullable_string("pool");
}

void read_command(Fields& fields, const core::Config& config, model::TaskRecord& record) {
  fields.refuse_others(kCommandFields);
  record.type = "command";
  record.argv = fields.strings("command");
  if (fields.valid() && (record.argv.empty() || record.argv.front().empty())) {
    fields.refuse("too_short", "command", "The command needs at least the name of a program");
  }
  const auto kind = model::kind_from_text(fields.string_or("kind", "command"));
  if (kind) {
    record.request.kind = *kind;
  } else {
    fields.refuse("enum", "kind", "Input should be 'command', 'training' or 'inference'");
  }
  read_common(fields, {"auto", 5, config.policy}, record);
  read_devices(fields, record.request);
  record.env = fields.string_map("env");
  for (const auto& [name, text] : record.env) {
    if (name.empty() || name.find('=') != std::string::npos) {
      fields.refuse("value_error", "env", "\"" + name + "\" is no name of an environment variable");
    }
  }
  record.cwd = fields.nullable_string("cwd");
  if (!record.cwd.empty() && record.cwd.front() != '/') {
    fields.refuse("value_error", "cwd", "The working directory must be an absolute path");
  }
  if (const auto timeout = fields.maybe_positive("timeout_s", kMostSeconds)) {
    record.request.time_limit =
        std::max(base::Duration{1}, base::Duration{std::llround(*timeout * 1000)});
  }
  record.request.signature = signature_of(record);
  read_queueing(fields, record.request);
}

}  // namespace berth::api
