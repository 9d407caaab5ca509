// SPDX-License-Identifier: Apache-2.0
// TaskResponse: the fields of the originals, and ours beside them.
#pragma once

#include "api/texts.h"
#include "base/json.h"
#include "http/request.h"
#include "model/record.h"

namespace berth::api {

base::json::object task_response(const model::TaskRecord& record, Language language);

/// A PreprocessingResponse; `stats` is what the worker reported at the end.
base::json::object preprocessing_response(const model::TaskRecord& record, Language language);

/// The fields that every kind of request has: task_id, device, priority, name, description.
class Fields;
struct CommonFields {
  std::string default_device;
  int default_priority = 5;
  model::Policy default_policy = model::Policy::kBalanced;
};
/// Violations are collected in `fields`.
void read_common(Fields& fields, const CommonFields& defaults, model::TaskRecord& record);

/// ISO 8601 or null.
base::json::value time_or_null(const std::optional<base::Time>& time);

/// What of the devices a task asked for, in the fields of a request: gpus, memory_gb,
/// memory_fraction, gpu_type, exclusive.
void add_demand(const model::Request& request, base::json::object& to);

/// Two decimals, GiB.
double to_gb(base::Bytes bytes);

}  // namespace berth::api
