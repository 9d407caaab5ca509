// SPDX-License-Identifier: Apache-2.0
#include "core/memory.h"

#include <algorithm>
#include <array>

namespace berth::core {

namespace {

// Memory sizes of accelerator cards as sold, in GB or GiB as their makers print them.
constexpr std::array<int, 26> kNominalSizes{2,  3,  4,  5,  6,  8,  10, 11, 12, 16,  20,  22,  24,
                                            32, 40, 44, 45, 46, 48, 64, 80, 94, 96, 128, 141, 192};
constexpr std::int64_t kGib = 1024LL * 1024 * 1024;
constexpr int kTrainingPercent = 60;
constexpr int kInferencePercent = 40;

Bytes percent(Bytes of, int share) { return Bytes{of.value / 100 * share}; }

}  // namespace

int nominal_gib(Bytes total) {
  for (const int size : kNominalSizes) {
    // "80 GB" cards report between 79.1 and 80 GiB, "141 GB" ones 139.8: within 3 %.
    if (total.value <= size * kGib && total.value >= size * kGib / 100 * 97) return size;
  }
  return 0;
}

std::optional<Bytes> usable_memory(const DeviceEntry& device) {
  std::optional<Bytes> total = device.device.total_memory;
  if (device.reading && device.reading->total) total = device.reading->total;
  if (!total) return std::nullopt;
  const Bytes reserved = device.reading ? device.reading->reserved.value_or(Bytes{}) : Bytes{};
  return std::max(Bytes{}, *total - reserved);
}

std::optional<Need> need(const State& state, const model::Request& request, const DeviceEntry& device) {
  using model::ReservationRule;
  const auto usable = usable_memory(device);
  if (request.memory) {
    const Bytes wanted = *request.memory;
    if (!usable || wanted <= *usable) return Need{wanted, request.exclusive, ReservationRule::kRequested};
    const Bytes total = usable ? device.reading && device.reading->total ? *device.reading->total
                                                                         : *device.device.total_memory
                               : Bytes{};
    if (!device.is_cpu() && wanted.value <= nominal_gib(total) * kGib) {
      return Need{*usable, true, ReservationRule::kNominal};
    }
    return std::nullopt;
  }
  if (device.is_cpu()) return Need{Bytes{}, request.exclusive, ReservationRule::kNone};
  if (!request.signature.empty()) {
    const auto peak = state.peaks.find(request.signature);
    if (peak != state.peaks.end() && (!usable || peak->second <= *usable)) {
      return Need{peak->second, request.exclusive, ReservationRule::kHistory};
    }
  }
  const Bytes whole = usable.value_or(Bytes{});
  if (request.exclusive || request.kind == Kind::kCommand) {
    return Need{whole, true, ReservationRule::kWholeDevice};
  }
  const int slots = std::max(1, device.limits.of(request.kind));
  const int share = request.kind == Kind::kTraining ? kTrainingPercent : kInferencePercent;
  return Need{Bytes{percent(whole, share).value / slots}, false, ReservationRule::kKindShare};
}

std::optional<Bytes> effective_free(const DeviceEntry& device) {
  if (!device.reading || !device.reading->free) return std::nullopt;
  Bytes free = *device.reading->free;
  for (const auto& [task, reserved] : device.reservations) {
    const auto used = device.reading->used_by_task.find(task);
    const Bytes taken = used == device.reading->used_by_task.end() ? Bytes{} : used->second;
    if (reserved > taken) free -= reserved - taken;
  }
  return std::max(Bytes{}, free);
}

}  // namespace berth::core
