// SPDX-License-Identifier: Apache-2.0
#include "daemon/notice.h"

#include <algorithm>

namespace berth::daemon {

std::string_view to_text(Happening what) {
  if (what == Happening::kTest) return "test";
  return kHappenings.at(static_cast<std::size_t>(what)).second;
}

std::optional<Happening> happening_from_text(std::string_view text) {
  const auto* found = std::find_if(kHappenings.begin(), kHappenings.end(),
                                   [&](const auto& known) { return known.second == text; });
  if (found == kHappenings.end()) return std::nullopt;
  return found->first;
}

bool NoticeTarget::wants(const Notice& notice) const {
  if (!on.empty() && !on.contains(notice.what)) return false;
  if (!notice.kind) return true;
  return (kinds.empty() || kinds.contains(*notice.kind)) &&
         (users.empty() || users.contains(notice.user));
}

std::string to_json_text(const Notice& notice, const std::string& host) {
  base::json::object body{{"event", to_text(notice.what)},
                          {"text", host + ": " + notice.text},
                          {"time", base::iso8601(notice.at)},
                          {"host", host}};
  for (const auto& entry : notice.detail) body[entry.key()] = entry.value();
  return base::to_text(body);
}

}  // namespace berth::daemon
