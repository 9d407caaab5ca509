// SPDX-License-Identifier: Apache-2.0
#include "core/place.h"

#include <algorithm>
#include <functional>
#include <map>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "core/closest.h"
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
  [[nodiscard]] Score grade(const Figures& figures) const {
    return tier(state_, request_, figures);
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

// A row of the index by tier, then as without.
struct Graded {
  Score tier;
  Ranked ranked;
  auto operator<=>(const Graded&) const = default;
};

// Instead of the first `wanted` of a model those of them that are nearest to each other: where
// devices of a tier are left over, which of these makes no other difference.
class Neighbourhood {
 public:
  Neighbourhood(const DeviceIndex& index, Vendors vendors, const Judge& judge, std::size_t wanted)
      : index_(index), judge_(judge), wanted_(wanted) {
    for_possible(index, vendors, judge, [&](const Ranked& ranked) {
      rest_.push_back({judge.grade(index.rows()[ranked.row].figures), ranked});
    });
    std::make_heap(rest_.begin(), rest_.end(), std::greater<>());
  }

  std::vector<Candidate> choose() {
    std::vector<Candidate> first = take(wanted_, [&] { return next(); });
    if (first.empty()) return first;
    const std::string_view model = model_of(*first.front().device);
    for (const Candidate& candidate : first) {
      if (model_of(*candidate.device) != model) return first;
    }
    // The last tier that is needed is the one with a choice.
    const Score last = taken_.at(first.back().device).tier;
    std::vector<std::uint32_t> fixed;
    std::vector<Graded> choice;
    for (const Candidate& candidate : first) {
      const Graded& graded = taken_.at(candidate.device);
      if (graded.tier < last) {
        fixed.push_back(graded.ranked.row);
      } else {
        choice.push_back(graded);
      }
    }
    const std::size_t open = choice.size();
    for (const Graded& graded : rest_) {
      if (graded.tier == last && model_of(device_in(graded)) == model) choice.push_back(graded);
    }
    if (choice.size() == open) return first;
    std::sort(choice.begin(), choice.end());
    std::vector<std::uint32_t> pool;
    for (const Graded& graded : choice) pool.push_back(graded.ranked.row);
    const auto chosen = closest(index_, fixed, pool, open,
                                [&](std::uint32_t row) { return fit_of(row).has_value(); });
    if (chosen.size() != open) return first;
    std::erase_if(first, [&](const Candidate& candidate) {
      return taken_.at(candidate.device).tier == last;
    });
    for (const std::uint32_t row : chosen) {
      const Glance& glance = index_.rows()[row];
      first.push_back(Candidate{judge_.rank(glance.figures), glance.device, *fit_of(row)});
    }
    return first;
  }

 private:
  [[nodiscard]] static std::string_view model_of(const DeviceEntry& device) {
    return device.device.model;
  }
  [[nodiscard]] const DeviceEntry& device_in(const Graded& graded) const {
    return *index_.rows()[graded.ranked.row].device;
  }

  std::optional<Candidate> next() {
    while (!rest_.empty()) {
      std::pop_heap(rest_.begin(), rest_.end(), std::greater<>());
      const Graded graded = rest_.back();
      rest_.pop_back();
      const DeviceEntry& device = device_in(graded);
      const auto fits = fit_of(graded.ranked.row);
      if (!fits) continue;
      taken_.emplace(&device, graded);
      return Candidate{graded.ranked.score, &device, *fits};
    }
    return std::nullopt;
  }

  const std::optional<Fit>& fit_of(std::uint32_t row) {
    const auto [known, fresh] = fits_.try_emplace(row);
    if (fresh) known->second = judge_.ask(*index_.rows()[row].device);
    return known->second;
  }

  const DeviceIndex& index_;
  const Judge& judge_;
  std::size_t wanted_;
  std::vector<Graded> rest_;  // a heap, the best first
  std::unordered_map<const DeviceEntry*, Graded> taken_;
  std::unordered_map<std::uint32_t, std::optional<Fit>> fits_;
};

std::vector<Candidate> choose_several(const DeviceIndex& index, Vendors vendors, const Judge& judge,
                                      std::size_t wanted) {
  if (index.nearest() < DeviceIndex::kFar)
    return Neighbourhood(index, vendors, judge, wanted).choose();
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
    return model::listed_before(a.device->device, b.device->device);
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
