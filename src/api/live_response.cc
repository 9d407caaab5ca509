// SPDX-License-Identifier: Apache-2.0
#include "api/live_response.h"

#include "api/routes.h"
#include "api/task_codec.h"
#include "core/explain.h"
#include "core/memory.h"

namespace berth::api {

using base::json::object;
using base::json::value;

namespace {

// Into placement.devices, which has the order of the record's shares.
void add_held_memory(const core::State& state, const model::TaskRecord& record, object& response) {
  value* placement = response.if_contains("placement");
  if (placement == nullptr || !placement->is_object()) return;
  auto devices = placement->as_object().at("devices").as_array().begin();
  for (const auto& share : record.placement->shares) {
    const auto device = state.devices.find(share.device);
    if (device != state.devices.end()) {
      for (auto& [name, what] : held_memory(device->second, record.id(), share.reserved))
        devices->as_object()[name] = std::move(what);
    }
    ++devices;
  }
}

}  // namespace

object held_memory(const core::DeviceEntry& device, const model::TaskId& task,
                   base::Bytes reserved) {
  if (device.reading) {
    const auto used = device.reading->used_by_task.find(task);
    if (used != device.reading->used_by_task.end()) {
      return {{"used_gb", to_gb(used->second)},
              {"over_reserved", core::exceeds(used->second, reserved)}};
    }
  }
  return {{"used_gb", nullptr}, {"over_reserved", false}};
}

object LiveResponses::operator()(const model::TaskRecord& record, Language language) {
  object response = task_response(record, language);
  const auto enforcement = service_.enforcement(record.id());
  response["enforcement"] = enforcement ? value(model::to_json(*enforcement)) : value(nullptr);
  const auto reason = waiting_for(record);
  response["waiting_for"] = reason ? value(base::row(*reason).name) : value(nullptr);
  if (record.state == model::TaskState::kRunning)
    add_held_memory(service_.state(), record, response);
  return response;
}

std::optional<base::RefusalCode> LiveResponses::waiting_for(const model::TaskRecord& record) {
  const core::State& state = service_.state();
  const auto task = state.tasks.find(record.id());
  if (task == state.tasks.end()) return std::nullopt;
  if (task->second.state != model::TaskState::kQueued || task->second.parked())
    return core::main_reason(state, task->second);
  const auto [known, fresh] = reasons_.try_emplace(core::Queue::shape(state.config, task->second));
  if (fresh) known->second = core::main_reason(state, task->second);
  return known->second;
}

}  // namespace berth::api
