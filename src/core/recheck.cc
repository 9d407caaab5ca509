// SPDX-License-Identifier: Apache-2.0
#include "core/recheck.h"

#include "core/memory.h"
#include "core/words.h"

namespace berth::core {

namespace {

using base::Phrase;
using base::RefusalCode;

std::optional<model::Refusal> refuse(const model::Share& share, RefusalCode code, Phrase needed,
                                     Phrase available) {
  return model::Refusal{share.device,      share.name,           code,
                        std::move(needed), std::move(available), false};
}

std::optional<model::Refusal> recheck_share(const State& state, const TaskId& id,
                                            model::ReservationRule rule,
                                            const model::Share& share) {
  const auto found = state.devices.find(share.device);
  if (found == state.devices.end() || !found->second.present) {
    return refuse(share, RefusalCode::kUnhealthy, Phrase(words::kDeviceThatIsThere),
                  Phrase(words::kGone));
  }
  DeviceEntry device = found->second;
  if (device.is_cpu()) return std::nullopt;
  if (!device.reading) {
    return refuse(share, RefusalCode::kMemoryUnknown, Phrase(words::kHealthyDevice),
                  Phrase(words::kNoReading));
  }
  if (device.reading->health != model::Health::kHealthy) {
    const std::string& reason = device.reading->health_reason;
    return refuse(
        share, RefusalCode::kUnhealthy, Phrase(words::kHealthyDevice),
        Phrase(reason.empty() ? std::string(model::to_text(device.reading->health)) : reason));
  }
  device.reservations.erase(id);
  const auto free = effective_free(device);
  const Bytes enough = least(rule, share.reserved);
  if (!free || *free >= enough) return std::nullopt;  // without a figure nothing has changed
  return refuse(share, RefusalCode::kMemory, {words::kAmount, {base::to_text(share.reserved)}},
                Phrase(base::to_text(*free)));
}

}  // namespace

std::optional<model::Refusal> recheck(const State& state, const TaskEntry& task) {
  for (const auto& share : task.placement->shares) {
    auto refusal = recheck_share(state, task.request.id, task.placement->rule, share);
    if (refusal) return refusal;
  }
  return std::nullopt;
}

}  // namespace berth::core
