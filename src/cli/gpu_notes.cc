// SPDX-License-Identifier: Apache-2.0
#include "cli/gpu_notes.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/text.h"
#include "cli/holders_text.h"
#include "cli/members.h"
#include "cli/words.h"
#include "model/device_words.h"

namespace berth::cli {

namespace json = base::json;

namespace {

constexpr double kWorthSaying = 0.5;  // GiB; drivers keep some hundred MiB for themselves

// Limits that somebody set on purpose are no news.
bool is_trouble(std::string_view reason) {
  constexpr std::array<std::string_view, 4> kTrouble{
      model::words::kHardwareSlowdown, model::words::kTemperature,
      model::words::kTemperatureHardware, model::words::kPowerBrake};
  return std::find(kTrouble.begin(), kTrouble.end(), reason) != kTrouble.end();
}

}  // namespace

std::string slow_note(const json::object& device) {
  std::vector<std::string> reasons;
  const json::array* all = array_in(device, "throttle");
  for (std::size_t i = 0; all != nullptr && i < all->size(); ++i) {
    if (!(*all)[i].is_string()) continue;
    const std::string reason((*all)[i].as_string());
    if (is_trouble(reason)) reasons.push_back(tr_reason(reason));
  }
  if (!reasons.empty()) return tr("slowed down: {}", {base::join(reasons, tr(", "))});
  return base::bool_or(device, "throttled")
             ? tr("hotter than the threshold of the configuration: chosen last")
             : "";
}

std::vector<std::string> gpu_notes(const json::object& device) {
  std::vector<std::string> notes;
  if (std::string slow = slow_note(device); !slow.empty()) notes.push_back(std::move(slow));
  if (const auto errors = base::int_or(device, "ecc_uncorrected"); errors > 0) {
    notes.push_back(tr("{} memory errors that could not be corrected since its driver was loaded",
                       {std::to_string(errors)}));
  }
  if (const auto xid = base::maybe_int(device, "xid");
      xid && base::string_or(device, "health", "healthy") == "healthy")
    notes.push_back(tr("the driver's last error: XID {}", {std::to_string(*xid)}));
  if (const auto rest = base::maybe_double(device, "unattributed_memory_gb");
      rest && *rest >= kWorthSaying) {
    notes.push_back(tr("{} in use by no process that the driver lists", {memory_words(rest)}));
  }
  if (pcie_is_narrow(device)) notes.push_back(tr("PCIe {}", {pcie_text(device)}));
  return notes;
}

bool pcie_is_narrow(const json::object& device) {
  const json::object* pcie = object_in(device, "pcie");
  return pcie != nullptr && base::int_or(*pcie, "width") > 0 &&
         base::int_or(*pcie, "width") < base::int_or(*pcie, "max_width");
}

std::string pcie_text(const json::object& device) {
  const json::object* pcie = object_in(device, "pcie");
  if (pcie == nullptr || base::int_or(*pcie, "width") == 0) return "n/a";
  std::string text = std::to_string(base::int_or(*pcie, "generation")) + ".0 x" +
                     std::to_string(base::int_or(*pcie, "width"));
  if (pcie_is_narrow(device))
    text += tr(" of x{}", {std::to_string(base::int_or(*pcie, "max_width"))});
  return text;
}

}  // namespace berth::cli
