// SPDX-License-Identifier: Apache-2.0
#include "cli/usage_text.h"

#include <cmath>
#include <cstdio>
#include <optional>
#include <vector>

#include "base/text.h"
#include "base/units.h"
#include "cli/members.h"
#include "cli/words.h"

namespace berth::cli {

namespace json = base::json;
using base::maybe_double;

std::string usage_text(const json::object& task) {
  const json::object* usage = object_in(task, "usage");
  if (usage == nullptr) return "";
  const auto memory = [&](const char* key) -> std::string {
    const auto gib = maybe_double(*usage, key);
    return gib ? base::to_text(base::Bytes::from_gib(*gib)) : "";
  };
  std::vector<std::string> parts;
  if (const std::string most = memory("peak_memory_gb"); !most.empty())
    parts.push_back(tr("{} at most", {most}));
  if (const std::string mean = memory("mean_memory_gb"); !mean.empty())
    parts.push_back(tr("{} on average", {mean}));
  if (const auto busy = maybe_double(*usage, "utilization"))
    parts.push_back(tr("{}% busy", {std::to_string(std::lround(*busy))}));
  if (const auto joules = maybe_double(*usage, "energy_j")) {
    char text[32];
    if (*joules < 1000)
      std::snprintf(text, sizeof text, "%.0f J", *joules);
    else if (*joules < 360'000)
      std::snprintf(text, sizeof text, "%.1f kJ", *joules / 1000);
    else
      std::snprintf(text, sizeof text, "%.2f kWh", *joules / 3'600'000);
    parts.emplace_back(text);
  }
  return base::join(parts, tr(", "));
}

}  // namespace berth::cli
