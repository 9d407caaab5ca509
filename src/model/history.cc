// SPDX-License-Identifier: Apache-2.0
#include "model/history.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/time.h"

namespace berth::model {

using base::json::array;
using base::json::object;
using base::json::value;

namespace {

constexpr std::array<std::string_view, kMetrics> kNames{
    "used_memory_gb", "utilization", "memory_bandwidth_utilization", "temperature_c", "power_w"};

double rounded(double number) { return std::round(number * 100) / 100; }

std::optional<HistoryPoint::Value> single(std::optional<double> number) {
  return number ? std::optional(HistoryPoint::Value{*number, *number}) : std::nullopt;
}

std::optional<double> widen(std::optional<int> number) {
  return number ? std::optional<double>(*number) : std::nullopt;
}

}  // namespace

std::string_view to_text(Metric metric) { return kNames.at(static_cast<std::size_t>(metric)); }

const HistoryStep& step_for(std::int64_t from, std::int64_t to, std::int64_t now,
                            std::int64_t most) {
  for (const HistoryStep& step : kHistorySteps) {
    if (from >= now - step.keep && (to - from) / step.seconds <= most) return step;
  }
  return kHistorySteps.back();
}

HistoryPoint point_of(const Sample& sample, std::int64_t second) {
  HistoryPoint point{second, 1, 1, {}};
  const auto memory = sample.used_memory ? std::optional(sample.used_memory->gib()) : std::nullopt;
  point.values = {single(memory), single(widen(sample.utilization_percent)),
                  single(widen(sample.memory_utilization_percent)),
                  single(widen(sample.temperature_c)), single(sample.power_w)};
  return point;
}

void add(HistoryPoint& to, const HistoryPoint& finer) {
  const int sum = to.seconds + finer.seconds;
  if (finer.seconds <= 0) return;
  for (std::size_t i = 0; i < kMetrics; ++i) {
    const auto& from = finer.values.at(i);
    auto& into = to.values.at(i);
    if (!from) continue;
    if (!into) {
      into = from;
      continue;
    }
    into->mean += (from->mean - into->mean) * finer.seconds / sum;
    into->most = std::max(into->most, from->most);
  }
  to.seconds = sum;
}

array to_json(const std::vector<HistoryPoint>& points) {
  array list;
  for (const auto& point : points) {
    object entry{{"at", base::iso8601(base::from_ms(point.at * 1000))}, {"seconds", point.seconds}};
    for (std::size_t i = 0; i < kMetrics; ++i) {
      const auto& known = point.values.at(i);
      const std::string name(kNames.at(i));
      entry[name] = known ? value(rounded(known->mean)) : value(nullptr);
      entry[name + "_max"] = known ? value(rounded(known->most)) : value(nullptr);
    }
    list.push_back(std::move(entry));
  }
  return list;
}

std::string to_csv(std::string_view device, const std::vector<HistoryPoint>& points, bool names) {
  std::string text;
  if (names) {
    text = "device,at,step_s,seconds";
    for (const auto name : kNames) {
      text += ',';
      text += name;
      text += ',';
      text += name;
      text += "_max";
    }
    text += "\r\n";
  }
  for (const auto& point : points) {
    text += std::string(device) + ',' + base::iso8601(base::from_ms(point.at * 1000)) + ',' +
            std::to_string(point.step) + ',' + std::to_string(point.seconds);
    for (const auto& known : point.values) {
      char cells[64] = ",,";
      if (known) std::snprintf(cells, sizeof cells, ",%.2f,%.2f", known->mean, known->most);
      text += cells;
    }
    text += "\r\n";
  }
  return text;
}

}  // namespace berth::model
