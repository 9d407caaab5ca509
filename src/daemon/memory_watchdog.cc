// SPDX-License-Identifier: Apache-2.0
#include "daemon/memory_watchdog.h"

#include <algorithm>
#include <array>

#include "core/memory.h"

namespace berth::daemon {

namespace {

constexpr std::array<std::string_view, 3> kModes{"off", "warn", "enforce"};

base::Bytes excess(const MemoryWatchdog::Use& use) { return use.used - use.reserved; }

}  // namespace

std::string_view to_text(WatchdogMode mode) { return kModes.at(static_cast<std::size_t>(mode)); }

std::optional<WatchdogMode> watchdog_mode_from_text(std::string_view text) {
  const auto* const found = std::find(kModes.begin(), kModes.end(), text);
  if (found == kModes.end()) return std::nullopt;
  return static_cast<WatchdogMode>(found - kModes.begin());
}

std::vector<MemoryWatchdog::Deed> MemoryWatchdog::look(const std::vector<Use>& uses,
                                                       base::Time now) {
  if (mode_ == WatchdogMode::kOff) return {};
  std::map<model::TaskId, Use> worst;
  for (const auto& use : uses) {
    if (!core::exceeds(use.used, use.reserved)) continue;
    const auto [place, fresh] = worst.try_emplace(use.task, use);
    if (!fresh && excess(use) > excess(place->second)) place->second = use;
  }
  std::erase_if(offences_, [&](const auto& entry) {
    const auto use = worst.find(entry.first);
    return use == worst.end() || use->second.attempt != entry.second.attempt;
  });
  std::vector<Deed> deeds;
  for (const auto& [task, use] : worst) {
    Offence& offence = offences_.try_emplace(task, Offence{use.attempt, now, {}}).first->second;
    if (!offence.warned) {
      if (now - offence.since < kGrace) continue;
      offence.warned = now;
      deeds.push_back(Deed{Deed::Kind::kWarn, use});
    } else if (mode_ == WatchdogMode::kEnforce && use.binding &&
               now - *offence.warned >= kPatience) {
      deeds.push_back(Deed{Deed::Kind::kEnd, use});
    }
  }
  return deeds;
}

}  // namespace berth::daemon
