// SPDX-License-Identifier: Apache-2.0
#include "cli/drain_text.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "cli/members.h"
#include "cli/width.h"
#include "cli/words.h"

namespace berth::cli {

namespace json = base::json;
using base::string_or;

namespace {

std::string because(const std::string& what, const std::string& reason) {
  return reason.empty() ? what : tr("{}: {}", {what, reason});
}

}  // namespace

std::string render_drains(const json::object& drains, const std::set<std::string>& but,
                          const Screen& screen) {
  std::string lines;
  const auto add = [&](const std::string& sentence) {
    lines += paint(wrap(printable(sentence), screen.width, "  "), Tone::kWarn, screen) + "\n";
  };
  if (machine_is_drained(drains))
    add(because(tr("the machine is drained"), string_or(drains, "reason")));
  std::vector<std::string> names;
  const json::object* devices = object_in(drains, "devices");
  if (devices != nullptr) {
    for (const auto& [name, reason] : *devices) names.emplace_back(name);
  }
  // cuda:2 before cuda:10.
  std::ranges::sort(names, {},
                    [](const std::string& name) { return std::pair(name.size(), name); });
  for (const std::string& name : names) {
    if (but.contains(name)) continue;
    add(because(tr("{} is drained", {name}), string_or(*devices, name)));
  }
  return lines;
}

bool machine_is_drained(const json::object& drains) { return base::bool_or(drains, "machine"); }

std::string device_drain(const json::object& drains, const std::string& device) {
  const json::object* devices = object_in(drains, "devices");
  if (devices == nullptr || !devices->contains(device)) return "";
  return because(tr("drained"), string_or(*devices, device));
}

}  // namespace berth::cli
