// SPDX-License-Identifier: Apache-2.0
#include "daemon/journal.h"

#include <utility>

namespace berth::daemon {

namespace {
constexpr base::Duration kRetry{500};
}

Journal::Journal(Loop& loop, store::Store& store, std::int64_t last_seq, Events events)
    : loop_(loop), store_(store), last_seq_(last_seq), events_(std::move(events)) {}

void Journal::append(base::Time now, std::string input, std::string outcome,
                     std::function<void()> deed, Answer answer) {
  pending_.journal.push_back({++last_seq_, base::to_ms(now), std::move(input), std::move(outcome)});
  waiting_.push_back({std::move(deed), std::move(answer)});
  schedule();
}

void Journal::flush(Answer answer) {
  const bool urgent = full_ && !writing_ && answer;
  if (answer) waiting_.push_back({{}, std::move(answer)});
  if (urgent) commit();
  schedule();
}

void Journal::remove_task(std::uint64_t sequence) {
  pending_.removed.push_back(static_cast<std::int64_t>(sequence));
}

void Journal::schedule() {
  const bool underway = scheduled_ || writing_ || full_;
  scheduled_ = true;
  // Later in this turn of the loop, so that inputs that came together are written together.
  if (!underway) loop_.post([this] { write(); });
}

void Journal::write() {
  if (writing_ || full_ || !scheduled_) return;
  scheduled_ = false;
  events_.prepare(pending_);
  in_flight_ = std::make_shared<const store::Batch>(std::exchange(pending_, {}));
  in_flight_waiting_ = std::exchange(waiting_, {});
  commit();
}

void Journal::commit() {
  retry_.reset();
  writing_ = true;
  if (in_flight_->empty()) return written({});
  store_.commit(in_flight_, [this](base::Status status) {
    loop_.post([this, status = std::move(status)] { written(status); });
  });
}

void Journal::written(const base::Status& status) {
  writing_ = false;
  if (!status && status.error().code != base::ErrorCode::kStorageFull)
    return events_.broken(status.error());
  if (!status) return refuse(status.error());
  in_flight_.reset();
  if (std::exchange(full_, false)) events_.room();
  for (auto& waiting : std::exchange(in_flight_waiting_, {})) {
    if (waiting.answer) waiting.answer({});
    if (waiting.deed) waiting.deed();
  }
  write();
}

void Journal::refuse(const base::Error& error) {
  if (!std::exchange(full_, true)) events_.room();
  retry_ = loop_.after(kRetry, [this] { commit(); });
  std::vector<Answer> answers;
  for (auto* list : {&in_flight_waiting_, &waiting_}) {
    for (auto& waiting : *list) {
      if (waiting.answer) answers.push_back(std::exchange(waiting.answer, nullptr));
    }
  }
  for (const auto& answer : answers) answer(base::fail(error));
}

}  // namespace berth::daemon
