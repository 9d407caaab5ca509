// SPDX-License-Identifier: Apache-2.0
// Tells targets of notices: a POST or a program, from a thread of its own, so that nobody waits for
// a chat service. What cannot be told is tried again a few times and then logged.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "daemon/notice.h"

namespace berth::daemon {

class Notifier {
 public:
  Notifier();
  ~Notifier();  // tries what is left once, for kFarewell at most
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  /// From the loop, all of them.
  void set_targets(std::vector<NoticeTarget> targets) { targets_ = std::move(targets); }
  [[nodiscard]] bool any() const { return !targets_.empty(); }
  void tell(const Notice& notice);
  /// Of this machine, as notices have it.
  [[nodiscard]] const std::string& host() const { return host_; }

  static constexpr std::size_t kMostWaiting = 1000;
  static constexpr int kTries = 3;
  static constexpr std::chrono::milliseconds kPatience{10'000}, kPause{1'000}, kFarewell{3'000};

 private:
  struct Message {
    NoticeTarget target;
    std::string body;
    std::string event;
    int tries = 0;
    std::chrono::steady_clock::time_point due{};
  };
  void run();
  void deliver(Message message);

  std::vector<NoticeTarget> targets_;  // the loop's
  std::string host_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Message> waiting_;
  bool stop_ = false;
  std::chrono::steady_clock::time_point last_moment_{};
  std::thread thread_;
};

/// One try. kUnavailable tells why it was not taken.
base::Status tell_once(const NoticeTarget& target, const std::string& body,
                       const std::string& event, std::chrono::milliseconds patience);

/// What may be said of a target: its program, or where its URL leads. The rest of a webhook's URL,
/// path, query and user, is its password.
std::string name_of(const NoticeTarget& target);

/// Whether `program`, a path or a name on PATH, can be run as a target's command.
base::Status check_program(const std::string& program);

/// Runs `command` with `input` on its standard input, `event` in BERTH_EVENT, and waits for it, for
/// `patience` at most; then it is killed with its process group. SIGPIPE is to be ignored. An error
/// tells how it ended.
base::Status run_with_input(const std::vector<std::string>& command, const std::string& input,
                            const std::string& event, std::chrono::milliseconds patience);

}  // namespace berth::daemon
