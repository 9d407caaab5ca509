// SPDX-License-Identifier: Apache-2.0
// Ctrl-C while a task of ours is followed.
#pragma once

#include <csignal>
#include <string>
#include <thread>

namespace berth::cli {

/// While it lives SIGINT and SIGTERM cancel the task, or all of an array; a second one ends the
/// program. Made before any other thread, which inherits that both are blocked. Its own thread is
/// "berth-sig".
class Interrupts {
 public:
  explicit Interrupts(const std::string& id);
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

 private:
  sigset_t signals_{};
  sigset_t before_{};
  std::thread thread_;
};

}  // namespace berth::cli
