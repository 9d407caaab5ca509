// SPDX-License-Identifier: Apache-2.0
#include "api/builtin.h"

#include <algorithm>

#include "api/paths.h"
#include "api/task_codec.h"
#include "api/task_request.h"
#include "base/id.h"
#include "base/text.h"

namespace berth::api {

namespace {

constexpr int kRetriesAfterLoss = 2;

model::TaskRecord common_record(Fields& fields, const Service& service, model::Kind kind,
                                std::string_view type, const char* device, int default_priority) {
  model::TaskRecord record;
  record.request.kind = kind;
  record.request.builtin = true;
  record.type = std::string(type);
  read_common(fields, {device, default_priority, service.state().config.policy}, record);
  if (fields.body().contains("retry")) read_retry(fields, record.request.retry);
  return record;
}

}  // namespace

model::TaskRecord builtin_record(Fields& fields, const Service& service, model::Kind kind,
                                 int default_priority) {
  model::TaskRecord record =
      common_record(fields, service, kind, model::to_text(kind), "cuda", default_priority);
  // Whoever asked for the training has done nothing wrong when a GPU is lost under it.
  if (!fields.body().contains("retry")) {
    record.request.retry.max = kRetriesAfterLoss;
    record.request.retry.on = {model::FailureKind::kDeviceLost};
  }
  const auto parts = base::split(record.name, '/');  // becomes a directory below save_path
  const bool leaves = std::find(parts.begin(), parts.end(), "..") != parts.end();
  if (leaves || record.name.starts_with('/')) {
    fields.refuse("value_error", "name",
                  "The name becomes a directory below save_path: no \"..\", no leading slash");
  }
  return record;
}

model::TaskRecord preprocessing_record(Fields& fields, const Service& service,
                                       std::string_view type) {
  constexpr const char* kProcessor = "cpu";
  model::TaskRecord record =
      common_record(fields, service, model::Kind::kCommand, type, kProcessor, 5);
  record.request.selector = *model::parse_selector(kProcessor);
  record.request.memory_by_history = false;
  record.device = kProcessor;
  return record;
}

base::Status first_error(const std::vector<base::Status>& checks) {
  for (const auto& status : checks) {
    if (!status) return status;
  }
  return {};
}

base::Status check_worker(const Service& service) {
  if (service.worker().installed) return {};
  return base::fail(
      base::ErrorCode::kUnavailable,
      "The built-in tasks are not installed: berth-worker-vision is not beside berthd");
}

base::Status check_prepare_worker(const Service& service) {
  if (service.worker().prepare) return {};
  return base::fail(base::ErrorCode::kUnavailable,
                    "Preprocessing is not installed: berth-worker-prepare is not beside berthd");
}

base::Status check_signal_worker(const Service& service) {
  if (service.worker().signal) return {};
  return base::fail(base::ErrorCode::kUnavailable,
                    "Work on signals is not installed: berth-worker-signal is not beside berthd");
}

std::string required_path(Fields& fields, const char* name) {
  std::string text = fields.string(name);
  if (fields.valid() && text.empty())
    fields.refuse("string_too_short", name, "String should have at least 1 character",
                  {{"min_length", 1}});
  return text;
}

void set_save_path(const Service& service, const std::string& given, model::TaskRecord& record) {
  if (record.request.id.empty()) record.request.id = model::TaskId(base::random_uuid());
  record.save_path = absolute_path(given.empty() ? service.default_save_path(record.id()) : given);
}

base::Status check_save_path(const Service& service, const model::TaskRecord& record) {
  if (record.save_path == absolute_path(service.default_save_path(record.id()))) return {};
  return check_root(service, record.save_path);
}

}  // namespace berth::api
