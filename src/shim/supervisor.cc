// SPDX-License-Identifier: Apache-2.0
#include "shim/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <initializer_list>

#include "shim/launcher.h"
#include "shim/layout.h"
#include "shim/tree.h"

namespace berth::shim {
namespace {

constexpr std::int64_t kLeftOverGraceMs = 2'000;
constexpr std::int64_t kLongestKillPauseMs = 500;

std::int64_t monotonic_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

std::int64_t microseconds(const timeval& time) {
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000 + time.tv_usec;
}

}  // namespace

int Supervisor::run() {
  started_ms_ = wall_ms();
  if (!start()) {
    give_up_claim(dir_);
    return kExitCannotStart;
  }
  loop();
  return finish();
}

bool Supervisor::prepare() {
  sigset_t wanted;
  sigemptyset(&wanted);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGUSR1, SIGUSR2}) sigaddset(&wanted, signal);
  signals_ = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals_ < 0) return false;
  if (!output_.open(dir_, kStdoutFile, options_.max_output_bytes) ||
      !error_.open(dir_, kStderrFile, options_.max_output_bytes)) {
    return false;
  }
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  return channel_ < 0 || spawn();
}

bool Supervisor::wait_for_go() {
  for (;;) {
    pollfd fds[] = {{signals_, POLLIN, 0}, {channel_, POLLIN, 0}};
    if (poll(fds, 2, -1) < 0 && errno != EINTR) return false;
    // First: told to end together with the word, nothing is to run.
    signalfd_siginfo info{};
    while (read(signals_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      if (info.ssi_signo != SIGCHLD) return false;
    }
    if (fds[1].revents == 0) continue;
    char word = 0;
    return recv(channel_, &word, sizeof word, MSG_DONTWAIT) == 1 && word == kWordGo;
  }
}

void Supervisor::abandon() {
  if (child_ > 0 && kill(child_, SIGKILL) == 0) {
    while (waitpid(child_, nullptr, __WALL) < 0 && errno == EINTR) {
    }
  }
  if (in_cgroup_) remove_cgroup(options_.cgroup);
}

bool Supervisor::start() {
  if (options_.has_user) give_events();
  if (options_.timeout_ms >= 0) timeout_at_ = monotonic_ms() + options_.timeout_ms;
  if (channel_ < 0 && !spawn()) return false;
  if (channel_ >= 0) kill(child_, go_signal());
  add_child(&claim_, child_);
  return true;
}

bool Supervisor::spawn() {
  in_cgroup_ = options_.cgroup != nullptr && make_cgroup(options_.cgroup);
  if (in_cgroup_ && options_.limits_program != nullptr) {
    set_limits(dir_, options_.limits_program, options_.cgroup, options_.limits,
               options_.limit_count);
  }

  ChildSetup setup;
  setup.options = &options_;
  setup.dir = dir_;
  setup.output = output_.write_end();
  setup.error = error_.write_end();
  setup.claim = claim_.file;
  setup.shim = getpid();
  setup.channel = channel_;
  child_ = in_cgroup_ ? fork_into_cgroup(options_.cgroup) : fork();
  if (child_ < 0 && in_cgroup_ && options_.keep_cgroup && remove_cgroup(options_.cgroup)) {
    // Whatever the attempt before has done to it.
    in_cgroup_ = make_cgroup(options_.cgroup);
    child_ = in_cgroup_ ? fork_into_cgroup(options_.cgroup) : fork();
  }
  if (child_ < 0 && in_cgroup_) {
    setup.enter_cgroup = true;
    child_ = fork();
  }
  if (child_ == 0) become_task(setup);
  output_.close_write_end();
  error_.close_write_end();
  if (child_ < 0) {
    if (in_cgroup_) remove_cgroup(options_.cgroup);
    return false;
  }
  return true;
}

// The task's user may write into this file, but not make it.
void Supervisor::give_events() {
  const int events = openat(dir_, kEventsFile, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (events < 0) return;  // the task finds out when it opens it
  if (fchown(events, options_.uid, options_.gid) != 0 || fchmod(dir_, 0711) != 0) {
  }
  close(events);
}

void Supervisor::loop() {
  reap();  // one that could not become the task may have ended while we were held
  while (!tree_gone_) step(next_timeout_ms());
}

int Supervisor::next_timeout_ms() const {
  std::int64_t at = phase_ == Phase::kRunning ? timeout_at_ : phase_at_;
  if (at < 0) return -1;
  at -= monotonic_ms();
  return at < 0 ? 0 : at > 1'000'000 ? 1'000'000 : static_cast<int>(at);
}

void Supervisor::step(int timeout_ms) {
  pollfd fds[] = {
      {signals_, POLLIN, 0}, {output_.read_end(), POLLIN, 0}, {error_.read_end(), POLLIN, 0}};
  if (poll(fds, 3, timeout_ms) < 0 && errno != EINTR) return;
  if (fds[1].revents != 0) output_.pump();
  if (fds[2].revents != 0) error_.pump();
  if (fds[0].revents != 0) on_signals();
  on_deadlines();
}

void Supervisor::on_signals() {
  reap();  // first: a main process that ended by itself was not cancelled
  signalfd_siginfo info{};
  while (read(signals_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    const int signal = static_cast<int>(info.ssi_signo);
    if (signal == SIGCHLD) continue;
    if (signal == SIGUSR2 && phase_ != Phase::kRunning) continue;  // it is ending already
    if (phase_ != Phase::kRunning)
      end_tree(0, cause_);
    else if (signal == SIGUSR2)
      end_tree(options_.grace_ms, "memory_limit");
    else
      end_tree(signal == SIGUSR1 ? 0 : options_.grace_ms, "cancelled");
  }
  reap();  // again: the SIGCHLD of what was just ended may have been read above
}

void Supervisor::on_deadlines() {
  const std::int64_t now = monotonic_ms();
  if (phase_ == Phase::kRunning) {
    if (timeout_at_ >= 0 && now >= timeout_at_) end_tree(options_.grace_ms, "timeout");
  } else if (now >= phase_at_) {
    kill_tree();
    reap();
  }
}

void Supervisor::reap() {
  for (;;) {
    int status = 0;
    rusage used{};
    const pid_t pid = wait4(-1, &status, WNOHANG | __WALL, &used);
    if (pid == 0) break;
    if (pid < 0) {
      if (errno == EINTR) continue;
      tree_gone_ = true;
      return;
    }
    user_us_ += microseconds(used.ru_utime);
    system_us_ += microseconds(used.ru_stime);
    if (used.ru_maxrss > max_rss_kb_) max_rss_kb_ = used.ru_maxrss;
    if (pid == child_) {
      child_ended_ = true;
      status_ = status;
    }
  }
  if (child_ended_ && phase_ == Phase::kRunning) {
    end_tree(options_.grace_ms < kLeftOverGraceMs ? options_.grace_ms : kLeftOverGraceMs, cause_);
  }
}

void Supervisor::end_tree(std::int64_t grace_ms, const char* cause) {
  cause_ = cause;
  if (grace_ms <= 0) {
    kill_tree();
    return;
  }
  phase_ = Phase::kEnding;
  phase_at_ = monotonic_ms() + grace_ms;
  signal_descendants(SIGTERM);
  if (in_cgroup_) signal_cgroup(options_.cgroup, SIGTERM);
  signal_descendants(SIGCONT);  // or a stopped process could not act on it
}

void Supervisor::kill_tree() {
  // Stop them first, until no new one appears, so that none can fork away from under the kill.
  phase_ = Phase::kKilling;
  if (in_cgroup_) signal_cgroup(options_.cgroup, SIGKILL);
  cgroup_killed_ = true;
  int before = -1;
  for (int round = 0; round < 8; ++round) {
    const int found = signal_descendants(SIGSTOP);
    if (found == before) break;
    before = found;
  }
  signal_descendants(SIGKILL);
  phase_at_ = monotonic_ms() + kill_pause_ms_;
  if (kill_pause_ms_ < kLongestKillPauseMs) kill_pause_ms_ *= 2;
}

void Supervisor::describe(char* message, std::size_t size) const {
  message[0] = '\0';
  const std::int64_t dropped = output_.dropped() + error_.dropped();
  const char* why = failure_.step != ExecFailure::kNone ? std::strerror(failure_.error) : "";
  if (failure_.step == ExecFailure::kProgram) {
    std::snprintf(message, size, "cannot execute %s: %s", options_.argv[0], why);
  } else if (failure_.step == ExecFailure::kDirectory) {
    std::snprintf(message, size, "cannot change to the directory %s to start %s: %s",
                  options_.cwd != nullptr ? options_.cwd : options_.dir, options_.argv[0], why);
  } else if (failure_.step == ExecFailure::kUser) {
    std::snprintf(message, size, "cannot become user %u to start %s: %s", options_.uid,
                  options_.argv[0], why);
  } else if (dropped > 0) {
    std::snprintf(message, size, "%lld bytes of output could not be stored",
                  static_cast<long long>(dropped));
  }
}

int Supervisor::finish() {
  output_.drain();
  error_.drain();
  const int code = WIFEXITED(status_) ? WEXITSTATUS(status_) : 0;
  if (code == kExitNotExecutable || code == kExitNotFound) failure_ = read_failure(claim_);
  // To be kept it must never have seen cgroup.kill: Linux 6.14 and later kill what is forked into
  // it afterwards.
  if (in_cgroup_ &&
      !(options_.keep_cgroup && !cgroup_killed_ && is_unused_cgroup(options_.cgroup))) {
    signal_cgroup(options_.cgroup, SIGKILL);
    spoilt_ = !remove_cgroup(options_.cgroup) && options_.keep_cgroup;
  }
  char message[1024];
  describe(message, sizeof message);

  ExitRecord record;
  record.status = status_;
  record.cause = failure_.step != ExecFailure::kNone ? "launch_failed" : cause_;
  record.started_ms = started_ms_;
  record.ended_ms = wall_ms();
  record.user_us = user_us_;
  record.system_us = system_us_;
  record.max_rss_kb = max_rss_kb_;
  record.dropped = output_.dropped() + error_.dropped();
  record.message = message;
  if (!write_exit_record(claim_, record, daemon_gone())) return kExitCannotStart;
  output_.close_all();
  error_.close_all();
  close(signals_);
  close(claim_.file);
  return kExitRecorded;
}

bool Supervisor::daemon_gone() const {
  char word = 0;
  if (channel_ >= 0) return recv(channel_, &word, sizeof word, MSG_DONTWAIT | MSG_PEEK) == 0;
  return getppid() != parent_;
}

}  // namespace berth::shim
