// SPDX-License-Identifier: Apache-2.0
#include "daemon/history_keeper.h"

#include <pthread.h>

#include <chrono>
#include <utility>

#include "base/log.h"
#include "store/history.h"

namespace berth::daemon {

namespace {

constexpr std::int64_t kFlushEvery = 10, kTidyEvery = 600;  // seconds
constexpr base::Duration kStale{2'000};
constexpr std::chrono::seconds kOpenAgain{60};

std::int64_t seconds_of(base::Time time) { return base::to_ms(time) / 1000; }

}  // namespace

HistoryKeeper::HistoryKeeper(Loop& loop, std::string path)
    : loop_(loop), path_(std::move(path)), thread_([this] { run(); }) {
  // Minutes and quarters that began before a restart go on.
  ask([this, second = seconds_of(base::now())](store::History* history) {
    if (history == nullptr) return;
    auto current = history->current(second);
    if (!current) return;
    loop_.post([this, alive = std::weak_ptr<int>(alive_), current = std::move(*current)] {
      if (alive.expired()) return;
      for (const auto& [device, point] : current) roller_.resume(device, point);
    });
  });
}

HistoryKeeper::~HistoryKeeper() {
  flush(base::now());
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void HistoryKeeper::run() {
  ::pthread_setname_np(::pthread_self(), "history");
  using Clock = std::chrono::steady_clock;
  auto opened = store::History::open(path_);
  auto tried = Clock::now();
  if (!opened) {
    base::log_warning("the devices' history is not kept", {{"reason", opened.error().message}});
  }
  for (;;) {
    Work work;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stop_ || !work_.empty(); });
      if (work_.empty()) return;
      work = std::move(work_.front());
      work_.pop_front();
    }
    // A disk that was full at the start may have room again.
    if (!opened && Clock::now() - tried > kOpenAgain) {
      opened = store::History::open(path_);
      tried = Clock::now();
      if (opened) base::log_info("the devices' history is kept again");
    }
    work(opened ? opened->get() : nullptr);
  }
}

void HistoryKeeper::ask(Work work) {
  {
    const std::lock_guard lock(mutex_);
    work_.push_back(std::move(work));
  }
  wake_.notify_one();
}

void HistoryKeeper::take(const std::vector<model::Sample>& samples, base::Time now) {
  const std::int64_t second = seconds_of(now);
  for (const auto& sample : samples) {
    if (sample.health != model::Health::kHealthy || now - sample.taken > kStale) continue;
    roller_.take(sample.device.value, model::point_of(sample, second));
  }
  if (second - flushed_ >= kFlushEvery) flush(now);
}

void HistoryKeeper::flush(base::Time now) {
  flushed_ = seconds_of(now);
  std::vector<store::History::Addition> additions;
  for (auto& change : roller_.changes())
    additions.push_back({std::move(change.device), change.point});
  const bool tidy = flushed_ - tidied_ >= kTidyEvery;
  if (tidy) tidied_ = flushed_;
  ask([additions = std::move(additions), tidy, second = flushed_](store::History* history) {
    if (history == nullptr) return;
    auto done = history->add(additions);
    if (done && tidy) done = history->forget(second);
    if (!done)
      base::log_warning("readings are not in the history", {{"reason", done.error().message}});
  });
}

void HistoryKeeper::read(std::string device, std::int64_t step, std::int64_t from, std::int64_t to,
                         std::function<void(base::Result<Points>)> done) {
  flush(base::now());  // what was asked for may have just happened
  ask([this, device = std::move(device), step, from, to,
       done = std::move(done)](store::History* history) mutable {
    auto points = history != nullptr
                      ? history->read(device, step, from, to)
                      : base::Result<Points>(base::fail(base::ErrorCode::kUnavailable,
                                                        "the devices' history is not kept"));
    loop_.post([done = std::move(done), points = std::move(points)]() mutable {
      done(std::move(points));
    });
  });
}

}  // namespace berth::daemon
