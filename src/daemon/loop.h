// SPDX-License-Identifier: Apache-2.0
// The one thread that owns the state: Asio without its headers. Timers, readable descriptors,
// messages from other threads, signals. Completion handlers, no coroutines.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/time.h"

namespace boost::asio {
class io_context;
}

namespace berth::daemon {

class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  boost::asio::io_context& context();

  /// Runs until stop(). run_until additionally returns when `done` says so after a handler.
  void run();
  void run_until(const std::function<bool()>& done);
  void stop();

  /// From any thread: `work` runs on the loop, later.
  void post(std::function<void()> work);

  /// A handle: dropping it cancels.
  using Handle = std::shared_ptr<void>;
  /// Runs once after `delay`.
  [[nodiscard]] Handle after(base::Duration delay, std::function<void()> work);
  /// Runs after each `interval` until dropped.
  [[nodiscard]] Handle every(base::Duration interval, std::function<void()> work);
  /// Runs each time that `fd` is readable (hang-up included) until dropped. The descriptor stays
  /// the caller's, who closes it after dropping the handle.
  [[nodiscard]] Handle on_readable(int fd, std::function<void()> work);
  [[nodiscard]] Handle on_signals(const std::vector<int>& signals, std::function<void(int)> work);

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace berth::daemon
