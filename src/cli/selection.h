// SPDX-License-Identifier: Apache-2.0
// SENSEVOICE_DEVICE as document 004 has it, where no --device was given: `auto`, `cuda` and nothing
// choose the GPU with most memory free, everything else is a device as --device takes one.
#pragma once

#include <optional>
#include <string>

#include "base/json.h"
#include "cli/verbs.h"

namespace berth::cli {

inline constexpr const char* kSelectionVariable = "SENSEVOICE_DEVICE";

/// Settles device and policy in `options` from the variable, that of --env before the caller's own;
/// true when the choice is automatic. Without the variable nothing changes.
bool settle_selection(RunOptions* options);

/// Tells the automatic choice as that document prints it, on standard error: at once what there is
/// to choose from, later what was chosen.
class SelectionNote {
 public:
  /// Reads the devices and tells them. Without an answer of the daemon nothing is told.
  void candidates();
  /// `task`: a TaskResponse. Told once, when it runs, or when it has ended unseen.
  void choice(const base::json::object& task);

 private:
  std::optional<base::json::object> report_;
};

}  // namespace berth::cli
