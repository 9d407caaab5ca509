// SPDX-License-Identifier: Apache-2.0
#include "daemon/usage_meter.h"

#include <algorithm>
#include <utility>

namespace berth::daemon {

namespace {

/// Whose part of the device's energy is how large; they add up to 1.
std::vector<double> parts_of(const std::vector<UsageMeter::Share>& shares) {
  std::vector<double> parts(shares.size(), 1.0 / static_cast<double>(shares.size()));
  double sum = 0;
  for (const auto& share : shares) {
    if (!share.utilization) return parts;
    sum += *share.utilization;
  }
  if (sum <= 0) return parts;
  for (std::size_t i = 0; i < shares.size(); ++i) parts[i] = *shares[i].utilization / sum;
  return parts;
}

}  // namespace

/// Joules that the device took since the last call, by its counter or by its power.
std::optional<double> UsageMeter::energy_since(const model::Sample& sample, double seconds) {
  std::optional<double> joules;
  if (sample.power_w) joules = *sample.power_w * seconds;
  if (!sample.energy_mj) return joules;
  const auto [before, first] = energy_.try_emplace(sample.device, *sample.energy_mj);
  const std::int64_t grown = *sample.energy_mj - std::exchange(before->second, *sample.energy_mj);
  // A counter that begins anew belongs to a driver that was loaded again. One that stands still has
  // not been read again yet.
  if (first || grown < 0) return joules;
  return static_cast<double>(grown) / 1000;
}

void UsageMeter::take(const std::vector<DeviceUse>& uses, base::Time now) {
  const base::Duration passed = last_ ? now - *last_ : base::Duration{0};
  last_ = now;
  const double seconds =
      passed > kLongest || passed.count() < 0 ? 0 : static_cast<double>(passed.count()) / 1000;
  std::map<model::TaskId, Moment> moments;
  for (const DeviceUse& use : uses) {
    const auto energy = energy_since(*use.sample, seconds);
    if (use.shares.empty()) continue;
    const std::vector<double> parts = parts_of(use.shares);
    for (std::size_t i = 0; i < use.shares.size(); ++i) {
      const Share& share = use.shares[i];
      Moment& moment = moments[share.task];
      moment.attempt = share.attempt;
      ++moment.devices;
      if (share.memory) moment.memory = moment.memory.value_or(base::Bytes{}) + *share.memory;
      const auto utilization =
          use.shares.size() == 1 && use.sample->utilization_percent && !share.utilization
              ? use.sample->utilization_percent
              : share.utilization;
      if (utilization) {
        ++moment.with_utilization;
        moment.utilization += *utilization;
      }
      if (energy) moment.energy_j = moment.energy_j.value_or(0) + *energy * parts[i];
    }
  }
  for (const auto& [task, moment] : moments) {
    auto [entry, fresh] = tasks_.try_emplace(task);
    Sums& sums = entry->second;
    if (fresh || sums.attempt != moment.attempt) sums = Sums{};
    sums.attempt = moment.attempt;
    if (moment.memory) {
      sums.peak = std::max(sums.peak.value_or(base::Bytes{}), *moment.memory);
      if (!fresh) sums.memory.add(static_cast<double>(moment.memory->value), seconds);
    }
    if (fresh) continue;  // it began within the time that has passed
    sums.seconds += seconds;
    if (moment.with_utilization > 0) {
      sums.utilization.add(moment.utilization / moment.with_utilization, seconds);
    }
    if (moment.energy_j) sums.energy_j = sums.energy_j.value_or(0) + *moment.energy_j;
  }
}

void UsageMeter::resume(const model::TaskId& task, int attempt, const model::Usage& usage) {
  Sums& sums = tasks_[task];
  sums.attempt = attempt;
  sums.seconds = usage.seconds;
  sums.peak = usage.peak_memory;
  if (usage.mean_memory) {
    sums.memory = Mean{};
    sums.memory.add(static_cast<double>(usage.mean_memory->value), usage.seconds);
  }
  if (usage.utilization) {
    sums.utilization = Mean{};
    sums.utilization.add(*usage.utilization, usage.seconds);
  }
  sums.energy_j = usage.energy_j;
}

std::optional<model::Usage> UsageMeter::of(const model::TaskId& task, int attempt) const {
  const auto found = tasks_.find(task);
  if (found == tasks_.end() || found->second.attempt != attempt) return std::nullopt;
  const Sums& sums = found->second;
  model::Usage usage;
  usage.seconds = sums.seconds;
  usage.peak_memory = sums.peak;
  if (const auto mean = sums.memory.value())
    usage.mean_memory = base::Bytes{static_cast<std::int64_t>(*mean)};
  else
    usage.mean_memory = sums.peak;
  usage.utilization = sums.utilization.value();
  usage.energy_j = sums.energy_j;
  return usage;
}

}  // namespace berth::daemon
