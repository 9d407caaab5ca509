// SPDX-License-Identifier: Apache-2.0
#include "cli/lease_text.h"

#include <algorithm>

#include "base/text.h"
#include "cli/members.h"
#include "cli/table.h"
#include "cli/task_text.h"
#include "cli/when.h"
#include "cli/words.h"

namespace berth::cli {

namespace json = base::json;
using base::string_or;

namespace {

std::vector<std::string> of_devices(const json::object& lease, std::string_view member) {
  std::vector<std::string> texts;
  const json::array* devices = array_in(lease, "devices");
  for (std::size_t i = 0; devices != nullptr && i < devices->size(); ++i) {
    if ((*devices)[i].is_object()) texts.push_back(string_or((*devices)[i].as_object(), member));
  }
  return texts;
}

std::string device_list(const json::object& lease) {
  return base::join(of_devices(lease, "device"), ",");
}

// "14.40 GB", "2 x 14.40 GB" of several; all that was asked for in one request has one size,
// unless whole devices of two sizes were taken.
std::string reserved(const json::object& lease) {
  std::vector<std::string> sizes;
  const json::array* devices = array_in(lease, "devices");
  for (std::size_t i = 0; devices != nullptr && i < devices->size(); ++i) {
    const auto gib = base::maybe_double((*devices)[i].as_object(), "reserved_gb");
    sizes.push_back(gib && *gib > 0 ? base::to_text(base::Bytes::from_gib(*gib)) : "-");
  }
  const bool same = std::ranges::adjacent_find(sizes, std::ranges::not_equal_to()) == sizes.end();
  if (sizes.size() < 2 || !same) return base::join(sizes, " + ");
  return std::to_string(sizes.size()) + " x " + sizes.front();
}

}  // namespace

std::string lease_end(const json::object& lease, base::Time now) {
  if (const auto pid = base::maybe_int(lease, "pid"))
    return tr("process {} ends", {std::to_string(*pid)});
  const auto end = time_in(lease, "expires_at");
  return end ? tr("{} (in {})", {local_time(*end, now), words(*end - now)}) : "?";
}

std::string lease_text(const json::object& lease, base::Time now) {
  return tr("lease {} holds {} until {}",
            {short_id(string_or(lease, "lease_id")), device_list(lease), lease_end(lease, now)});
}

std::string render_leases(const json::object& answer, base::Time now, const Screen& screen) {
  const json::array* leases = array_in(answer, "leases");
  if (leases == nullptr || leases->empty()) return "";
  Table table({{"ID"},
               {tr("DEVICE"), false, 6},
               {tr("MEMORY"), true},
               {tr("USER"), false, 4},
               {tr("HOLDER"), true},
               {tr("UNTIL"), false, 8}});
  for (const json::value& item : *leases) {
    if (!item.is_object()) continue;
    const json::object& lease = item.as_object();
    const auto pid = base::maybe_int(lease, "pid");
    table.add({{short_id(string_or(lease, "lease_id")), Tone::kBold},
               {device_list(lease)},
               {reserved(lease)},
               {string_or(lease, "user")},
               {pid ? std::to_string(*pid) : "-", pid ? Tone::kAccent : Tone::kDim},
               {pid ? tr("its holder ends") : lease_end(lease, now)}});
  }
  return table.render(screen);
}

std::string render_lease(const json::object& lease, PickFormat format) {
  if (format == PickFormat::kJson) return base::to_text(lease) + "\n";
  if (format == PickFormat::kEnv) {
    std::string text;
    if (const json::object* env = object_in(lease, "env")) {
      for (const auto& [name, value] : *env) {
        if (value.is_string())
          text += "export " + std::string(name) + "=" +
                  shell_quote(std::string(value.as_string())) + "\n";
      }
    }
    return text;
  }
  std::vector<std::string> words =
      of_devices(lease, format == PickFormat::kUuid ? "uuid" : "device");
  if (format == PickFormat::kIndex) {
    for (std::string& name : words) name.erase(0, name.find(':') + 1);
  }
  return base::join(words, ",") + "\n";
}

}  // namespace berth::cli
