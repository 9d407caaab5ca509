// SPDX-License-Identifier: Apache-2.0
#include "api/builtin.h"

#include "api/task_codec.h"

namespace berth::api {

model::TaskRecord builtin_record(Fields& fields, model::Kind kind, int default_priority) {
  model::TaskRecord record;
  record.request.kind = kind;
  record.request.builtin = true;
  record.type = std::string(model::to_text(kind));
  read_common(fields, {"cuda", default_priority}, record);
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

}  // namespace berth::api
