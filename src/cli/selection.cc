// SPDX-License-Identifier: Apache-2.0
#include "cli/selection.h"

#include <cstdlib>

#include "base/text.h"
#include "cli/check_text.h"
#include "cli/screen.h"
#include "cli/session.h"

namespace berth::cli {

namespace json = base::json;

bool settle_selection(RunOptions* options) {
  if (!options->device.empty()) return false;
  const char* variable = std::getenv(kSelectionVariable);
  std::optional<std::string> asked;
  if (variable != nullptr) asked = variable;
  for (const auto& [name, value] : options->env) {
    if (name == kSelectionVariable) asked = value;
  }
  if (!asked) return false;
  const std::string device = base::lower(base::trim(*asked));
  const bool automatic = device.empty() || device == "auto" || device == "cuda";
  options->device = device.empty() ? "auto" : device;
  if (automatic && options->policy.empty()) options->policy = "most_free";
  return automatic;
}

void SelectionNote::candidates() {
  auto session = Session::open();
  if (!session) return;
  auto report = session->object("/api/v2/resources/gpu");
  if (!report) return;
  report_ = std::move(*report);
  print_error(render_candidates(*report_));
}

void SelectionNote::choice(const json::object& task) {
  const std::string state = base::string_or(task, "status");
  // One that was short may be seen only when it has ended.
  const bool placed = state != "pending" && state != "queued" && base::int_or(task, "attempt") > 0;
  if (!report_ || !placed) return;
  print_error(render_choice(*report_, base::string_or(task, "device")));
  report_.reset();
}

}  // namespace berth::cli
