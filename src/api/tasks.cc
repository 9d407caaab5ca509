// SPDX-License-Identifier: Apache-2.0
// /api/v2/tasks: any command as a task, the list, one task, cancel, remove.
#include <algorithm>
#include <array>
#include <cmath>

#include "api/routes.h"
#include "api/schema.h"
#include "api/task_codec.h"
#include "api/texts.h"

namespace berth::api {

namespace {

using base::json::array;
using base::json::object;
using base::json::value;

// At most this much memory can be asked for; above it the request is a mistake (GiB).
constexpr double kMostMemoryGb = 1 << 20;
constexpr double kMostSeconds = 1e9;
constexpr std::int64_t kMostRetries = 1000;
constexpr double kLongestPause = 3600;

constexpr std::array kCommandFields{
    "command",   "kind",   "device",        "gpus",      "memory_gb",       "gpu_type",
    "exclusive", "policy", "priority",      "name",      "task_id",         "description",
    "env",       "cwd",    "retry",         "timeout_s", "after",           "after_any",
    "hold",      "pool",   "group_by_kind", "fallback",  "memory_fraction", "memory_strategy"};

// This route is ours alone: a misspelt field is better refused than ignored.
void refuse_unknown(Fields& fields) {
  for (const auto& entry : fields.body()) {
    const std::string name(entry.key());
    if (std::find(kCommandFields.begin(), kCommandFields.end(), name) == kCommandFields.end())
      fields.refuse("extra_forbidden", name, "There is no such field");
  }
}

// `retry`: a number of times, or {max, backoff_s, on: [...], more_memory}.
void read_retry(Fields& fields, model::Retry& retry) {
  const value* given = fields.body().if_contains("retry");
  if (given == nullptr || given->is_null()) return;
  if (!given->is_object()) {
    retry.max = static_cast<int>(fields.integer_or("retry", 0, 0, kMostRetries));
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
  retry.max = static_cast<int>(parts.integer("max", 0, kMostRetries));
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

// `fallback`: "cpu" (at once when no GPU is free), or {to: "cpu", after_s}.
void read_fallback(Fields& fields, model::Request& request) {
  const value* given = fields.body().if_contains("fallback");
  if (given == nullptr || given->is_null()) return;
  if (!given->is_object()) {
    if (fields.string_or("fallback", "") != "cpu") {
      fields.refuse("enum", "fallback", "Input should be 'cpu', or {to: 'cpu', after_s: seconds}");
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
  request.pool = fields.nullable_string("pool");
  request.group_by_kind = fields.boolean_or("group_by_kind", false);
}

void read_command(Fields& fields, model::TaskRecord& record) {
  refuse_unknown(fields);
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
  read_common(fields, {"auto", 5}, record);
  record.request.gpus = static_cast<int>(fields.integer_or("gpus", 1, 1, 1024));
  if (const auto memory = fields.maybe_positive("memory_gb", kMostMemoryGb)) {
    record.request.memory = std::max(base::Bytes{1}, base::Bytes::from_gib(*memory));
  }
  record.request.gpu_type = fields.nullable_string("gpu_type");
  record.request.exclusive = fields.boolean_or("exclusive", false);
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
    record.timeout = std::max(base::Duration{1}, base::Duration{std::llround(*timeout * 1000)});
  }
  read_queueing(fields, record.request);
  // Promised, not there yet: better refused than ignored.
  for (const char* name : {"memory_fraction", "memory_strategy"}) {
    const value* given = fields.body().if_contains(name);
    const bool nothing = given == nullptr || given->is_null() ||
                         (given->is_array() && given->as_array().empty()) ||
                         (given->is_int64() && given->as_int64() == 0);
    if (!nothing)
      fields.refuse("value_error", name,
                    "This version of Berth cannot do this yet: leave the field out");
  }
}

void create(Service& service, const http::Request& request, http::Exchange exchange) {
  Fields fields(request.body);
  model::TaskRecord record;
  if (fields.valid()) read_command(fields, record);
  if (!fields.valid()) return exchange.respond(fields.refusal());
  submit_task(service, request, std::move(exchange), std::move(record));
}

struct ListQuery {
  std::string status;
  std::string task_type;
  std::string kind;
  std::size_t limit = 100;
  std::size_t offset = 0;
};

bool matches(const model::TaskRecord& record, const ListQuery& query) {
  if (query.status == "live") {
    if (model::is_final(record.state)) return false;
  } else if (!query.status.empty() && model::to_text(record.state) != query.status) {
    return false;
  }
  return query.kind.empty() || model::to_text(record.request.kind) == query.kind;
}

// The originals' two lists are in order of creation, `limit` each; `tasks` has every kind, newest
// first.
object list(const Service& service, const ListQuery& query, const http::Request& request) {
  array training;
  array inference;
  array tasks;
  std::size_t total = 0;
  for (const auto& [sequence, record] : service.records()) {
    if (!matches(*record, query)) continue;
    ++total;
    // As in the originals, another word than these two selects nothing and drops nothing.
    const bool selective = query.task_type == "training" || query.task_type == "inference";
    const bool wanted = !selective || query.task_type == record->type;
    if (record->type == "training" && wanted && training.size() < query.limit) {
      training.push_back(task_response(*record, language_of(request, record->type)));
    } else if (record->type == "inference" && wanted && inference.size() < query.limit) {
      inference.push_back(task_response(*record, language_of(request, record->type)));
    }
  }
  std::size_t skip = query.offset;
  const auto& records = service.records();
  for (auto entry = records.rbegin(); entry != records.rend() && tasks.size() < query.limit;
       ++entry) {
    if (!matches(*entry->second, query)) continue;
    if (skip > 0) {
      --skip;
      continue;
    }
    tasks.push_back(task_response(*entry->second, language_of(request, entry->second->type)));
  }
  object result;
  result["total_training"] = training.size();
  result["total_inference"] = inference.size();
  result["training_tasks"] = std::move(training);
  result["inference_tasks"] = std::move(inference);
  result["tasks"] = std::move(tasks);
  result["total"] = total;
  return result;
}

void remove(Service& service, const http::Request& request, http::Exchange exchange) {
  const auto task = find_task(service, request, exchange, language_of(request));
  if (task == nullptr) return;
  const Language language = language_of(request, task->type);
  if (!model::is_final(task->state)) {
    const auto why = task->cancelling ? Phrase::kStillEnding : Phrase::kCannotRemove;
    return exchange.fail(409, phrase(why, language, task->id().value));
  }
  auto held = std::make_shared<http::Exchange>(std::move(exchange));
  service.remove(task->id(), [held, language, id = task->id()](const base::Status& status) {
    if (!status) return held->fail(status.error());
    held->respond(json_response(object{{"status", "success"},
                                       {"message", phrase(Phrase::kTaskRemoved, language)},
                                       {"task_id", id.value}}));
  });
}

// POST .../hold and .../release.
void hold(Service& service, const http::Request& request, http::Exchange exchange, bool on) {
  const auto task = find_task(service, request, exchange, own_language(request));
  if (task == nullptr) return;
  auto held = std::make_shared<http::Exchange>(std::move(exchange));
  const std::string message(
      say(on ? "The task is on hold" : "The task is released", own_language(request)));
  service.set_hold(task->id(), on, [held, message, id = task->id()](const base::Status& status) {
    if (!status) return held->fail(status.error());
    held->respond(
        json_response(object{{"status", "success"}, {"message", message}, {"task_id", id.value}}));
  });
}

}  // namespace

void submit_task(Service& service, const http::Request& request, http::Exchange exchange,
                 model::TaskRecord record) {
  const Language language = language_of(request, record.type);
  auto held = std::make_shared<http::Exchange>(std::move(exchange));
  service.submit(std::move(record), [held, language](auto task) {
    if (!task) return held->fail(task.error());
    held->respond(json_response(task_response(**task, language)));
  });
}

void cancel_task(Service& service, const http::Request& request, http::Exchange exchange,
                 const std::shared_ptr<const model::TaskRecord>& task) {
  const Language language = language_of(request, task->type);
  if (model::is_final(task->state)) {
    return exchange.fail(409, phrase(Phrase::kCannotCancel, language, task->id().value));
  }
  const bool stop = request.path.ends_with("/stop");
  auto held = std::make_shared<http::Exchange>(std::move(exchange));
  service.cancel(task->id(), [held, language, stop, id = task->id()](const base::Status& status) {
    if (!status) return held->fail(status.error());
    const auto text = phrase(stop ? Phrase::kTrainingStopped : Phrase::kTaskCancelled, language);
    held->respond(
        json_response(object{{"status", "success"}, {"message", text}, {"task_id", id.value}}));
  });
}

void add_task_routes(http::Router& router, Service& service) {
  router.add(
      "POST", "/api/v2/tasks",
      [&service](const http::Request& request, http::Exchange exchange) {
        create(service, request, std::move(exchange));
      },
      http::Access::kToken);
  router.add(
      "GET", "/api/v2/tasks", [&service](const http::Request& request, http::Exchange exchange) {
        Query numbers(request);
        const auto limit = numbers.integer("limit", 100, 0, 100'000);
        const auto offset = numbers.integer("offset", 0, 0, 1'000'000'000);
        if (!numbers.valid()) return exchange.respond(numbers.refusal());
        const ListQuery query{std::string(request.query.get("status")),
                              std::string(request.query.get("task_type")),
                              std::string(request.query.get("kind")),
                              static_cast<std::size_t>(limit), static_cast<std::size_t>(offset)};
        exchange.respond(json_response(list(service, query, request)));
      });
  router.add(
      "GET", "/api/v2/tasks/{task_id}",
      [&service](const http::Request& request, http::Exchange exchange) {
        const auto task = find_task(service, request, exchange, language_of(request));
        if (task != nullptr)
          exchange.respond(json_response(task_response(*task, language_of(request, task->type))));
      });
  router.add("POST", "/api/v2/tasks/{task_id}/cancel",
             [&service](const http::Request& request, http::Exchange exchange) {
               const auto task = find_task(service, request, exchange, language_of(request));
               if (task != nullptr) cancel_task(service, request, std::move(exchange), task);
             });
  for (const bool on : {true, false}) {
    router.add("POST", on ? "/api/v2/tasks/{task_id}/hold" : "/api/v2/tasks/{task_id}/release",
               [&service, on](const http::Request& request, http::Exchange exchange) {
                 hold(service, request, std::move(exchange), on);
               });
  }
  router.add("DELETE", "/api/v2/tasks/{task_id}",
             [&service](const http::Request& request, http::Exchange exchange) {
               remove(service, request, std::move(exchange));
             });
}

}  // namespace berth::api
