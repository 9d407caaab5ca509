// SPDX-License-Identifier: Apache-2.0
// What the daemon itself writes into the log of a task. Each note of an attempt has a key, so that
// one which is written again after a restart is dropped.
#pragma once

#include <string>

#include "core/output.h"
#include "daemon/supervisor.h"
#include "model/record.h"

namespace berth::daemon {

class TaskNotes {
 public:
  explicit TaskNotes(Supervisor& supervisor) : supervisor_(supervisor) {}

  /// Opens the log.
  void queued(const model::TaskRecord& task);
  void allocated(const model::TaskRecord& task);
  void started(const model::TaskRecord& task);
  void not_started(const model::TaskId& id, int attempt, const model::Refusal& why);
  /// `device`: where it ran.
  void stopping(const core::Stop& order, const std::string& device);
  void tried_again(const model::TaskRecord& task, const core::Requeued& again);
  /// `ending`: it is stopped for that, not just warned.
  void memory_over(const model::TaskId& id, int attempt, const std::string& device,
                   base::Bytes used, base::Bytes reserved, bool ending);
  void ended(const model::TaskRecord& task);

 private:
  void write(const model::TaskId& id, std::string_view level, std::string_view code,
             base::json::array arguments, std::uint64_t key);

  Supervisor& supervisor_;
};

}  // namespace berth::daemon
