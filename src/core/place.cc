// SPDX-License-Identifier: Apache-2.0
#include "core/place.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <vector>

#include "core/filter.h"
#include "core/resolve.h"
#include "core/score.h"

namespace berth::core {

namespace {

struct Candidate {
  Score score;
  const DeviceEntry* device;
  Fit fit;
};

bool better(const Candidate& a, const Candidate& b) {
  return std::tie(a.score, a.device->device.id) < std::tie(b.score, b.device->device.id);
}

// The best of the candidates; several of them of one model where that is possible, since tasks on
// unequal devices run at the pace of the slowest.
void choose(std::vector<Candidate>& candidates, std::size_t wanted) {
  if (wanted == 1) {
    candidates.front() = *std::min_element(candidates.begin(), candidates.end(), better);
  } else {
    std::sort(candidates.begin(), candidates.end(), better);
    std::map<std::string_view, std::size_t> models;
    for (const Candidate& candidate : candidates) {
      if (++models[candidate.device->device.model] < wanted) continue;
      const std::string_view model = candidate.device->device.model;
      std::erase_if(candidates,
                    [&](const Candidate& other) { return other.device->device.model != model; });
      break;
    }
  }
  candidates.erase(candidates.begin() + static_cast<std::ptrdiff_t>(wanted), candidates.end());
  // Inside the task the devices are numbered in the order of this machine.
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return std::tie(a.device->device.vendor, a.device->device.index) <
           std::tie(b.device->device.vendor, b.device->device.index);
  });
}

std::optional<Decision> place_among(const State& state, const model::Request& request,
                                    const Resolved& resolved, const Hold* hold) {
  std::vector<Candidate> fitting;
  for (const DeviceEntry* device : resolved.devices) {
    const auto fits = fit(state, request, *device);
    if (!fits || (hold != nullptr && delays(state, *hold, request.kind, *fits, *device))) continue;
    fitting.push_back(Candidate{score(state, request, *device), device, *fits});
  }
  const std::size_t wanted = resolved.wanted(request);
  if (wanted == 0 || fitting.size() < wanted) return std::nullopt;
  choose(fitting, wanted);
  Decision decision;
  decision.fallback = resolved.fallback;
  decision.placement.rule = fitting.front().fit.rule;
  for (const Candidate& candidate : fitting) {
    const model::Device& device = candidate.device->device;
    decision.placement.shares.push_back({device.id, device.name, candidate.fit.reserve});
    if (candidate.fit.whole) decision.whole.insert(device.id);
  }
  return decision;
}

}  // namespace

std::optional<Decision> place(const State& state, const TaskEntry& task, const Hold* hold) {
  const auto resolved = resolve(state, task.request);
  if (!resolved) return std::nullopt;
  auto decision = place_among(state, task.request, *resolved, hold);
  if (decision || !task.cpu_due || resolved->fallback != Fallback::kNone) return decision;
  return place_among(state, task.request, on_processor(state, Fallback::kGpusBusy), hold);
}

}  // namespace berth::core
