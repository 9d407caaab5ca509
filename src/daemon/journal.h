// SPDX-License-Identifier: Apache-2.0
// Group commit: what happens while one transaction is being written goes into the next one, so
// that durability costs one fsync for many inputs. Loop thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "daemon/loop.h"
#include "store/store.h"

namespace berth::daemon {

class Journal {
 public:
  /// `on_broken` when a commit failed: the daemon must stop. `prepare` runs just before a batch is
  /// handed over and may add to it (records that changed, a snapshot).
  Journal(Loop& loop, store::Store& store, std::int64_t last_seq,
          std::function<void(store::Batch&)> prepare,
          std::function<void(const base::Error&)> on_broken);

  /// The number that the entry gets. `committed` runs on the loop when it is durable.
  std::int64_t append(base::Time now, std::string input, std::string outcome,
                      std::function<void()> committed);
  /// For changes beside the journal, which prepare() adds.
  void flush(std::function<void()> committed = {});
  void remove_task(std::string id);

  [[nodiscard]] std::int64_t last_seq() const { return last_seq_; }
  [[nodiscard]] bool idle() const { return !writing_ && !scheduled_; }

 private:
  void schedule();
  void write();
  void written(const base::Status& status, std::vector<std::function<void()>> callbacks);

  Loop& loop_;
  store::Store& store_;
  std::int64_t last_seq_;
  std::function<void(store::Batch&)> prepare_;
  std::function<void(const base::Error&)> on_broken_;
  store::Batch pending_;
  std::vector<std::function<void()>> callbacks_;
  bool writing_ = false;
  bool scheduled_ = false;
};

}  // namespace berth::daemon
