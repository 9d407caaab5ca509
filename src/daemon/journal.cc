// SPDX-License-Identifier: Apache-2.0
#include "daemon/journal.h"

#include <utility>

namespace berth::daemon {

Journal::Journal(Loop& loop, store::Store& store, std::int64_t last_seq,
                 std::function<void(store::Batch&)> prepare,
                 std::function<void(const base::Error&)> on_broken)
    : loop_(loop),
      store_(store),
      last_seq_(last_seq),
      prepare_(std::move(prepare)),
      on_broken_(std::move(on_broken)) {}

std::int64_t Journal::append(base::Time now, std::string input, std::string outcome,
                             std::function<void()> committed) {
  pending_.journal.push_back({++last_seq_, base::to_ms(now), std::move(input), std::move(outcome)});
  flush(std::move(committed));
  return last_seq_;
}

void Journal::flush(std::function<void()> committed) {
  if (committed) callbacks_.push_back(std::move(committed));
  schedule();
}

void Journal::remove_task(std::string id) { pending_.removed.push_back(std::move(id)); }

void Journal::schedule() {
  if (scheduled_ || writing_) {
    scheduled_ = true;
    return;
  }
  scheduled_ = true;
  // Later in this turn of the loop, so that inputs that came together are written together.
  loop_.post([this] { write(); });
}

void Journal::write() {
  if (writing_ || !scheduled_) return;
  scheduled_ = false;
  prepare_(pending_);
  auto batch = std::exchange(pending_, {});
  auto callbacks = std::exchange(callbacks_, {});
  if (batch.empty()) {
    for (auto& callback : callbacks) callback();
    return;
  }
  writing_ = true;
  auto shared = std::make_shared<std::vector<std::function<void()>>>(std::move(callbacks));
  store_.commit(std::move(batch), [this, shared](base::Status status) {
    loop_.post([this, shared, status = std::move(status)] { written(status, std::move(*shared)); });
  });
}

void Journal::written(const base::Status& status, std::vector<std::function<void()>> callbacks) {
  writing_ = false;
  if (!status) {
    on_broken_(status.error());
    return;
  }
  for (auto& callback : callbacks) callback();
  if (scheduled_) write();
}

}  // namespace berth::daemon
