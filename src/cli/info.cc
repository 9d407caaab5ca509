// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"
#include "cli/screen.h"
#include "cli/session.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "cli/words.h"

namespace berth::cli {

namespace json = base::json;

int info(const InfoOptions& options) {
  auto session = Session::open();
  if (!session) return report(session.error());
  const auto about = session->object("/api/v1/info");
  if (!about) return report(about.error());
  const auto health = session->object("/api/v1/health");
  if (!health) return report(health.error());
  if (options.json) {
    print(
        base::to_text(json::object{{"url", daemon_url()}, {"info", *about}, {"health", *health}}) +
        "\n");
    return kDone;
  }
  const std::string state = base::string_or(*health, "status");
  std::vector<std::string> models;
  if (const json::value* list = about->if_contains("supported_models");
      list != nullptr && list->is_array()) {
    for (const json::value& model : list->as_array()) {
      if (model.is_string()) models.emplace_back(model.as_string());
    }
  }
  const auto count = [&](const char* key) {
    const auto number = base::maybe_int(*health, key);
    return number ? std::to_string(*number) : std::string();
  };
  print(
      render_fields({{tr("daemon"), {daemon_url(), Tone::kBold}},
                     {tr("state"), {tr(state), state == "healthy" ? Tone::kGood : Tone::kBad}},
                     {tr("name"), {base::string_or(*about, "app_name")}},
                     {tr("version"), {base::string_or(*about, "version")}},
                     {tr("client"), {BERTH_VERSION}},
                     {tr("environment"), {base::string_or(*about, "environment")}},
                     {"GPU",
                      {base::bool_or(*about, "gpu_available") ? tr("available")
                                                              : tr("none: tasks run on the CPU")}},
                     {tr("training"), {count("training_tasks")}},
                     {tr("inference"), {count("inference_tasks")}},
                     {tr("models"), {base::join(models, ", ")}}},
                    screen_of(1)));
  return kDone;
}

int version() {
  print("berth " BERTH_VERSION "\n");
  if (auto session = Session::open()) {
    if (const auto about = session->object("/api/v1/info")) {
      const std::string number = base::string_or(*about, "version", tr("of an unknown version"));
      print(tr("berthd {} at {}", {number, daemon_url()}) + "\n");
      return kDone;
    }
  }
  print(tr("berthd not reachable at {}", {daemon_url()}) + "\n");
  return kDone;
}

}  // namespace berth::cli
