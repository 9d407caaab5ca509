// SPDX-License-Identifier: Apache-2.0
#include "core/filter.h"

#include <algorithm>

#include "base/text.h"

namespace berth::core {

namespace {

using base::RefusalCode;
using model::Refusal;

Refusal refuse(const DeviceEntry& device, RefusalCode code, std::string needed, std::string available) {
  return Refusal{device.device.id, device.device.name, code, std::move(needed), std::move(available),
                 base::row(code).never};
}

std::optional<Refusal> wrong_device(const State& state, const model::Request& request, const Resolved& resolved,
                                    const DeviceEntry& device) {
  const auto& ids = resolved.devices;
  if (std::find(ids.begin(), ids.end(), device.device.id) == ids.end()) {
    if (!device.is_cpu() && request.builtin && !state.config.worker_vendors.contains(device.device.vendor)) {
      return refuse(device, RefusalCode::kWorkerWithoutCuda, "a worker built for " + device.device.name, "none");
    }
    return refuse(device, RefusalCode::kNotRequested,
                  request.selector.text.empty() ? "auto" : request.selector.text, device.device.name);
  }
  if (!request.gpu_type.empty() && !device.is_cpu() &&
      base::lower(device.device.model).find(base::lower(request.gpu_type)) == std::string::npos) {
    return refuse(device, RefusalCode::kWrongType, request.gpu_type, device.device.model);
  }
  return std::nullopt;
}

std::optional<Refusal> unhealthy(const DeviceEntry& device) {
  if (!device.present) {
    return refuse(device, RefusalCode::kUnhealthy, "a device that is there", "gone from the machine");
  }
  if (device.reading && device.reading->health != model::Health::kHealthy) {
    std::string state(model::to_text(device.reading->health));
    if (!device.reading->health_reason.empty()) state += ": " + device.reading->health_reason;
    return refuse(device, RefusalCode::kUnhealthy, "a healthy device", std::move(state));
  }
  return std::nullopt;
}

std::optional<Refusal> occupied(const model::Request& request, const Need& wanted, const DeviceEntry& device) {
  const int limit = device.limits.of(request.kind);
  const int running = device.running_of(request.kind);
  const std::string kind(model::to_text(request.kind));
  if (limit == 0) return refuse(device, RefusalCode::kLimitZero, "a slot for " + kind, "the limit is 0");
  if (running >= limit) {
    return refuse(device, RefusalCode::kKindLimit, "a slot for " + kind,
                  std::to_string(running) + " of " + std::to_string(limit) + " in use");
  }
  if (device.exclusive) {
    return refuse(device, RefusalCode::kExclusive, "a shared device",
                  "task " + device.exclusive->value + " has it to itself");
  }
  if (wanted.whole && !device.reservations.empty()) {
    return refuse(device, RefusalCode::kBusy, "the device to itself",
                  std::to_string(device.reservations.size()) + " running there");
  }
  if (device.is_cpu() && request.kind == Kind::kCommand && running >= std::max(1, device.device.cores)) {
    return refuse(device, RefusalCode::kCores, "a core",
                  std::to_string(running) + " of " + std::to_string(device.device.cores) + " in use");
  }
  return std::nullopt;
}

Verdict fit_memory(const Need& wanted, const DeviceEntry& device) {
  if (wanted.bytes.value == 0) return Fit{Bytes{}, wanted.whole, wanted.rule};
  if (!device.is_cpu() && !device.reading) {
    return refuse(device, RefusalCode::kMemoryUnknown, base::to_text(wanted.bytes), "no reading yet");
  }
  const auto free = effective_free(device);
  if (!free) {
    if (device.reservations.empty()) return Fit{wanted.bytes, true, wanted.rule};
    return refuse(device, RefusalCode::kMemoryUnknown, base::to_text(wanted.bytes), "the driver does not say");
  }
  if (wanted.whole && wanted.rule != model::ReservationRule::kRequested) {
    const Bytes least{wanted.bytes.value / 100 * kWholeDevicePercent};
    if (*free < least) {
      return refuse(device, RefusalCode::kMemory, base::to_text(wanted.bytes) + " (the whole device)",
                    base::to_text(*free));
    }
    return Fit{std::min(*free, wanted.bytes), true, wanted.rule};
  }
  if (*free < wanted.bytes) {
    return refuse(device, RefusalCode::kMemory, base::to_text(wanted.bytes), base::to_text(*free));
  }
  return Fit{wanted.bytes, wanted.whole, wanted.rule};
}

}  // namespace

Verdict filter(const State& state, const model::Request& request, const Resolved& resolved,
               const DeviceEntry& device) {
  if (auto refusal = wrong_device(state, request, resolved, device)) return *refusal;
  const auto wanted = need(state, request, device);
  if (!wanted) {
    return refuse(device, RefusalCode::kTooSmall, base::to_text(request.memory.value_or(Bytes{})),
                  base::to_text(usable_memory(device).value_or(Bytes{})));
  }
  if (auto refusal = unhealthy(device)) return *refusal;
  if (auto refusal = occupied(request, *wanted, device)) return *refusal;
  return fit_memory(*wanted, device);
}

}  // namespace berth::core
