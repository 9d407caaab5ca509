// SPDX-License-Identifier: Apache-2.0
#include "daemon/notifier.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "http/post.h"

namespace berth::daemon {

namespace {

using Clock = std::chrono::steady_clock;

std::string host_name() {
  char name[256] = "";
  if (::gethostname(name, sizeof name - 1) != 0) return "berth";
  return name;
}

}  // namespace

base::Status tell_once(const NoticeTarget& target, const std::string& body,
                       const std::string& event, std::chrono::milliseconds patience) {
  if (!target.command.empty()) return run_with_input(target.command, body, event, patience);
  const auto status = http::post(target.url, "application/json", body, patience);
  if (!status) return base::fail(status.error());
  if (*status >= 200 && *status < 300) return {};
  return base::fail(base::ErrorCode::kUnavailable, "it answered HTTP " + std::to_string(*status));
}

std::string name_of(const NoticeTarget& target) {
  if (!target.command.empty()) return target.command.front();
  const auto scheme = target.url.find("://");
  const auto begin = scheme == std::string::npos ? 0 : scheme + 3;
  std::string place = target.url.substr(begin, target.url.find_first_of("/?#", begin) - begin);
  if (const auto user = place.rfind('@'); user != std::string::npos) place.erase(0, user + 1);
  return target.url.substr(0, begin) + place;
}

Notifier::Notifier() : host_(host_name()), thread_([this] { run(); }) {}

Notifier::~Notifier() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    last_moment_ = Clock::now() + kFarewell;
  }
  wake_.notify_one();
  thread_.join();
}

void Notifier::tell(const Notice& notice) {
  bool full = false;
  {
    const std::lock_guard lock(mutex_);
    for (const NoticeTarget& target : targets_) {
      if (!target.wants(notice)) continue;
      full = waiting_.size() >= kMostWaiting;
      if (full) break;
      waiting_.push_back(
          {target, to_json_text(notice, host_), std::string(to_text(notice.what)), 0, {}});
    }
  }
  wake_.notify_one();
  if (full) base::log_warning("a notification is dropped: too many wait", {{"what", notice.text}});
}

void Notifier::run() {
  ::pthread_setname_np(::pthread_self(), "notices");
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto now = Clock::now();
    const auto next =
        std::min_element(waiting_.begin(), waiting_.end(),
                         [](const Message& a, const Message& b) { return a.due < b.due; });
    if (stop_ && (next == waiting_.end() || now >= last_moment_)) return;
    if (next == waiting_.end()) {
      wake_.wait(lock);
      continue;
    }
    if (!stop_ && next->due > now) {
      wake_.wait_until(lock, next->due);
      continue;
    }
    Message message = std::move(*next);
    waiting_.erase(next);
    lock.unlock();
    deliver(std::move(message));
    lock.lock();
  }
}

void Notifier::deliver(Message message) {
  auto patience = kPatience;
  bool last = ++message.tries >= kTries;
  {
    const std::lock_guard lock(mutex_);
    if (stop_) {
      last = true;
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(last_moment_ - Clock::now());
      patience = std::clamp(left, std::chrono::milliseconds(1), kPatience);
    }
  }
  const auto told = tell_once(message.target, message.body, message.event, patience);
  if (told) return;
  if (last) {
    base::log_warning("a notification could not be delivered", {{"to", name_of(message.target)},
                                                                {"event", message.event},
                                                                {"reason", told.error().message}});
    return;
  }
  message.due = Clock::now() + kPause * (1 << (2 * (message.tries - 1)));
  const std::lock_guard lock(mutex_);
  waiting_.push_back(std::move(message));
}

}  // namespace berth::daemon
