// SPDX-License-Identifier: Apache-2.0
#include "cli/drain_text.h"
#include "cli/screen.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "cli/words.h"

namespace berth::cli {

namespace json = base::json;

namespace {

constexpr std::string_view kRoute = "/api/v2/resources/drain";

json::object request_body(const DrainOptions& options) {
  json::object body{{"drain", options.change == DrainChange::kDrain}};
  json::array devices(options.devices.begin(), options.devices.end());
  if (!devices.empty()) body["devices"] = std::move(devices);
  if (!options.reason.empty()) body["reason"] = options.reason;
  return body;
}

}  // namespace

int drain(const DrainOptions& options) {
  auto session = Session::open();
  if (!session) return report(session.error());
  if (options.change != DrainChange::kNone) {
    const auto answer = session->post(kRoute, request_body(options));
    if (!answer) return report(answer.error());
  }
  const auto drains = session->object(kRoute);
  if (!drains) return report(drains.error());
  if (options.json) {
    print(base::to_text(*drains) + "\n");
    return kDone;
  }
  const std::string text = render_drains(*drains, {}, screen_of(1));
  print(text.empty() ? tr("nothing is drained: tasks start on every device") + "\n" : text);
  return kDone;
}

}  // namespace berth::cli
