// SPDX-License-Identifier: Apache-2.0
#include "sim/report.h"

#include <algorithm>
#include <cstdio>

namespace berth::sim {

namespace {

std::string format(const char* pattern, double value) {
  char text[64];
  std::snprintf(text, sizeof text, pattern, value);
  return text;
}

std::string percent(double part) { return format("%.1f %%", 100 * part); }

std::vector<std::string> cells(const Row& row) {
  const Summary& s = row.summary;
  return {std::string(model::to_text(row.policy)),
          span(s.wait_s.mean),
          span(s.wait_s.p50),
          span(s.wait_s.p95),
          span(s.wait_s.p99),
          span(s.wait_wide_s.mean),
          format("%.1f", s.slowdown.mean),
          format("%.1f", s.slowdown.p95),
          percent(s.device_utilization),
          percent(s.memory_utilization),
          format("%.3f", s.fairness),
          std::to_string(s.starved),
          std::to_string(s.most_waiting),
          span(s.makespan_s)};
}

const std::vector<std::string> kTitles{
    "policy",       "wait mean", "p50",    "p95",      "p99",     "mean, 2+ GPUs", "slowdown",
    "slowdown p95", "devices",   "memory", "fairness", "starved", "most waiting",  "makespan"};

}  // namespace

std::string span(double seconds) {
  if (seconds == 0) return "0";
  if (seconds < 1) return format("%.2f s", seconds);
  if (seconds < 100) return format("%.1f s", seconds);
  if (seconds < 6000) return format("%.1f min", seconds / 60);
  if (seconds < 48 * 3600) return format("%.1f h", seconds / 3600);
  return format("%.1f d", seconds / 86'400);
}

std::string table(const std::vector<Row>& rows) {
  std::vector<std::vector<std::string>> lines{kTitles};
  for (const Row& row : rows) lines.push_back(cells(row));
  std::vector<std::size_t> widths(kTitles.size());
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  std::string text;
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      const std::string blanks(widths[i] - line[i].size(), ' ');
      if (i > 0) text += "  ";
      text += i == 0 ? line[i] + blanks : blanks + line[i];
    }
    text += '\n';
  }
  if (rows.empty()) return text;
  const Summary& s = rows.front().summary;
  text += "\n" + std::to_string(s.tasks) + " tasks, the last one came after " +
          span(s.last_arrival_s) + ": " + std::to_string(s.completed) + " completed, " +
          std::to_string(s.failed) + " failed, " + std::to_string(s.cancelled) + " cancelled, " +
          std::to_string(s.refused) + " refused, " + std::to_string(s.never_started) +
          " never started";
  if (rows.size() > 1) text += " (" + std::string(model::to_text(rows.front().policy)) + ")";
  if (s.device_failures > 0) text += "; " + std::to_string(s.device_failures) + " device failures";
  return text + "\n";
}

base::json::object to_json(const Options& options, const Fleet& fleet,
                           const std::vector<Row>& rows) {
  base::json::object policies;
  for (const Row& row : rows) policies[model::to_text(row.policy)] = to_json(row.summary);
  return {{"fleet", options.snapshot.empty() ? options.fleet : "snapshot"},
          {"devices", fleet.gpus()},
          {"profile", options.profile},
          {"load", options.demand.load},
          {"cycle", options.demand.cycle},
          {"seed", options.demand.seed},
          {"policies", std::move(policies)}};
}

}  // namespace berth::sim
