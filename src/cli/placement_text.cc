// SPDX-License-Identifier: Apache-2.0
#include "cli/placement_text.h"

#include <string_view>
#include <vector>

#include "base/text.h"
#include "base/units.h"
#include "cli/members.h"
#include "cli/words.h"

namespace berth::cli {

namespace json = base::json;
using base::string_or;

namespace {

std::vector<const json::object*> placed_devices(const json::object& task) {
  const json::object* placement = object_in(task, "placement");
  const json::array* devices = placement != nullptr ? array_in(*placement, "devices") : nullptr;
  std::vector<const json::object*> found;
  if (devices == nullptr) return found;
  for (const json::value& item : *devices) {
    if (item.is_object()) found.push_back(&item.as_object());
  }
  return found;
}

// Of a figure in GiB; "" when it is not known.
std::string memory_text(const json::object& device, std::string_view field) {
  const auto gib = base::maybe_double(device, field);
  return gib ? base::to_text(base::Bytes::from_gib(*gib)) : "";
}

}  // namespace

std::string placement_text(const json::object& task) {
  std::vector<std::string> parts;
  for (const json::object* device : placed_devices(task)) {
    std::string text = string_or(*device, "device");
    if (base::maybe_double(*device, "reserved_gb").value_or(0) > 0)
      text += " " + memory_text(*device, "reserved_gb");
    if (const std::string used = memory_text(*device, "used_gb"); !used.empty())
      text += tr(" (uses {})", {used});
    parts.push_back(std::move(text));
  }
  return base::join(parts, tr(", "));
}

std::string over_reserved_text(const json::object& task) {
  for (const json::object* device : placed_devices(task)) {
    if (base::bool_or(*device, "over_reserved")) {
      return tr("uses {}, {} reserved",
                {memory_text(*device, "used_gb"), memory_text(*device, "reserved_gb")});
    }
  }
  return "";
}

}  // namespace berth::cli
