// SPDX-License-Identifier: Apache-2.0
// Who a process is: its command line and user from <root>/proc, remembered by pid and start time so
// that an unchanged process is not read again. Not thread-safe.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>

#include "base/fd.h"
#include "model/device.h"

namespace berth::device {

struct ProcessText {
  std::string
      command;  // arguments joined by spaces, at most kCommandLimit bytes; empty: unreadable
  std::string container;  // twelve digits of its id; empty outside
  std::string user;       // the number where there is no name; empty: no such process here
  model::ProcessState state = model::ProcessState::kUnseen;
};

class ProcessTable {
 public:
  static constexpr std::size_t kCommandLimit = 256;

  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kFresh{50};  // less than it takes to use up all pids

  explicit ProcessTable(std::string root, Clock::duration fresh = kFresh)
      : proc_(std::move(root) + "/proc/"), fresh_(fresh) {}

  /// With `verify` a known pid's start time is checked first, once for all devices of a look;
  /// without it the last answer stands.
  /// The reference is good until the next call.
  const ProcessText& describe(int pid, bool verify);

 private:
  struct Entry {
    std::string identity;  // start time and short name: an exec changes the latter
    Clock::time_point used;
    Clock::time_point verified;
    ProcessText text;
  };

  void forget_unused(Clock::time_point now);
  struct Stat {
    char state = '?';
    int parent = 0;
    int group = 0;
    int session = 0;
    std::string identity;
  };
  [[nodiscard]] std::optional<Stat> stat(int pid) const;
  struct Leader {
    Clock::time_point asked;
    bool there = false;
  };
  bool leads(int group, Clock::time_point now);
  model::ProcessState state_of(int pid, const Stat& process, Clock::time_point now);
  ProcessText read(int pid);
  [[nodiscard]] std::string container_of(int pid) const;
  const std::string& user_name(uid_t uid);

  std::string proc_;
  Clock::duration fresh_;
  Clock::time_point tidied_ = Clock::now();
  std::map<int, Entry> entries_;
  std::map<int, Leader> leaders_;  // of process groups
  std::map<uid_t, std::string> users_;
};

}  // namespace berth::device
