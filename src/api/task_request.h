// SPDX-License-Identifier: Apache-2.0
// The body of POST /api/v2/tasks. Violations are collected in `fields`.
#pragma once

#include <string_view>

#include "api/schema.h"
#include "core/state.h"
#include "model/record.h"

namespace berth::api {

/// The memory_strategy that goes by history, and by what is known of a built-in task before there
/// is any.
inline constexpr std::string_view kDynamicMemory = "dynamic";

/// A command; what it does not say is as `config` has it.
void read_command(Fields& fields, const core::Config& config, model::TaskRecord& record);

/// Which devices and how much of them: gpus, memory_gb, memory_fraction, memory_strategy, gpu_type,
/// exclusive, pool.
void read_devices(Fields& fields, model::Request& request);

/// `retry`: a number of times, or {max, backoff_s, on: [...], more_memory}.
void read_retry(Fields& fields, model::Retry& retry);

}  // namespace berth::api
