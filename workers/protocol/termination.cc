// SPDX-License-Identifier: Apache-2.0
#include "protocol/termination.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <random>

namespace berth::protocol {
namespace {

// The handler may run between any two instructions and may only make async-signal-safe calls, so
// the names lie in fixed storage and a slot is read only while it is kSet.
enum SlotState : int { kFree, kFilling, kSet };

struct Slot {
  std::atomic<int> state{kFree};
  char path[PATH_MAX];
};

constexpr int kSlots = 1024;  // one per thread of a worker at most
Slot slots[kSlots];
static_assert(std::atomic<int>::is_always_lock_free);

std::atomic<bool> ending{false};
std::atomic<int> creating{0};  // threads that are making a file
std::atomic<int> folder_state{kFree};
char folder_path[PATH_MAX];
char folder_leaving[PATH_MAX + sizeof kLeavingSuffix];
constexpr int kDeepest = 64;

/// What getdents64(2) fills in.
struct Entry {
  uint64_t inode;
  int64_t offset;
  unsigned short length;
  unsigned char type;
  char name[1];
};

bool is_dots(const char* name) {
  return std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0;
}

/// opendir() allocates, which a signal handler must not: so the system call itself. Removing may
/// make the listing skip names, hence it is read again until a pass removes nothing.
void remove_folder(int parent, const char* name, int depth) {
  const int fd = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return;
  alignas(Entry) char buffer[2048];
  for (bool removed = true; removed;) {
    removed = false;
    ::lseek(fd, 0, SEEK_SET);
    long bytes = 0;
    while ((bytes = ::syscall(SYS_getdents64, fd, buffer, sizeof buffer)) > 0) {
      for (long at = 0; at < bytes;) {
        const auto* entry = reinterpret_cast<const Entry*>(buffer + at);
        at += entry->length;
        if (is_dots(entry->name)) continue;
        if (::unlinkat(fd, entry->name, 0) == 0) {
          removed = true;
        } else if (errno == EISDIR && depth < kDeepest) {
          remove_folder(fd, entry->name, depth + 1);
          removed = removed || ::faccessat(fd, entry->name, F_OK, AT_SYMLINK_NOFOLLOW) != 0;
        }
      }
    }
  }
  ::close(fd);
  ::unlinkat(parent, name, AT_REMOVEDIR);
}

/// For a second at most: a file system that hangs must not keep the process.
void wait_for_creators() {
  const timespec step{0, 1'000'000};
  for (int i = 0; i < 1000 && creating.load() > 0; ++i) ::nanosleep(&step, nullptr);
}

/// -1 if all slots are taken or the name is too long.
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

std::string temporary_name(const std::string& path) {
  // Processes in two containers, or on two hosts, may have the same number. Without the file's own
  // name, which may be as long as names can be.
  static const std::string process = std::to_string(std::random_device{}());
  static std::atomic<uint64_t> counter{0};
  const size_t slash = path.rfind('/');
  return path.substr(0, slash == std::string::npos ? 0 : slash + 1) + ".berth-" +
         std::to_string(::getpid()) + "-" + process + "-" + std::to_string(counter++) + ".part";
}

void on_signal(int signal_number) {
  // Whoever ends a process tree may signal it more than once, and each thread has its own mask.
  while (ending.exchange(true)) ::pause();
  wait_for_creators();
  for (Slot& slot : slots) {
    if (slot.state.load() == kSet) ::unlink(slot.path);
  }
  if (folder_state.load() == kSet) {
    // Under its old name the other threads would go on filling it.
    const bool moved = ::rename(folder_path, folder_leaving) == 0;
    remove_folder(AT_FDCWD, moved ? folder_leaving : folder_path, 0);
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

TemporaryFile create_temporary(const std::string& path) {
  TemporaryFile file;
  file.path = temporary_name(path);
  // Else the handler could interrupt this very thread, and wait for it.
  const TerminationPause pause;
  creating.fetch_add(1);
  if (ending.load()) {
    creating.fetch_sub(1);
    wait_if_ending();
  }
  file.slot = remember_temporary(file.path);
  file.fd = ::open(file.path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  const int error = errno;
  if (file.fd < 0) {
    forget_temporary(file.slot);
    file.slot = -1;
  }
  creating.fetch_sub(1);
  errno = error;
  return file;
}

void forget_temporary(int slot) {
  if (slot >= 0 && slot < kSlots) slots[slot].state.store(kFree);
}

void remember_folder(const std::string& path) {
  folder_state.store(kFree);
  if (path.empty() || path.size() + 1 > sizeof folder_path) return;
  std::memcpy(folder_path, path.c_str(), path.size() + 1);
  std::memcpy(folder_leaving, path.c_str(), path.size());
  std::memcpy(folder_leaving + path.size(), kLeavingSuffix, sizeof kLeavingSuffix);
  folder_state.store(kSet);
}

TerminationPause::TerminationPause() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &signals, &before_);
}

TerminationPause::~TerminationPause() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

void wait_if_ending() {
  while (ending.load()) ::pause();
}

}  // namespace berth::protocol
