// SPDX-License-Identifier: Apache-2.0
// The body of POST /api/v2/tasks. Violations are collected in `fields`.
#pragma once

#include "api/schema.h"
#include "core/state.h"
#include "model/record.h"

namespace berth::api {

/// A command; what it does not say is as `config` has it.
void read_command(Fields& fields, const core::Config& config, model::TaskRecord& record);

/// Which devices and how much of them: gpus, memory_gb, memory_fraction, memory_strategy, gpu_type,
/// exclusive, pool.
void read_devices(Fields& fields, model::Request& request);

/// `retry`: a number of times, or {max, backoff_s, on: [...], more_memory}.
void read_retry(Fields& fields, model::Retry& retry);

}  // namespace berth::api
