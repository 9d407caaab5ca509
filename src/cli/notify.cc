// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "cli/gpus_text.h"
#include "cli/members.h"
#include "cli/screen.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "cli/width.h"
#include "cli/words.h"

namespace berth::cli {

namespace json = base::json;

int notify_test(const InfoOptions& options) {
  auto session = Session::open();
  if (!session) return report(session.error());
  const auto answer = session->post("/api/v2/notifications/test");
  if (!answer) return report(answer.error());
  const json::array* targets =
      answer->is_object() ? array_in(answer->as_object(), "targets") : nullptr;
  if (targets == nullptr)
    return report(base::Error{base::ErrorCode::kInternal, "the answer has no targets", {}});
  const Screen screen = screen_of(1);
  std::string text;
  bool all = true;
  for (const json::value& item : *targets) {
    if (!item.is_object()) continue;
    const json::object& target = item.as_object();
    const bool delivered = base::bool_or(target, "delivered");
    all = all && delivered;
    const std::string seconds = number(base::maybe_double(target, "seconds"), 2, "");
    const std::string how = delivered ? tr("delivered in {} s", {seconds})
                                      : tr("not delivered: {}, after {} s",
                                           {printable(base::string_or(target, "reason")), seconds});
    text += paint(delivered ? "✓" : "✗", delivered ? Tone::kGood : Tone::kBad, screen) + " " +
            printable(base::string_or(target, "target")) + "\n  " +
            wrap(how, screen.width > 0 ? std::max(20, screen.width - 2) : 0, "  ") + "\n";
  }
  print(options.json ? base::to_text(*answer) + "\n" : text);
  return all ? kDone : kTaskFailed;
}

}  // namespace berth::cli
