// SPDX-License-Identifier: Apache-2.0
// The resource objects that several routes show.
#pragma once

#include "api/service.h"
#include "api/texts.h"

namespace berth::api {

/// {device: {training, inference, command}} of every device of the machine.
base::json::object device_usage(const core::State& state);
/// {device: [{id, type}]}.
base::json::object active_tasks(const Service& service);
/// {device: {training, inference}}.
base::json::object limits(const core::State& state);
/// The object of /api/v2/resources/gpu.
base::json::object gpu_object(Service& service, Language language);

}  // namespace berth::api
