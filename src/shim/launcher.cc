// SPDX-License-Identifier: Apache-2.0
#include "shim/launcher.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "shim/record.h"

namespace berth::shim {
namespace {

constexpr int kSocket = 0;
constexpr std::size_t kMostStrings = 16'384;

pid_t launcher = 0;
int null = -1;

struct Command {
  LaunchRequest head;
  char* strings[kMostStrings + 2];  // arguments, null, environment, null
};

// Points `command` into the message. False for one that is none.
bool parse(char* message, std::size_t size, Command* command) {
  LaunchRequest& head = command->head;
  if (size < sizeof head) return false;
  std::memcpy(&head, message, sizeof head);
  const std::size_t count = static_cast<std::size_t>(head.arguments) + head.environment;
  if (head.arguments == 0 || count > kMostStrings || message[size - 1] != '\0') return false;
  char* at = message + sizeof head;
  char** next = command->strings;
  for (std::size_t i = 0; i < count; ++i) {
    if (i == head.arguments) *next++ = nullptr;
    if (at >= message + size) return false;
    *next++ = at;
    at += std::strlen(at) + 1;
  }
  if (head.environment == 0) *next++ = nullptr;
  *next = nullptr;
  return true;
}

// fork(2) with a pidfd of the child, which cannot come too late.
pid_t fork_with_pidfd(int* pidfd) {
  clone_args arguments{};
  arguments.flags = CLONE_PIDFD;
  arguments.pidfd = reinterpret_cast<std::uint64_t>(pidfd);
  arguments.exit_signal = SIGCHLD;
  return static_cast<pid_t>(syscall(SYS_clone3, &arguments, sizeof arguments));
}

void reply(const LaunchReply& answer, int pidfd) {
  iovec part{const_cast<LaunchReply*>(&answer), sizeof answer};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof pidfd)] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (pidfd >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof pidfd);
    std::memcpy(CMSG_DATA(header), &pidfd, sizeof pidfd);
  }
  while (sendmsg(kSocket, &message, MSG_NOSIGNAL) < 0 && errno == EINTR) {
  }
}

// The command line that `ps` shows: the shim's own arguments as far as they go in the place of the
// launcher's.
void show(char** argv, int argc, char** arguments) {
  char* const begin = argv[0];
  char* const end = argv[argc - 1] + std::strlen(argv[argc - 1]);
  std::memset(begin, 0, static_cast<std::size_t>(end - begin));
  char* at = begin;
  for (; *arguments != nullptr; ++arguments) {
    const std::size_t size = std::strlen(*arguments) + 1;
    if (at + size > end) break;
    std::memcpy(at, *arguments, size);
    at += size;
  }
}

void become_shim() {
  if (null >= 0) dup2(null, kSocket);
  syscall(SYS_close_range, 3U, ~0U, 0U);
  signal(SIGCHLD, SIG_DFL);
}

}  // namespace

bool is_fork_of_launcher() { return launcher != 0; }

pid_t launcher_pid() { return launcher != 0 ? launcher : getppid(); }

int run_launcher(int argc, char** argv, int (*run)(int argc, char** argv)) {
  static char message[kMostLaunchBytes];
  static Command command;
  launcher = getpid();
  null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  setsid();
  remember_boot_id();
  reply({}, -1);
  signal(SIGCHLD, SIG_IGN);  // shims are no zombies: the daemon knows their ends by their pidfds
  for (;;) {
    const ssize_t size = recv(kSocket, message, sizeof message, MSG_TRUNC);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return 0;
    if (static_cast<std::size_t>(size) > sizeof message ||
        !parse(message, static_cast<std::size_t>(size), &command)) {
      reply({command.head.number, 0, EBADMSG}, -1);
      continue;
    }
    int pidfd = -1;
    const pid_t child = fork_with_pidfd(&pidfd);
    if (child == 0) {
      become_shim();
      char** arguments = command.strings;
      show(argv, argc, arguments);
      environ = arguments + command.head.arguments + 1;
      _exit(run(static_cast<int>(command.head.arguments), arguments));
    }
    reply({command.head.number, child > 0 ? child : 0, child > 0 ? 0 : errno}, pidfd);
    if (pidfd >= 0) close(pidfd);
  }
}

}  // namespace berth::shim
