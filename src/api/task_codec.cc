// SPDX-License-Identifier: Apache-2.0
#include "api/task_codec.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "api/schema.h"
#include "model/task_type.h"

namespace berth::api {

namespace {

using base::json::array;
using base::json::object;
using base::json::value;

// The fields of TrainingMetrics: those not reported are null.
constexpr std::array<std::string_view, 20> kMetrics{
    "epoch",        "total_epochs", "train_loss",      "train_acc",     "val_loss",
    "val_acc",      "macro_f1",     "micro_f1",        "mAP",           "top1_acc",
    "top3_acc",     "top5_acc",     "macro_precision", "macro_recall",  "micro_precision",
    "micro_recall", "precision",    "recall",          "learning_rate", "best_acc"};

value metrics(const model::TaskRecord& record) {
  if (record.latest_metrics.empty()) return nullptr;
  object result;
  if (record.type == "training") {
    for (const auto name : kMetrics) result[name] = nullptr;
  }
  for (const auto& entry : record.latest_metrics) result[entry.key()] = entry.value();
  return result;
}

double seconds(base::Duration time) { return static_cast<double>(time.count()) / 1000; }

value seconds_or_null(const std::optional<base::Duration>& time) {
  return time ? value(seconds(*time)) : value(nullptr);
}

value text_or_null(const std::string& text) { return text.empty() ? value(nullptr) : value(text); }

std::int64_t percent(const model::TaskRecord& record) {
  return static_cast<std::int64_t>(std::floor(record.progress * 100 + 1e-9));
}

value placement(const model::TaskRecord& record) {
  if (!record.placement) return nullptr;
  array devices;
  for (const auto& share : record.placement->shares) {
    devices.push_back(object{{"device", share.name},
                             {"uuid", share.device.value},
                             {"reserved_gb", to_gb(share.reserved)},
                             {"used_gb", nullptr},  // of a live task: LiveResponses
                             {"over_reserved", false}});
  }
  return object{{"devices", std::move(devices)}, {"rule", model::to_text(record.placement->rule)}};
}

value after(const model::TaskRecord& record, bool any) {
  array ids;
  for (const auto& dependency : record.request.after) {
    if (dependency.any == any) ids.push_back(value(dependency.task.value));
  }
  return ids;
}

value retry(const model::Retry& retry) {
  if (retry.max == 0) return nullptr;
  array on;
  for (const auto kind : retry.on) on.emplace_back(model::to_text(kind));
  return object{{"max", retry.max},
                {"backoff_s", seconds(retry.backoff)},
                {"on", std::move(on)},
                {"more_memory", 1 + retry.more_memory_percent / 100.0}};
}

value array_place(const model::Request& request) {
  if (!request.array) return nullptr;
  const auto& place = *request.array;
  return object{{"id", place.array},
                {"index", place.index},
                {"size", place.size},
                {"at_once", place.at_once > 0 ? value(place.at_once) : value(nullptr)}};
}

value failure(const std::optional<model::Failure>& failure, Language language) {
  if (!failure) return nullptr;
  return object{
      {"code", failure->code},
      {"message", say_reason(failure->message, language)},
      {"file", text_or_null(failure->file)},
      {"suggested_memory_gb",
       failure->suggested_memory ? value(to_gb(*failure->suggested_memory)) : value(nullptr)}};
}

}  // namespace

value time_or_null(const std::optional<base::Time>& time) {
  return time ? value(base::iso8601(*time)) : value(nullptr);
}

void add_demand(const model::Request& request, object& to) {
  to["gpus"] = request.gpus;
  to["memory_gb"] = request.memory ? value(to_gb(*request.memory)) : value(nullptr);
  to["memory_fraction"] =
      request.memory_percent > 0 ? value(request.memory_percent / 100.0) : value(nullptr);
  to["gpu_type"] = text_or_null(request.gpu_type);
  to["exclusive"] = request.exclusive;
}

double to_gb(base::Bytes bytes) { return std::round(bytes.gib() * 100) / 100; }

object task_response(const model::TaskRecord& record, Language language) {
  array command;
  for (const auto& word : record.argv) command.push_back(value(word));
  const bool final = model::is_final(record.state);
  object response{
      {"task_id", record.id().value},
      {"task_type", record.type},
      {"status", model::to_text(record.state)},
      {"message", status_message(record, language)},
      {"progress", percent(record)},
      {"device", record.device},
      {"priority", record.request.priority},
      {"created_at", base::iso8601(record.created)},
      {"updated_at", base::iso8601(record.updated)},
      {"current_epoch", base::or_null(record.current_epoch)},
      {"total_epochs", base::or_null(record.total_epochs)},
      {"items_done", base::or_null(record.items_done)},
      {"items_total", base::or_null(record.items_total)},
      {"latest_metrics", metrics(record)},
      {"name", text_or_null(record.name)},
      {"description", text_or_null(record.description)},
      {"kind", model::to_text(record.request.kind)},
      {"device_requested", record.request.selector.text},
      {"policy", model::to_text(record.request.policy)},
      {"cancelling", record.cancelling && !final},
      {"attempt", record.attempt},
      {"retries", record.retries},
      {"not_before", time_or_null(record.not_before)},
      {"held", record.held},
      {"retry", retry(record.request.retry)},
      {"after", after(record, false)},
      {"after_any", after(record, true)},
      {"cpu_after_s", seconds_or_null(record.request.cpu_after)},
      {"timeout_s", seconds_or_null(record.request.time_limit)},
      {"pool", text_or_null(record.request.pool)},
      {"array", array_place(record.request)},
      {"user", text_or_null(record.request.user)},
      {"waiting_for", nullptr},  // these two are known where the live task is: api/tasks.cc
      {"enforcement", nullptr},
      {"started_at", time_or_null(record.started)},
      {"finished_at", time_or_null(record.finished)},
      {"exit_code", final && record.exit ? base::or_null(record.exit->exit_code) : value(nullptr)},
      {"signal", final && record.exit ? base::or_null(record.exit->signal) : value(nullptr)},
      {"cause", final && record.exit ? text_or_null(record.exit->cause) : value(nullptr)},
      {"error", failure(record.failure, language)},
      {"last_error", failure(record.last_failure, language)},
      {"fallback", text_or_null(record.fallback)},
      {"placement", placement(record)},
      {"usage", record.usage ? value(model::to_json(*record.usage)) : value(nullptr)},
      {"command", record.request.builtin ? value(nullptr) : value(std::move(command))},
      {"cwd", text_or_null(record.cwd)},
      {"save_path", text_or_null(record.save_path)},
      {"parameters", record.parameters.empty() ? value(nullptr) : value(record.parameters)},
      {"result", record.result.empty() ? value(nullptr) : value(record.result)},
      {"result_path", nullptr}};
  add_demand(record.request, response);
  if (const auto* path = record.result.if_contains("result_path")) response["result_path"] = *path;
  return response;
}

object preprocessing_response(const model::TaskRecord& record, Language language) {
  const auto path = [&](const char* name) {
    return text_or_null(base::string_or(record.parameters, name));
  };
  const bool signal = model::is_signal(record.type);
  const char* input = signal                                    ? "source_path"
                      : record.type == model::kDataAugmentation ? "dataset_path"
                                                                : "input_path";
  const bool done = record.state == model::TaskState::kCompleted && !record.result.empty();
  return object{{"task_id", record.id().value},
                {"task_type", record.type},
                {"status", model::to_text(record.state)},
                {"message", status_message(record, language)},
                {"progress", percent(record)},
                {"input_path", path(input)},
                {"output_path", path(signal ? "save_path" : "output_path")},
                {"stats", done ? value(record.result) : value(nullptr)},
                {"created_at", base::iso8601(record.created)},
                {"updated_at", base::iso8601(record.updated)},
                {"started_at", time_or_null(record.started)},
                {"finished_at", time_or_null(record.finished)},
                {"priority", record.request.priority},
                {"cancelling", record.cancelling && !model::is_final(record.state)},
                {"error", failure(record.failure, language)},
                {"parameters", record.parameters}};
}

void read_common(Fields& fields, const CommonFields& defaults, model::TaskRecord& record) {
  const std::string id = fields.nullable_string("task_id");
  const bool bad_id =
      id == "." || id == ".." || id.size() > 128 || std::any_of(id.begin(), id.end(), [](char c) {
        return c == '/' || static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
      });
  if (bad_id) {
    fields.refuse("value_error", "task_id",
                  "A task id has at most 128 bytes, no slash and no control characters");
  }
  record.request.id = model::TaskId(id);
  const std::string device = fields.string_or("device", defaults.default_device);
  auto selector = model::parse_selector(device.empty() ? defaults.default_device : device);
  if (selector) {
    record.request.selector = std::move(*selector);
  } else {
    fields.refuse("value_error", "device", selector.error().message);
  }
  record.request.priority =
      static_cast<int>(fields.integer_or("priority", defaults.default_priority, 1, 10));
  record.request.policy = defaults.default_policy;
  const std::string policy = fields.nullable_string("policy");
  if (!policy.empty()) {
    const auto known = model::policy_from_text(policy);
    if (known) {
      record.request.policy = *known;
    } else {
      fields.refuse(
          "enum", "policy",
          "Input should be 'balanced', 'most_free', 'least_loaded', 'pack', 'spread' or 'fastest'");
    }
  }
  record.name = fields.nullable_string("name");
  record.description = fields.nullable_string("description");
  record.device = record.request.selector.text;
}

}  // namespace berth::api
