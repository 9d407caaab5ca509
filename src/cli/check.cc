// SPDX-License-Identifier: Apache-2.0
#include "cli/check_text.h"
#include "cli/devices.h"
#include "cli/gpus_text.h"
#include "cli/verbs.h"

namespace berth::cli {

int check(const CheckOptions& options) {
  DeviceSource source;
  const auto report = source.read();
  if (!report) return berth::cli::report(report.error());
  const auto best = choose(*report, PickOptions{});
  if (options.json) {
    base::json::object answer = *report;
    answer["recommended"] = best ? base::json::value(base::string_or(best->front(), "device_name"))
                                 : base::json::value(nullptr);
    print(base::to_text(answer) + "\n");
  } else if (options.automatic) {
    print(render_candidates(*report));
    if (best) print(render_choice(*report, base::string_or(best->front(), "device_name")));
  } else {
    print(render_check(*report, screen_of(1)));
  }
  return base::int_or(*report, "count") > 0 ? kDone : 1;
}

}  // namespace berth::cli
