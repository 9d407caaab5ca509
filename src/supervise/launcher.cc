// SPDX-License-Identifier: Apache-2.0
#include "supervise/launcher.h"

#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "shim/launcher.h"
#include "supervise/spawn_setup.h"

namespace berth::supervise {

using base::ErrorCode;
using base::fail;

namespace {

// Room for the command lines that its shims show in its place.
constexpr std::size_t kRoomForCommandLines = 240;
constexpr int kSendBuffer = 1 << 20;

void add(std::string& message, const std::vector<std::string>& strings) {
  for (const auto& text : strings) message.append(text.c_str(), text.size() + 1);
}

std::size_t bytes_of(const std::vector<std::string>& strings) {
  std::size_t bytes = 0;
  for (const auto& text : strings) bytes += text.size() + 1;
  return bytes;
}

bool send_request(const base::Fd& socket, shim::LaunchRequest head, const ShimCommand& command) {
  if (!fits(command)) return false;
  head.arguments = static_cast<std::uint32_t>(command.arguments.size());
  head.environment = static_cast<std::uint32_t>(command.environment.size());
  std::string message(sizeof head, '\0');
  std::memcpy(message.data(), &head, sizeof head);
  add(message, command.arguments);
  add(message, command.environment);
  const ssize_t sent =
      ::send(socket.get(), message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent == static_cast<ssize_t>(message.size());
}

}  // namespace

base::Result<Launcher> Launcher::start(const std::string& shim_path) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return fail(base::errno_error("cannot make a socket pair", errno));
  base::Fd ours(ends[0]);
  const base::Fd theirs(ends[1]);
  ::setsockopt(ours.get(), SOL_SOCKET, SO_SNDBUF, &kSendBuffer, sizeof kSendBuffer);
  std::string path = shim_path;
  std::string option = shim::kLauncherOption;
  std::string room(kRoomForCommandLines, ' ');
  char* arguments[] = {path.data(), option.data(), room.data(), nullptr};
  const SpawnSetup setup(theirs.get());
  pid_t pid = 0;
  const int code =
      ::posix_spawn(&pid, shim_path.c_str(), &setup.actions, &setup.attributes, arguments, environ);
  if (code != 0) return fail(base::errno_error("cannot start " + shim_path, code));
  return Launcher(std::move(ours), pid);
}

Launcher::~Launcher() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);  // nobody waits long for what was killed
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

std::optional<std::uint32_t> Launcher::send(const ShimCommand& command, bool held) {
  if (!there_) return std::nullopt;
  shim::LaunchRequest head;
  head.number = ++last_;
  head.channel = held ? 1 : 0;
  if (!send_request(socket_, head, command)) return std::nullopt;
  return head.number;
}

base::Result<std::optional<Launcher::Reply>> Launcher::receive() {
  shim::LaunchReply answer;
  iovec part{&answer, sizeof answer};
  alignas(cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t got = ::recvmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return std::optional<Reply>{};
  if (got != static_cast<ssize_t>(sizeof answer))
    return fail(ErrorCode::kNotFound, "the launcher of shims is gone");
  if (answer.number == 0) {
    there_ = true;
    return std::optional(Reply{0, Launched{}});
  }
  Launched launched;
  launched.shim_pid = answer.pid;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_type == SCM_RIGHTS) {
    int fds[] = {-1, -1};
    std::memcpy(fds, CMSG_DATA(header), std::min(sizeof fds, header->cmsg_len - CMSG_LEN(0)));
    launched.pidfd = base::Fd(fds[0]);
    launched.channel = base::Fd(fds[1]);
  }
  if (answer.error != 0 || !launched.pidfd.valid()) {
    return std::optional(
        Reply{answer.number, fail(base::errno_error("cannot start a supervisor process",
                                                    answer.error != 0 ? answer.error : EMFILE))});
  }
  return std::optional(Reply{answer.number, std::move(launched)});
}

bool fits(const ShimCommand& command) {
  return command.arguments.size() + command.environment.size() <= shim::kMostStrings &&
         sizeof(shim::LaunchRequest) + bytes_of(command.arguments) +
                 bytes_of(command.environment) <=
             shim::kMostLaunchBytes;
}

bool say_go(const base::Fd& channel) {
  return ::send(channel.get(), &shim::kWordGo, 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
}

bool send_next(const base::Fd& channel, const ShimCommand& command) {
  return send_request(channel, {}, command);
}

Word hear(const base::Fd& channel) {
  char word = 0;
  const ssize_t got = ::recv(channel.get(), &word, sizeof word, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return Word::kNothing;
  return got == 1 && word == shim::kWordEnded ? Word::kEnded : Word::kGone;
}

}  // namespace berth::supervise
