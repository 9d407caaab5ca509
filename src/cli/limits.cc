// SPDX-License-Identifier: Apache-2.0
#include "cli/limits_text.h"
#include "cli/screen.h"
#include "cli/session.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "cli/words.h"

namespace berth::cli {

namespace json = base::json;

std::string render_limits(const json::object& resources, const Screen& screen) {
  const json::value* all = resources.if_contains("limits");
  if (all == nullptr || !all->is_object()) return "";
  const json::value* usage = resources.if_contains("device_usage");
  Table table(
      {{tr("DEVICE")}, {tr("TRAINING"), true}, {tr("INFERENCE"), true}, {tr("COMMAND"), true}});
  for (const auto& [device, kinds] : all->as_object()) {
    if (!kinds.is_object()) continue;
    const json::value* used =
        usage != nullptr && usage->is_object() ? usage->as_object().if_contains(device) : nullptr;
    std::vector<Cell> row{{std::string(device), Tone::kBold}};
    for (const char* kind : {"training", "inference", "command"}) {
      const auto limit = base::maybe_int(kinds.as_object(), kind);
      const std::int64_t count =
          used != nullptr && used->is_object() ? base::int_or(used->as_object(), kind) : 0;
      if (!limit) {
        row.push_back(
            {std::string_view(kind) == "command" && count > 0 ? std::to_string(count) : ""});
        continue;
      }
      row.push_back({tr("{} of {}", {std::to_string(count), std::to_string(*limit)}),
                     count >= *limit ? Tone::kWarn : Tone::kPlain});
    }
    table.add(std::move(row));
  }
  return table.render(screen);
}

int limits(const LimitsOptions& options) {
  auto session = Session::open();
  if (!session) return report(session.error());
  if (!options.changes.empty()) {
    json::object devices;
    for (const LimitChange& change : options.changes) {
      if (!devices.contains(change.device)) devices[change.device] = json::object{};
      devices[change.device].as_object()[change.kind] = change.limit;
    }
    const auto answer = session->post("/api/v2/resources/config",
                                      json::object{{"max_concurrent", std::move(devices)}});
    if (!answer) return report(answer.error());
  }
  const auto resources = session->object("/api/v2/resources");
  if (!resources) return report(resources.error());
  if (options.json) {
    json::object result;
    for (const char* key : {"limits", "device_usage"}) {
      if (const auto* value = resources->if_contains(key)) result[key] = *value;
    }
    print(base::to_text(result) + "\n");
  } else {
    print(render_limits(*resources, screen_of(1)));
  }
  return kDone;
}

}  // namespace berth::cli
