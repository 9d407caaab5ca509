// SPDX-License-Identifier: Apache-2.0
#include "protocol/termination.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <cstring>

namespace berth::protocol {
namespace {

// The handler may run between any two instructions and may only make async-signal-safe calls, so
// the names lie in fixed storage and a slot is read only while it is kSet.
enum SlotState : int { kFree, kFilling, kSet };

struct Slot {
  std::atomic<int> state{kFree};
  char path[PATH_MAX];
};

constexpr int kSlots = 64;
Slot slots[kSlots];
static_assert(std::atomic<int>::is_always_lock_free);

void on_signal(int signal_number) {
  for (Slot& slot : slots) {
    if (slot.state.load() == kSet) ::unlink(slot.path);
  }
  const char text[] = "stopped by a signal\n";
  (void)!::write(STDERR_FILENO, text, sizeof text - 1);
  ::_exit(128 + signal_number);
}

}  // namespace

void install_termination() {
  struct sigaction action{};
  action.sa_handler = on_signal;
  sigfillset(&action.sa_mask);
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGINT, &action, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

int remember_temporary(const std::string& path) {
  if (path.size() + 1 > sizeof(Slot::path)) return -1;
  for (int i = 0; i < kSlots; ++i) {
    int expected = kFree;
    if (slots[i].state.compare_exchange_strong(expected, kFilling)) {
      std::memcpy(slots[i].path, path.c_str(), path.size() + 1);
      slots[i].state.store(kSet);
      return i;
    }
  }
  return -1;
}

void forget_temporary(int slot) {
  if (slot >= 0 && slot < kSlots) slots[slot].state.store(kFree);
}

}  // namespace berth::protocol
