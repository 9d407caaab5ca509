// SPDX-License-Identifier: Apache-2.0
#include "core/closest.h"

#include <algorithm>
#include <compare>
#include <limits>
#include <map>
#include <optional>

namespace berth::core {

namespace {

using Row = std::uint32_t;
constexpr std::size_t kSeeds = 64;

// How much nearer than far away.
int gain(const DeviceIndex::Neighbour& neighbour) { return DeviceIndex::kFar - neighbour.distance; }

struct Set {
  std::vector<Row> rows;
  std::int64_t gain = 0;  // of all pairs
};

class Search {
 public:
  Search(const DeviceIndex& index, const std::vector<Row>& fixed, const std::vector<Row>& pool,
         std::size_t wanted, const std::function<bool(Row)>& fits)
      : index_(index),
        fixed_(fixed),
        pool_(pool),
        wanted_(wanted),
        fits_(fits),
        place_(index.rows().size(), kNowhere) {
    for (std::size_t i = 0; i < pool.size(); ++i) place_[pool[i]] = static_cast<Row>(i);
  }

  std::vector<Row> run() const {
    Set best;
    auto seeds = promising();
    std::make_heap(seeds.begin(), seeds.end(), std::greater<>());
    for (std::size_t tried = 0; tried < kSeeds && !seeds.empty();) {
      std::pop_heap(seeds.begin(), seeds.end(), std::greater<>());
      const Row seed = pool_[seeds.back().place];
      seeds.pop_back();
      if (!fits_(seed)) continue;
      ++tried;
      auto set = grow(seed);
      if (!set) return {};  // not enough fit, whatever one begins with
      if (best.rows.empty() || set->gain > best.gain) best = std::move(*set);
      if (best.gain >= most_possible()) break;
    }
    return best.rows;
  }

 private:
  static constexpr Row kNowhere = std::numeric_limits<Row>::max();

  [[nodiscard]] std::int64_t most_possible() const {
    const auto pairs =
        static_cast<std::int64_t>(wanted_ * (wanted_ - 1) / 2 + wanted_ * fixed_.size());
    return pairs * (DeviceIndex::kFar - index_.nearest());
  }

  struct Seed {
    std::int64_t loss;  // the smaller the better
    Row place;          // in the pool
    auto operator<=>(const Seed&) const = default;
  };

  // What comes of beginning with each row if all others fit.
  [[nodiscard]] std::vector<Seed> promising() const {
    std::vector<Seed> seeds;
    seeds.reserve(pool_.size());
    for (Row place = 0; place < pool_.size(); ++place) {
      std::int64_t sum = 0;
      std::size_t counted = 1;
      for (const auto& neighbour : index_.neighbours(pool_[place])) {
        if (counted >= wanted_) break;
        if (place_[neighbour.row] == kNowhere) continue;
        sum += gain(neighbour);
        ++counted;
      }
      for (const Row row : fixed_) sum += gain_between(row, pool_[place]);
      seeds.push_back({-sum, place});
    }
    return seeds;
  }

  [[nodiscard]] int gain_between(Row from, Row to) const {
    const auto& neighbours = index_.neighbours(from);
    const auto found = std::find_if(neighbours.begin(), neighbours.end(),
                                    [&](const auto& neighbour) { return neighbour.row == to; });
    return found == neighbours.end() ? 0 : gain(*found);
  }

  // Adds what is nearest to those that are in, one by one.
  [[nodiscard]] std::optional<Set> grow(Row seed) const {
    Set set;
    std::map<Row, std::int64_t> offers;  // by place in the pool: gain with all that are in
    const auto draw = [&](Row row) {
      for (const auto& neighbour : index_.neighbours(row)) {
        const Row place = place_[neighbour.row];
        if (place != kNowhere) offers[place] += gain(neighbour);
      }
    };
    const auto add = [&](Row row, std::int64_t gained) {
      set.rows.push_back(row);
      set.gain += gained;
      draw(row);
    };
    const auto is_in = [&](Row row) {
      return std::find(set.rows.begin(), set.rows.end(), row) != set.rows.end();
    };
    for (const Row row : fixed_) draw(row);
    const auto offered = offers.find(place_[seed]);
    add(seed, offered == offers.end() ? 0 : offered->second);
    std::size_t passed = 0;  // of the pool, when nothing near is left
    while (set.rows.size() < wanted_) {
      std::optional<Row> place;
      for (auto offer = offers.begin(); offer != offers.end();) {
        const Row row = pool_[offer->first];
        if (is_in(row) || !fits_(row)) {
          offer = offers.erase(offer);
          continue;
        }
        if (!place || offer->second > offers.at(*place)) place = offer->first;
        ++offer;
      }
      if (place) {
        add(pool_[*place], offers.at(*place));
        continue;
      }
      while (passed < pool_.size() && (is_in(pool_[passed]) || !fits_(pool_[passed]))) ++passed;
      if (passed == pool_.size()) return std::nullopt;
      add(pool_[passed], 0);
    }
    return set;
  }

  const DeviceIndex& index_;
  const std::vector<Row>& fixed_;
  const std::vector<Row>& pool_;
  std::size_t wanted_;
  const std::function<bool(Row)>& fits_;
  std::vector<Row> place_;  // in the pool, by row
};

}  // namespace

std::vector<Row> closest(const DeviceIndex& index, const std::vector<Row>& fixed,
                         const std::vector<Row>& pool, std::size_t wanted,
                         const std::function<bool(Row)>& fits) {
  return Search(index, fixed, pool, wanted, fits).run();
}

}  // namespace berth::core
