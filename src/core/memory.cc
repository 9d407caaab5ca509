// SPDX-License-Identifier: Apache-2.0
#include "core/memory.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "core/history.h"

namespace berth::core {

namespace {

// Memory sizes of accelerator cards as sold, in GB or GiB as their makers print them.
constexpr std::array<int, 29> kNominalSizes{2,  3,  4,   5,   6,   8,   10,  11,  12, 16,
                                            20, 22, 24,  32,  36,  40,  48,  64,  72, 80,
                                            94, 96, 128, 141, 144, 180, 192, 256, 288};
constexpr std::int64_t kGib = 1024LL * 1024 * 1024;
constexpr int kTrainingPercent = 60;
constexpr int kInferencePercent = 40;

Bytes percent(Bytes of, int share) { return Bytes{of.value / 100 * share}; }

std::optional<Bytes> total_memory(const DeviceEntry& device) {
  if (device.reading && device.reading->total) return device.reading->total;
  return device.device.total_memory;
}

// The size in the name of a MIG instance's profile: 40 of "3g.40gb" and "1c.3g.40gb+me". What it
// reports is up to a twentieth less (9.5 GiB of 10).
int instance_gib(std::string_view profile) {
  const auto end = profile.find("gb");
  if (end == std::string_view::npos) return 0;
  const auto dot = profile.rfind('.', end);
  if (dot == std::string_view::npos) return 0;
  const auto size = base::parse_number(profile.substr(dot + 1, end - dot - 1));
  return size && *size < 10'000 ? static_cast<int>(*size) : 0;
}

std::optional<Need> requested(Bytes wanted, bool exclusive, const DeviceEntry& device,
                              std::optional<Bytes> usable) {
  using model::ReservationRule;
  if (!usable) return Need{wanted, exclusive, ReservationRule::kRequested};
  const Bytes nominal{device.is_cpu()     ? 0
                      : device.device.mig ? instance_gib(device.device.mig->profile) * kGib
                                          : nominal_gib(*total_memory(device)) * kGib};
  if (nominal > Bytes{} && (wanted == nominal || (wanted > *usable && wanted < nominal))) {
    return Need{*usable, true, ReservationRule::kNominal};
  }
  if (wanted > *usable) return std::nullopt;
  return Need{wanted, exclusive, ReservationRule::kRequested};
}

}  // namespace

int nominal_gib(Bytes total) {
  // "80 GB" cards report between 79.1 and 80 GiB, "141 GB" ones 139.8: within 3 %.
  for (const int size : kNominalSizes) {
    if (total.value <= size * kGib && total.value >= size * kGib / 100 * 97) return size;
  }
  // Error correction in GDDR memory takes another sixteenth: T4 (15.0 GiB), A10 and L4 (22.5), A40
  // and L40S (45.0).
  for (const int size : kNominalSizes) {
    if (total.value <= size * kGib / 16 * 15 && total.value >= size * kGib / 100 * 92) return size;
  }
  return 0;
}

std::optional<Bytes> usable_memory(const DeviceEntry& device) {
  const auto total = total_memory(device);
  if (!total) return std::nullopt;
  const Bytes reserved = device.reading ? device.reading->reserved.value_or(Bytes{}) : Bytes{};
  return std::max(Bytes{}, *total - reserved);
}

std::optional<Need> need(const State& state, const model::Request& request,
                         const DeviceEntry& device) {
  using model::ReservationRule;
  const auto usable = usable_memory(device);
  if (request.memory) return requested(*request.memory, request.exclusive, device, usable);
  if (request.memory_percent > 0 && usable && !device.is_cpu()) {
    return Need{percent(*usable, request.memory_percent), request.exclusive,
                ReservationRule::kFraction};
  }
  if (device.is_cpu()) return Need{Bytes{}, request.exclusive, ReservationRule::kNone};
  if (const auto peak = history::peak(state, request); peak && (!usable || *peak <= *usable))
    return Need{*peak, request.exclusive, ReservationRule::kHistory};
  if (!usable)
    return Need{Bytes{}, true, ReservationRule::kWholeDevice};  // no share of an unknown size
  if (request.exclusive || request.kind == Kind::kCommand) {
    return Need{*usable, true, ReservationRule::kWholeDevice};
  }
  if (request.memory_estimate && *request.memory_estimate <= *usable)
    return Need{*request.memory_estimate, false, ReservationRule::kEstimate};
  const int slots = std::max(1, device.limits.of(request.kind));
  const int share = request.kind == Kind::kTraining ? kTrainingPercent : kInferencePercent;
  return Need{Bytes{percent(*usable, share).value / slots}, false, ReservationRule::kKindShare};
}

Bytes least(model::ReservationRule rule, Bytes bytes) {
  using model::ReservationRule;
  const bool own_figure = rule == ReservationRule::kNominal ||
                          rule == ReservationRule::kWholeDevice ||
                          rule == ReservationRule::kKindShare;
  return own_figure ? Bytes{bytes.value / 100 * kEnoughPercent} : bytes;
}

std::optional<Bytes> effective_free(const DeviceEntry& device) {
  if (!device.reading || !device.reading->free) return std::nullopt;
  Bytes free = *device.reading->free;
  Bytes reserved_here;
  for (const auto& [task, reserved] : device.reservations) {
    const auto used = device.reading->used_by_task.find(task);
    const Bytes taken = used == device.reading->used_by_task.end() ? Bytes{} : used->second;
    if (reserved > taken) free -= reserved - taken;
    reserved_here += reserved;
  }
  // The two figures of a reading are not taken at the same moment: never promise more than there
  // is.
  if (const auto usable = usable_memory(device)) free = std::min(free, *usable - reserved_here);
  return std::max(Bytes{}, free);
}

bool exceeds(Bytes used, Bytes reserved) {
  constexpr Bytes kLeastTolerance{512LL << 20};
  if (reserved <= Bytes{}) return false;
  return used - reserved > std::max(Bytes{reserved.value / 20}, kLeastTolerance);
}

std::optional<Bytes> idle_free(const DeviceEntry& device) {
  if (!device.reading || !device.reading->free) return std::nullopt;
  Bytes free = *device.reading->free;
  for (const auto& [task, used] : device.reading->used_by_task) free += used;
  return free;
}

}  // namespace berth::core
