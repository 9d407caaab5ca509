// SPDX-License-Identifier: Apache-2.0
// Whether the targets of notices can be told anything: each gets a notice of the kind `test`,
// whatever it wants to hear of, once. In threads of its own, so that those that do not answer keep
// neither the loop nor real notices, nor the other targets. Loop thread only.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "api/service.h"
#include "daemon/loop.h"
#include "daemon/notice.h"

namespace berth::daemon {

class NoticeTrial {
 public:
  using Callback = std::function<void(std::vector<api::NoticeDelivery>)>;

  explicit NoticeTrial(Loop& loop);
  ~NoticeTrial();  // waits for the deliveries under way; nobody is called back
  NoticeTrial(const NoticeTrial&) = delete;
  NoticeTrial& operator=(const NoticeTrial&) = delete;

  /// `callback` runs from the loop, never from inside: how each target took it, in their order,
  /// within kInAll. While a round is under way, who asks for another gets what that one finds, so
  /// that nobody can flood a chat service.
  void begin(std::vector<NoticeTarget> targets, const std::string& host, base::Time now,
             Callback callback);

  static constexpr std::size_t kAtATime = 8;
  static constexpr std::chrono::milliseconds kPatience{10'000}, kInAll{15'000};

 private:
  struct Round;
  void finish();

  Loop& loop_;
  std::unique_ptr<Round> round_;  // while one is under way
  std::vector<std::thread> threads_;
  std::vector<Callback> waiting_;
};

}  // namespace berth::daemon
