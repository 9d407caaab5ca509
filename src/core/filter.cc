// SPDX-License-Identifier: Apache-2.0
#include "core/filter.h"

#include <algorithm>
#include <cctype>

#include "core/occupancy.h"
#include "core/pools.h"
#include "core/words.h"

namespace berth::core {

namespace {

using base::Phrase;
using base::RefusalCode;
using model::Refusal;
using model::ReservationRule;

bool contains_any_case(std::string_view text, std::string_view part) {
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  return std::search(text.begin(), text.end(), part.begin(), part.end(),
                     [&](char a, char b) { return lower(a) == lower(b); }) != text.end();
}

// ---- the rules, each a code or nothing ----

bool wrong_type(const model::Request& request, const DeviceEntry& device) {
  return !request.gpu_type.empty() && !device.is_cpu() &&
         !contains_any_case(device.device.model, request.gpu_type);
}

// A GPU in MIG mode takes nothing, its instances do. Several of these are no use to a program,
// which can open only one at a time, so who wants several GPUs gets whole ones unless it names
// them.
std::optional<RefusalCode> divided(const model::Request& request, const DeviceEntry& device) {
  if (device.device.partitioned) return RefusalCode::kPartitioned;
  const bool named = request.selector.mode == model::Selector::Mode::kNamed;
  if (device.device.mig && request.gpus > 1 && !named) return RefusalCode::kMigInstance;
  return std::nullopt;
}

// The reason for which nothing new starts on the device, if it is drained, or its GPU with all
// instances.
const std::string* drained(const State& state, const DeviceEntry& device) {
  auto found = state.drained.find(device.device.id);
  if (found == state.drained.end() && device.device.mig)
    found = state.drained.find(device.device.mig->parent);
  return found == state.drained.end() ? nullptr : &found->second;
}

// What speaks against any task.
std::optional<RefusalCode> closed(const State& state, const DeviceEntry& device) {
  if (!device.fenced.empty()) return RefusalCode::kFenced;
  if (!is_healthy(device)) return RefusalCode::kUnhealthy;
  if (state.draining || drained(state, device) != nullptr) return RefusalCode::kDraining;
  return std::nullopt;
}

std::optional<RefusalCode> occupied(const model::Request& request, const Need& wanted,
                                    const DeviceEntry& device) {
  const int limit = device.limits.of(request.kind);
  const int running = device.running_of(request.kind);
  if (limit == 0) return RefusalCode::kLimitZero;
  if (running >= limit) return RefusalCode::kKindLimit;
  if (device.exclusive) return RefusalCode::kExclusive;
  if (wanted.whole && !device.reservations.empty()) return RefusalCode::kBusy;
  if (device.is_cpu() && request.kind == Kind::kCommand &&
      running >= std::max(1, device.device.cores)) {
    return RefusalCode::kCores;
  }
  return std::nullopt;
}

Bytes least(const Need& wanted) { return core::least(wanted.rule, wanted.bytes); }

std::variant<Fit, RefusalCode> fit_memory(const Need& wanted, const DeviceEntry& device) {
  if (!device.is_cpu() && !device.reading) return RefusalCode::kMemoryUnknown;
  if (wanted.bytes.value == 0) return Fit{Bytes{}, wanted.whole, wanted.rule};
  if (!device.reading || !device.reading->free) {
    if (device.reservations.empty()) return Fit{wanted.bytes, true, wanted.rule};
    return RefusalCode::kMemoryUnknown;
  }
  const Bytes enough = least(wanted);
  if (*device.reading->free < enough) return RefusalCode::kMemory;
  const Bytes free = *effective_free(device);
  if (free < enough) return RefusalCode::kMemory;
  return Fit{std::min(free, wanted.bytes), wanted.whole, wanted.rule};
}

std::variant<Fit, RefusalCode> judge(const State& state, const model::Request& request,
                                     const DeviceEntry& device) {
  if (const auto code = divided(request, device)) return *code;
  if (wrong_type(request, device)) return RefusalCode::kWrongType;
  if (!pools::admits(state, request, device)) return RefusalCode::kPool;
  const auto wanted = need(state, request, device);
  if (!wanted) return RefusalCode::kTooSmall;
  if (const auto code = closed(state, device)) return *code;
  if (const auto code = occupied(request, *wanted, device)) return *code;
  return fit_memory(*wanted, device);
}

// ---- the words ----

Refusal refuse(const DeviceEntry& device, RefusalCode code, Phrase needed, Phrase available) {
  return Refusal{device.device.id,  device.device.name,   code,
                 std::move(needed), std::move(available), base::row(code).never};
}

Phrase state_of(const DeviceEntry& device) {
  if (!device.present) return Phrase(words::kGone);
  const std::string_view state = model::to_text(device.reading->health);
  if (device.reading->health_reason.empty()) return Phrase(state);
  return {words::kStateAndReason, {std::string(state), device.reading->health_reason}};
}

// The pools that keep the task out, or that the device has no part in the one it names.
Phrase pools_of(const DeviceEntry& device) {
  if (device.pools.empty()) return Phrase(words::kInNoPool);
  std::string names;
  for (const auto& name : device.pools) names += (names.empty() ? "" : ", ") + name;
  return {words::kInPool, {names}};
}

Phrase why_drained(const State& state, const DeviceEntry& device) {
  const std::string* own = drained(state, device);
  const std::string reason = own != nullptr ? *own : state.draining.value_or("");
  if (reason.empty()) return Phrase(words::kDrained);
  return {words::kDrainedBecause, {reason}};
}

bool holder_is_lease(const State& state, const DeviceEntry& device) {
  const auto holder = state.tasks.find(*device.exclusive);
  return holder != state.tasks.end() && holder->second.is_lease();
}

// Who keeps a device from being had alone. A lease is named: it has no end of its own.
Phrase who_is_there(const State& state, const DeviceEntry& device) {
  const auto& there = device.reservations;
  const auto lease = std::find_if(there.begin(), there.end(), [&](const auto& entry) {
    const auto holder = state.tasks.find(entry.first);
    return holder != state.tasks.end() && holder->second.is_lease();
  });
  if (there.size() == 1) {
    return {lease != there.end() ? words::kLeaseThere : words::kTaskThere,
            {there.begin()->first.value}};
  }
  if (lease == there.end()) return {words::kRunningThere, {std::to_string(there.size())}};
  return {words::kLeaseAndMore, {lease->first.value, std::to_string(there.size() - 1)}};
}

// What a GPU in MIG mode is divided into: "cuda:0:0, cuda:0:1".
Phrase parts_of(const State& state, const DeviceEntry& gpu) {
  std::vector<const model::Device*> parts;
  for (const auto& [id, device] : state.devices) {
    if (device.present && device.device.mig && device.device.mig->parent == gpu.device.id)
      parts.push_back(&device.device);
  }
  if (parts.empty()) return Phrase(words::kNoInstances);
  std::sort(parts.begin(), parts.end(),
            [](const auto* a, const auto* b) { return model::listed_before(*a, *b); });
  std::string names;
  for (const auto* part : parts) names += (names.empty() ? "" : ", ") + part->name;
  return {words::kDividedInto, {names}};
}

Refusal describe(const State& state, const model::Request& request, const DeviceEntry& device,
                 RefusalCode code) {
  const std::string kind(model::to_text(request.kind));
  const Phrase slot{words::kSlot, {kind}};
  const auto in_use = [&](int of) {
    return Phrase{words::kInUse,
                  {std::to_string(device.running_of(request.kind)), std::to_string(of)}};
  };
  switch (code) {
    case RefusalCode::kWrongType:
      return refuse(device, code, Phrase(request.gpu_type), Phrase(device.device.model));
    case RefusalCode::kPartitioned:
      return refuse(device, code, Phrase(words::kUndivided), parts_of(state, device));
    case RefusalCode::kMigInstance:
      return refuse(device, code, Phrase(words::kWholeGpus),
                    {words::kIsInstance, {device.device.mig->profile}});
    case RefusalCode::kTooSmall:
      return refuse(device, code, Phrase(base::to_text(request.memory.value_or(Bytes{}))),
                    Phrase(base::to_text(usable_memory(device).value_or(Bytes{}))));
    case RefusalCode::kUnhealthy:
      return refuse(device, code,
                    Phrase(device.present ? words::kHealthyDevice : words::kDeviceThatIsThere),
                    state_of(device));
    case RefusalCode::kPool:
      return refuse(device, code,
                    request.pool.empty()
                        ? Phrase{words::kPoolFor, {kind, request.user.empty() ? "-" : request.user}}
                        : Phrase{words::kInPool, {request.pool}},
                    pools_of(device));
    case RefusalCode::kFenced:
      return refuse(device, code, Phrase(words::kHealthyDevice),
                    {words::kCannotBeKilled, {device.fenced.begin()->task.value}});
    case RefusalCode::kDraining:
      return refuse(device, code, Phrase(words::kOpenDevice), why_drained(state, device));
    case RefusalCode::kLimitZero:
      return refuse(device, code, slot, Phrase(words::kLimitIsZero));
    case RefusalCode::kKindLimit:
      return refuse(device, code, slot, in_use(device.limits.of(request.kind)));
    case RefusalCode::kExclusive:
      return refuse(
          device, code,
          Phrase(need(state, request, device).value_or(Need{}).whole ? words::kDeviceToItself
                                                                     : words::kSharedDevice),
          {holder_is_lease(state, device) ? words::kIsLeased : words::kHasItToItself,
           {device.exclusive->value}});
    case RefusalCode::kBusy:
      return refuse(device, code, Phrase(words::kDeviceToItself), who_is_there(state, device));
    case RefusalCode::kCores:
      return refuse(device, code, Phrase(words::kCore), in_use(device.device.cores));
    default:
      break;
  }
  const Need wanted = need(state, request, device).value_or(Need{});
  const bool all_of_it =
      wanted.rule == ReservationRule::kWholeDevice || wanted.rule == ReservationRule::kNominal;
  const Phrase needed{all_of_it ? words::kWholeDevice : words::kAmount,
                      {base::to_text(wanted.bytes)}};
  if (code == RefusalCode::kMemoryUnknown) {
    return refuse(device, code, needed,
                  Phrase(device.reading ? words::kDriverIsSilent : words::kNoReading));
  }
  return refuse(device, code, needed,
                Phrase(base::to_text(effective_free(device).value_or(Bytes{}))));
}

std::optional<Refusal> not_meant(const State& state, const model::Request& request,
                                 const Resolved& resolved, const DeviceEntry& device) {
  // All that are there of some vendors need not be searched, device by device, for each of them.
  if (device.present && (resolved.vendors & bit(device.device.vendor)) != 0) return std::nullopt;
  const auto& devices = resolved.devices;
  if (std::find(devices.begin(), devices.end(), &device) != devices.end()) return std::nullopt;
  const bool for_gpus = request.selector.mode != model::Selector::Mode::kCpu;
  if (for_gpus && !device.is_cpu() && request.builtin &&
      !state.config.worker_vendors.contains(device.device.vendor)) {
    return refuse(device, RefusalCode::kWorkerWithoutCuda,
                  {words::kWorkerFor, {device.device.name}}, Phrase(words::kNone));
  }
  return refuse(device, RefusalCode::kNotRequested,
                Phrase(request.selector.text.empty() ? "auto" : request.selector.text),
                Phrase(device.device.name));
}

}  // namespace

Verdict filter(const State& state, const model::Request& request, const Resolved& resolved,
               const DeviceEntry& device) {
  if (auto refusal = not_meant(state, request, resolved, device)) return *refusal;
  const auto verdict = judge(state, request, device);
  if (const auto* fits = std::get_if<Fit>(&verdict)) return *fits;
  return describe(state, request, device, std::get<RefusalCode>(verdict));
}

std::optional<Fit> fit(const State& state, const model::Request& request,
                       const DeviceEntry& device) {
  const auto verdict = judge(state, request, device);
  const auto* fits = std::get_if<Fit>(&verdict);
  return fits == nullptr ? std::nullopt : std::optional<Fit>(*fits);
}

bool fits_idle(const State& state, const model::Request& request, const DeviceEntry& device) {
  if (divided(request, device) || wrong_type(request, device) ||
      !pools::admits(state, request, device) || closed(state, device) ||
      device.limits.of(request.kind) == 0) {
    return false;
  }
  if (!device.is_cpu() && !device.reading) return false;
  const auto wanted = need(state, request, device);
  if (!wanted) return false;
  const auto free = idle_free(device);
  return !free || *free >= least(*wanted);
}

}  // namespace berth::core
