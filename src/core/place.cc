// SPDX-License-Identifier: Apache-2.0
#include "core/place.h"

#include <algorithm>
#include <functional>
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

// Whether a device takes the task, holds included, and how it is ranked.
class Judge {
 public:
  Judge(const State& state, const model::Request& request, const Hold* hold)
      : state_(state), request_(request), hold_(hold) {}

  [[nodiscard]] std::optional<Fit> ask(const DeviceEntry& device) const {
    auto fits = fit(state_, request_, device);
    if (fits && hold_ != nullptr && delays(state_, *hold_, request_.kind, *fits, device))
      fits.reset();
    return fits;
  }

  [[nodiscard]] Score rank(const Figures& figures) const {
    return score(state_, request_, figures);
  }
  [[nodiscard]] Screen screen() const { return Screen(request_); }

 private:
  const State& state_;
  const model::Request& request_;
  const Hold* hold_;
};

// A row of the index that may fit, with what it is ranked by; rows are in the order of UUIDs.
struct Ranked {
  Score score;
  std::uint32_t row;
  auto operator<=>(const Ranked&) const = default;
};

template <class Visit>
void for_possible(const DeviceIndex& index, Vendors vendors, const Judge& judge, Visit visit) {
  const Screen screen = judge.screen();
  for (const auto* rows : {&index.idle(), &index.shared()}) {
    for (const std::uint32_t row : *rows) {
      const Glance& glance = index.rows()[row];
      if ((vendors & bit(glance.vendor)) == 0 || !screen.lets_through(glance)) continue;
      visit(Ranked{judge.rank(glance.figures), row});
    }
  }
}

// The best device; only those that would be better than the best so far are looked at closely.
std::vector<Candidate> choose_one(const DeviceIndex& index, Vendors vendors, const Judge& judge) {
  std::optional<Ranked> best;
  std::vector<Candidate> chosen;
  for_possible(index, vendors, judge, [&](const Ranked& ranked) {
    if (best && !(ranked < *best)) return;
    const DeviceEntry* device = index.rows()[ranked.row].device;
    const auto fits = judge.ask(*device);
    if (!fits) return;
    best = ranked;
    chosen.assign(1, Candidate{ranked.score, device, *fits});
  });
  return chosen;
}

// The first `wanted` of one model in the order of preference, or, should no model have so many, of
// all: tasks on unequal devices run at the pace of the slowest. Empty when there are not enough.
template <class Next>
std::vector<Candidate> take(std::size_t wanted, Next next) {
  std::map<std::string_view, std::size_t> models;
  std::vector<Candidate> taken;
  while (auto candidate = next()) {
    taken.push_back(*candidate);
    const std::string_view model = candidate->device->device.model;
    if (++models[model] < wanted) continue;
    std::erase_if(taken,
                  [&](const Candidate& other) { return other.device->device.model != model; });
    return taken;
  }
  if (taken.size() < wanted) return {};
  taken.erase(taken.begin() + static_cast<std::ptrdiff_t>(wanted), taken.end());
  return taken;
}

std::vector<Candidate> choose_several(const DeviceIndex& index, Vendors vendors, const Judge& judge,
                                      std::size_t wanted) {
  std::vector<Ranked> heap;
  for_possible(index, vendors, judge, [&](const Ranked& ranked) { heap.push_back(ranked); });
  if (heap.size() < wanted) return {};
  std::make_heap(heap.begin(), heap.end(), std::greater<>());
  return take(wanted, [&]() -> std::optional<Candidate> {
    while (!heap.empty()) {
      std::pop_heap(heap.begin(), heap.end(), std::greater<>());
      const Ranked ranked = heap.back();
      heap.pop_back();
      const DeviceEntry* device = index.rows()[ranked.row].device;
      if (const auto fits = judge.ask(*device)) return Candidate{ranked.score, device, *fits};
    }
    return std::nullopt;
  });
}

std::vector<Candidate> choose_among(const DeviceList& devices, const Judge& judge,
                                    std::size_t wanted) {
  std::vector<Candidate> fitting;
  for (const DeviceEntry* device : devices) {
    if (const auto fits = judge.ask(*device))
      fitting.push_back(Candidate{judge.rank(figures_of(*device)), device, *fits});
  }
  std::sort(fitting.begin(), fitting.end(), better);
  auto next = fitting.begin();
  return take(wanted, [&]() -> std::optional<Candidate> {
    return next == fitting.end() ? std::nullopt : std::optional<Candidate>(*next++);
  });
}

std::optional<Decision> place_among(const State& state, const model::Request& request,
                                    const Resolved& resolved, const Hold* hold) {
  const std::size_t wanted = resolved.wanted(request);
  if (wanted == 0) return std::nullopt;
  const Judge judge(state, request, hold);
  const DeviceIndex& index = state.devices.index();
  auto chosen = resolved.vendors == 0 ? choose_among(resolved.devices, judge, wanted)
                : wanted == 1         ? choose_one(index, resolved.vendors, judge)
                                      : choose_several(index, resolved.vendors, judge, wanted);
  if (chosen.empty()) return std::nullopt;
  // Inside the task the devices are numbered in the order of this machine.
  std::sort(chosen.begin(), chosen.end(), [](const Candidate& a, const Candidate& b) {
    return std::tie(a.device->device.vendor, a.device->device.index) <
           std::tie(b.device->device.vendor, b.device->device.index);
  });
  Decision decision;
  decision.fallback = resolved.fallback;
  decision.placement.rule = chosen.front().fit.rule;
  for (const Candidate& candidate : chosen) {
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
