// SPDX-License-Identifier: Apache-2.0
#include "cli/array_text.h"
#include "cli/explain_text.h"
#include "cli/screen.h"
#include "cli/session.h"
#include "cli/verbs.h"

namespace berth::cli {

int why(const ShowOptions& options) {
  auto session = Session::open();
  if (!session) return report(session.error());
  const auto task = session->task(options.id);
  if (!task) return report(task.error());
  if (is_array(*task)) return report(name_one_of(*task, "why"));
  const auto explanation =
      session->object(task_path(base::string_or(*task, "task_id"), "/explain"));
  if (!explanation) return report(explanation.error());
  print(options.json ? base::to_text(*explanation) + "\n"
                     : render_explanation(*explanation, screen_of(1)));
  return kDone;
}

}  // namespace berth::cli
