// SPDX-License-Identifier: Apache-2.0
#include "model/task.h"

#include <array>

namespace berth::model {

namespace {
using base::json::array;
using base::json::object;
using base::json::value;

constexpr std::array<std::string_view, 6> kStates{"pending",   "queued", "running",
                                                  "completed", "failed", "cancelled"};
constexpr std::array<std::string_view, 8> kRules{"requested",  "nominal",      "history",
                                                 "kind_share", "whole_device", "none",
                                                 "fraction",   "estimate"};
}  // namespace

std::string_view to_text(TaskState state) { return kStates.at(static_cast<std::size_t>(state)); }

std::optional<TaskState> task_state_from_text(std::string_view text) {
  for (std::size_t i = 0; i < kStates.size(); ++i) {
    if (kStates[i] == text) return static_cast<TaskState>(i);
  }
  return std::nullopt;
}

std::string_view to_text(ReservationRule rule) { return kRules.at(static_cast<std::size_t>(rule)); }

object to_json(const Placement& placement) {
  array shares;
  for (const Share& share : placement.shares) {
    shares.push_back(object{
        {"device", share.device.value}, {"name", share.name}, {"reserved", share.reserved.value}});
  }
  return object{{"shares", std::move(shares)}, {"rule", to_text(placement.rule)}};
}

base::Result<Placement> placement_from_json(const object& from) {
  Placement placement;
  const std::string rule = base::string_or(from, "rule", "none");
  for (std::size_t i = 0; i < kRules.size(); ++i) {
    if (kRules[i] == rule) placement.rule = static_cast<ReservationRule>(i);
  }
  const value* shares = from.if_contains("shares");
  if (shares == nullptr || !shares->is_array()) {
    return base::fail(base::ErrorCode::kInternal, "a placement without shares");
  }
  for (const value& entry : shares->as_array()) {
    if (!entry.is_object()) continue;
    const object& share = entry.as_object();
    placement.shares.push_back(Share{DeviceId(base::string_or(share, "device")),
                                     base::string_or(share, "name"),
                                     base::Bytes{base::int_or(share, "reserved")}});
  }
  return placement;
}

object to_json(const Exit& exit) {
  return object{{"exit_code", base::or_null(exit.exit_code)},
                {"signal", base::or_null(exit.signal)},
                {"cause", exit.cause}};
}

Exit exit_from_json(const object& from) {
  Exit exit;
  if (const auto code = base::maybe_int(from, "exit_code"))
    exit.exit_code = static_cast<int>(*code);
  if (const auto signal = base::maybe_int(from, "signal")) exit.signal = static_cast<int>(*signal);
  exit.cause = base::string_or(from, "cause");
  return exit;
}

}  // namespace berth::model
