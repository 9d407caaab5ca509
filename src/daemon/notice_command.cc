// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>

#include "base/fd.h"
#include "base/text.h"
#include "daemon/notifier.h"

namespace berth::daemon {

namespace {

using Clock = std::chrono::steady_clock;

base::Status failed(const std::string& what) {
  return base::fail(base::ErrorCode::kUnavailable, what);
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> result;
  for (std::string& word : words) result.push_back(word.data());
  result.push_back(nullptr);
  return result;
}

// A reader that does not read keeps nobody: what the pipe does not take by then is left out.
void write_all(int fd, const std::string& text, Clock::time_point until) {
  std::size_t written = 0;
  while (written < text.size() && Clock::now() < until) {
    const ssize_t count = ::write(fd, text.data() + written, text.size() - written);
    if (count > 0) {
      written += static_cast<std::size_t>(count);
    } else if (count < 0 && errno == EAGAIN) {
      pollfd waiting{fd, POLLOUT, 0};
      ::poll(&waiting, 1, 50);
    } else if (count < 0 && errno != EINTR) {
      return;
    }
  }
}

// As execve() would see it: 0 or an errno.
int cannot_run(const std::string& path) {
  std::error_code none;
  if (::access(path.c_str(), X_OK) != 0) return errno;
  return std::filesystem::is_directory(path, none) ? EISDIR : 0;
}

}  // namespace

base::Status check_program(const std::string& program) {
  int error = ENOENT;
  if (program.find('/') != std::string::npos) {
    error = cannot_run(program);
  } else {
    const char* path = std::getenv("PATH");
    for (const std::string& place : base::split(path != nullptr ? path : "/bin:/usr/bin", ':')) {
      const int found = cannot_run((place.empty() ? "." : place) + "/" + program);
      if (found == 0) return {};
      if (found != ENOENT && found != ENOTDIR) error = found;
    }
  }
  return error == 0 ? base::Status{} : failed(std::strerror(error));
}

base::Status run_with_input(const std::vector<std::string>& command, const std::string& input,
                            const std::string& event, std::chrono::milliseconds patience) {
  const auto until = Clock::now() + patience;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return failed(std::string("no pipe: ") + std::strerror(errno));
  base::Fd reading(ends[0]), writing(ends[1]);
  ::fcntl(writing.get(), F_SETFL, O_NONBLOCK);
  std::vector<std::string> words = command, variables;
  for (char** entry = environ; *entry != nullptr; ++entry) variables.emplace_back(*entry);
  variables.push_back("BERTH_EVENT=" + event);
  const std::vector<char*> argv = pointers(words), envp = pointers(variables);

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, reading.get(), STDIN_FILENO);
  ::posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &defaults);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setflags(
      &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t pid = 0;
  const int error = ::posix_spawnp(&pid, argv[0], &actions, &attributes, argv.data(), envp.data());
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return failed(command.front() + ": " + std::strerror(error));
  reading.reset();
  write_all(writing.get(), input, until);
  writing.reset();
  int status = 0;
  while (::waitpid(pid, &status, WNOHANG) == 0) {
    if (Clock::now() < until) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      continue;
    }
    ::kill(-pid, SIGKILL);
    ::waitpid(pid, &status, 0);
    return failed(command.front() + " took longer than " + std::to_string(patience.count() / 1000) +
                  " s and was killed");
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return failed(command.front() + (WIFEXITED(status)
                                       ? " ended with " + std::to_string(WEXITSTATUS(status))
                                       : " was ended by a signal"));
}

}  // namespace berth::daemon
