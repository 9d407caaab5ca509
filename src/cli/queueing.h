// SPDX-License-Identifier: Apache-2.0
// When a task of `berth run` starts, and starts again: the words of the command line, and the
// fields of POST /api/v2/tasks that they become.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/session.h"
#include "model/request.h"

namespace berth::cli {

struct Queueing {
  model::Retry retry;
  std::vector<std::string> after, after_any;  // ids, or beginnings of ids
  bool hold = false;
  std::string pool;
  bool group_by_kind = false;
  std::optional<base::Duration> cpu_after;  // --fallback cpu
};

/// "exit,device_lost". Errors say which words there are.
base::Result<std::set<model::FailureKind>> parse_failures(const std::string& text);

/// "50%" is 50: from 0 to 900, as the API takes a factor from 1 to 10.
base::Result<int> parse_more_memory(const std::string& text);

/// "a,b": none of them empty.
base::Result<std::vector<std::string>> parse_ids(const std::string& text);

/// Adds the fields. Ids are given in full, which the daemon is asked about: kNotFound, with the
/// option's name, for one that fits no task or several.
base::Status add_queueing(base::json::object& body, const Queueing& queueing);

}  // namespace berth::cli
