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
#include <initializer_list>

#include "shim/record.h"

namespace berth::shim {
namespace {

constexpr int kSocket = 0;
constexpr int kChannel = 3;

pid_t launcher = 0;
int null = -1;
// Of the launcher's own command line.
char* line_begin = nullptr;
char* line_end = nullptr;

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

// Descriptors below 0 are left out.
void reply(const LaunchReply& answer, int pidfd, int channel) {
  const int fds[] = {pidfd, channel};
  const std::size_t count = pidfd < 0 ? 0 : channel < 0 ? 1 : 2;
  iovec part{const_cast<LaunchReply*>(&answer), sizeof answer};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof fds)] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (count > 0) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(int));
    std::memcpy(CMSG_DATA(header), fds, count * sizeof(int));
  }
  while (sendmsg(kSocket, &message, MSG_NOSIGNAL) < 0 && errno == EINTR) {
  }
}

// The command line that `ps` shows: the shim's own arguments as far as they go in the place of the
// launcher's.
void show(char** arguments) {
  std::memset(line_begin, 0, static_cast<std::size_t>(line_end - line_begin));
  char* at = line_begin;
  for (; *arguments != nullptr; ++arguments) {
    const std::size_t size = std::strlen(*arguments) + 1;
    if (at + size > line_end) break;
    std::memcpy(at, *arguments, size);
    at += size;
  }
}

char message[kMostLaunchBytes];
Command command;

// The next request into `command`: 1; 0 when nobody sends any more; below 0 for what is none.
int receive(int socket) {
  ssize_t size = 0;
  do {
    size = recv(socket, message, sizeof message, MSG_TRUNC);
  } while (size < 0 && errno == EINTR);
  if (size <= 0) return 0;
  const bool whole = static_cast<std::size_t>(size) <= sizeof message;
  return whole && parse(message, static_cast<std::size_t>(size), &command) ? 1 : -1;
}

void take_over(int* argc, char*** argv) {
  *argc = static_cast<int>(command.head.arguments);
  *argv = command.strings;
  show(command.strings);
  environ = command.strings + command.head.arguments + 1;
}

// `theirs`: the daemon's end of the channel, without which we would never see it closed.
void become_shim(int channel, int theirs) {
  if (theirs >= 0) close(theirs);
  if (null >= 0) dup2(null, kSocket);
  if (channel >= 0 && channel != kChannel) dup3(channel, kChannel, O_CLOEXEC);
  syscall(SYS_close_range, channel >= 0 ? kChannel + 1U : 3U, ~0U, 0U);
  signal(SIGCHLD, SIG_DFL);
}

}  // namespace

bool is_fork_of_launcher() { return launcher != 0; }

bool next_request(int channel, int* argc, char*** argv) {
  static char name[] = "berth-shim";
  static char idle[] = "--idle";
  char* nothing[] = {name, idle, nullptr};
  show(nothing);
  if (receive(channel) != 1) return false;
  take_over(argc, argv);
  return true;
}

int run_launcher(int argc, char** argv, int (*run)(int argc, char** argv, int channel)) {
  launcher = getpid();
  line_begin = argv[0];
  line_end = argv[argc - 1] + std::strlen(argv[argc - 1]);
  null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  setsid();
  remember_boot_id();
  reply({}, -1, -1);
  signal(SIGCHLD, SIG_IGN);  // shims are no zombies: the daemon knows their ends by their pidfds
  for (int got = receive(kSocket); got != 0; got = receive(kSocket)) {
    if (got < 0) {
      reply({command.head.number, 0, EBADMSG}, -1, -1);
      continue;
    }
    int ends[2] = {-1, -1};
    if (command.head.channel != 0 &&
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
      reply({command.head.number, 0, errno}, -1, -1);
      continue;
    }
    int pidfd = -1;
    const pid_t child = fork_with_pidfd(&pidfd);
    if (child == 0) {
      become_shim(ends[1], ends[0]);
      take_over(&argc, &argv);
      _exit(run(argc, argv, ends[1] >= 0 ? kChannel : -1));
    }
    reply({command.head.number, child > 0 ? child : 0, child > 0 ? 0 : errno}, pidfd, ends[0]);
    for (const int fd : {pidfd, ends[0], ends[1]}) {
      if (fd >= 0) close(fd);
    }
  }
  return 0;
}

}  // namespace berth::shim
