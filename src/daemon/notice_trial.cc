// SPDX-License-Identifier: Apache-2.0
#include "daemon/notice_trial.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>

#include "daemon/notifier.h"

namespace berth::daemon {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::duration_cast;
using std::chrono::milliseconds;

}  // namespace

struct NoticeTrial::Round {
  std::vector<NoticeTarget> targets;
  std::string body;
  Clock::time_point until;
  std::vector<api::NoticeDelivery> results;  // each written by the thread that took its number
  std::atomic<std::size_t> next{0};
  std::atomic<std::size_t> working{0};  // threads

  void deliver(std::size_t i) {
    api::NoticeDelivery& result = results[i];
    const auto begin = Clock::now();
    const auto left = duration_cast<milliseconds>(until - begin);
    if (left <= milliseconds(0)) {
      result.reason = "no time was left for it: others did not answer";
      return;
    }
    const auto status = tell_once(targets[i], body, std::string(to_text(Happening::kTest)),
                                  std::min(left, kPatience));
    result.time = duration_cast<base::Duration>(Clock::now() - begin);
    if (!status) result.reason = status.error().message;
  }
};

NoticeTrial::NoticeTrial(Loop& loop) : loop_(loop) {}

NoticeTrial::~NoticeTrial() {
  for (std::thread& thread : threads_) thread.join();
}

void NoticeTrial::begin(std::vector<NoticeTarget> targets, const std::string& host, base::Time now,
                        Callback callback) {
  waiting_.push_back(std::move(callback));
  if (round_ != nullptr) return;
  Notice notice;
  notice.what = Happening::kTest;
  notice.text = "a test of Berth's notifications";
  notice.at = now;
  round_ = std::make_unique<Round>();
  round_->body = to_json_text(notice, host);
  round_->until = Clock::now() + kInAll;
  round_->targets = std::move(targets);
  for (const NoticeTarget& target : round_->targets)
    round_->results.push_back({name_of(target), std::nullopt, base::Duration{}});
  const std::size_t count = std::min(kAtATime, round_->targets.size());
  if (count == 0) return loop_.post([this] { finish(); });
  round_->working = count;
  for (std::size_t i = 0; i < count; ++i) {
    threads_.emplace_back([this, round = round_.get()] {
      ::pthread_setname_np(::pthread_self(), "notice-test");
      for (std::size_t mine = round->next++; mine < round->targets.size(); mine = round->next++)
        round->deliver(mine);
      if (--round->working == 0) loop_.post([this] { finish(); });
    });
  }
}

void NoticeTrial::finish() {
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  const auto round = std::exchange(round_, nullptr);
  for (Callback& callback : std::exchange(waiting_, {})) callback(round->results);
}

}  // namespace berth::daemon
