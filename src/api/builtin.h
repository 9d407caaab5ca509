// SPDX-License-Identifier: Apache-2.0
// What the routes of the built-in tasks share.
#pragma once

#include "api/schema.h"
#include "api/service.h"
#include "api/texts.h"
#include "http/exchange.h"

namespace berth::api {

/// A record of the given type with the fields that all built-in tasks have.
model::TaskRecord builtin_record(Fields& fields, const Service& service, model::Kind kind,
                                 int default_priority);

/// Of a task that prepares a data set (model/task_type.h): on the processor, whatever device the
/// request may name.
model::TaskRecord preprocessing_record(Fields& fields, const Service& service,
                                       std::string_view type);

/// The first error of these, or none: worker missing, then `checks` in order.
base::Status first_error(const std::vector<base::Status>& checks);

/// The body of a TrainingRequest, resp. of an InferenceRequest or BenchmarkRequest (by `type`), as
/// a record.
model::TaskRecord training_record(Fields& fields, const Service& service);
model::TaskRecord inference_record(Fields& fields, const Service& service, std::string_view type);

/// Whether the worker, the model and the paths of such a record are there.
base::Status check_training(const Service& service, const model::TaskRecord& record,
                            Language language);
base::Status check_inference(const Service& service, const model::TaskRecord& record,
                             Language language);

base::Status check_worker(const Service& service);
base::Status check_prepare_worker(const Service& service);
base::Status check_signal_worker(const Service& service);

/// A path that must be given: an empty one would be the daemon's own working directory.
std::string required_path(Fields& fields, const char* name);

/// Sets the record's save_path; `given` empty: a folder of the daemon's own choice, named after the
/// id, which the record then has.
void set_save_path(const Service& service, const std::string& given, model::TaskRecord& record);

/// check_root of the save_path, unless the daemon chose it: that is not the client's to justify.
base::Status check_save_path(const Service& service, const model::TaskRecord& record);

}  // namespace berth::api
