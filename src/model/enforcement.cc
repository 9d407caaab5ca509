// SPDX-License-Identifier: Apache-2.0
#include "model/enforcement.h"

#include <array>

namespace berth::model {

namespace {

constexpr std::array<std::string_view, 5> kRungs{"none", "watchdog", "hints", "mps", "kernel"};

}  // namespace

std::string_view to_text(Rung rung) { return kRungs.at(static_cast<std::size_t>(rung)); }

std::optional<Rung> rung_from_text(std::string_view text) {
  for (std::size_t i = 0; i < kRungs.size(); ++i) {
    if (kRungs.at(i) == text) return static_cast<Rung>(i);
  }
  return std::nullopt;
}

base::json::object to_json(const Enforcement& enforcement) {
  return {{"rung", to_text(enforcement.rung)},
          {"by", enforcement.by},
          {"fenced", enforcement.fenced},
          {"fence_missing", enforcement.fence}};
}

Enforcement enforcement_from_json(const base::json::object& object) {
  Enforcement result;
  result.rung = rung_from_text(base::string_or(object, "rung")).value_or(Rung::kNone);
  result.by = base::string_or(object, "by");
  result.fenced = base::bool_or(object, "fenced");
  result.fence = base::string_or(object, "fence_missing");
  return result;
}

}  // namespace berth::model
