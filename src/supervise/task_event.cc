// SPDX-License-Identifier: Apache-2.0
#include "supervise/task_event.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "base/time.h"

namespace berth::supervise {

namespace json = base::json;
using base::ErrorCode;
using base::fail;

namespace {

// The longest time text taken over into a record: "2026-01-02T03:04:05.678901+08:00" and some.
constexpr std::size_t kLongestTime = 40;

// Python's json module writes these, JSON has no such numbers. Only outside of strings.
std::string without_bare_nan(std::string_view text) {
  std::string result;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size();) {
    const std::string_view rest = text.substr(i);
    if (in_string && rest.front() == '\\' && rest.size() > 1) {
      result += rest.substr(0, 2);
      i += 2;
      continue;
    }
    if (rest.front() == '"') in_string = !in_string;
    std::size_t length = 0;
    if (!in_string) {
      for (const std::string_view word : {"NaN", "-Infinity", "Infinity"}) {
        if (rest.starts_with(word)) length = word.size();
      }
    }
    result += length > 0 ? std::string_view("null") : rest.substr(0, 1);
    i += length > 0 ? length : 1;
  }
  return result;
}

base::Result<json::object> parse_object(std::string_view line) {
  const std::string text = base::to_utf8(line);
  auto value = base::parse_json(text);
  if (!value) value = base::parse_json(without_bare_nan(text));
  if (!value) return fail(ErrorCode::kBadRequest, "not JSON");
  if (!value->is_object()) return fail(ErrorCode::kBadRequest, "not a JSON object");
  return std::move(value->as_object());
}

json::object object_or_empty(const json::object& from, std::string_view key) {
  const json::value* value = from.if_contains(key);
  return value != nullptr && value->is_object() ? value->as_object() : json::object{};
}

// Unix seconds or a text that looks like ISO 8601; anything else is as good as absent.
std::string time_of(const json::object& from) {
  if (const auto seconds = base::maybe_double(from, "time");
      seconds && *seconds > 0 && *seconds < 1e11) {
    return base::iso8601(base::from_ms(static_cast<std::int64_t>(*seconds * 1000)));
  }
  const std::string text = base::string_or(from, "time");
  const bool plausible = text.size() >= 19 && text.size() <= kLongestTime && text[4] == '-' &&
                         text[10] == 'T' &&
                         text.find_first_not_of("0123456789-:.TZ+") == std::string::npos;
  return plausible ? text : std::string();
}

std::string level_of(const json::object& from) {
  const std::string level = base::lower(base::string_or(from, "level", "info"));
  if (level.starts_with("warn")) return "WARNING";
  if (level == "error" || level == "critical" || level == "fatal") return "ERROR";
  return "INFO";
}

base::Status read_fields(const json::object& from, TaskEvent* event) {
  const auto refuse = [](const char* why) { return fail(ErrorCode::kBadRequest, why); };
  const std::string name = base::string_or(from, "event");
  if (name == "progress") {
    const auto value = base::maybe_double(from, "value");
    if (!value || !std::isfinite(*value)) return refuse("progress without a number as \"value\"");
    event->kind = TaskEvent::Kind::kProgress;
    event->value = std::clamp(*value, 0.0, 1.0);
    event->current_epoch = base::maybe_int(from, "current_epoch");
    event->total_epochs = base::maybe_int(from, "total_epochs");
    event->done = base::maybe_int(from, "done");
    event->total = base::maybe_int(from, "total");
  } else if (name == "metrics" || name == "result") {
    const json::value* data = from.if_contains("data");
    if (data == nullptr || !data->is_object())
      return refuse("metrics or result without an object as \"data\"");
    event->kind = name == "metrics" ? TaskEvent::Kind::kMetrics : TaskEvent::Kind::kResult;
    event->data = data->as_object();
  } else if (name == "checkpoint") {
    event->kind = TaskEvent::Kind::kCheckpoint;
    event->path = base::string_or(from, "path");
    if (event->path.empty()) return refuse("checkpoint without a \"path\"");
  } else if (name == "log") {
    event->kind = TaskEvent::Kind::kLog;
    event->level = level_of(from);
    event->data = object_or_empty(from, "metrics");
  } else if (name == "failure") {
    event->kind = TaskEvent::Kind::kFailure;
    event->code = base::string_or(from, "code");
    event->file = base::string_or(from, "file");
  } else {
    return refuse(name.empty() ? "no \"event\" in it" : "an unknown \"event\"");
  }
  return {};
}

std::string metrics_message(const TaskEvent& event) {
  std::string text;
  for (const auto& [name, value] : event.data) {
    if (!text.empty()) text += ", ";
    text += std::string(name) + "=" + base::to_text(value);
  }
  return event.stage.empty() ? text : event.stage + ": " + text;
}

}  // namespace

base::Result<TaskEvent> parse_event(std::string_view line, int attempt) {
  auto object = parse_object(line);
  if (!object) return fail(object.error());
  TaskEvent event;
  event.attempt = attempt;
  event.time = time_of(*object);
  event.stage = base::string_or(*object, "stage");
  event.message = base::string_or(*object, "message");
  event.step = base::maybe_int(*object, "step");
  if (auto read = read_fields(*object, &event); !read) return fail(read.error());
  return event;
}

std::optional<json::object> to_record(const TaskEvent& event, std::string_view now) {
  std::string message = event.message;
  switch (event.kind) {
    case TaskEvent::Kind::kProgress:
    case TaskEvent::Kind::kResult:
    case TaskEvent::Kind::kFailure:
      return std::nullopt;
    case TaskEvent::Kind::kMetrics:
      if (message.empty()) message = metrics_message(event);
      break;
    case TaskEvent::Kind::kCheckpoint:
      if (message.empty()) message = "Checkpoint: " + event.path;
      break;
    case TaskEvent::Kind::kLog:
      break;
  }
  json::object record{
      {"timestamp", event.time.empty() ? now : std::string_view(event.time)},
      {"level", event.level.empty() ? std::string_view("INFO") : std::string_view(event.level)},
      {"message", message}};
  if (!event.data.empty()) record["metrics"] = event.data;
  if (event.step) record["step"] = *event.step;
  if (!event.stage.empty()) record["stage"] = event.stage;
  return record;
}

}  // namespace berth::supervise
