// SPDX-License-Identifier: Apache-2.0
#include "runtime/rank_launcher.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <cerrno>
#include <cstring>
#include <optional>

#include "protocol/json_text.h"

namespace berth::runtime {
namespace {

using protocol::Error;
using protocol::ErrorCode;
using protocol::EventWriter;
using protocol::failed;
using protocol::Level;
using protocol::Status;
using protocol::text_of;
using Clock = std::chrono::steady_clock;

/// A descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    close();
    fd_ = other.release();
    return *this;
  }
  ~Descriptor() { close(); }
  int get() const { return fd_; }
  int release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

sigset_t watched_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGCHLD}) sigaddset(&signals, number);
  return signals;
}

/// For as long as it lives signals arrive through fd() instead.
class SignalReader {
 public:
  SignalReader() {
    const sigset_t signals = watched_signals();
    ::sigprocmask(SIG_BLOCK, &signals, &before_);
    fd_ = Descriptor(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  }
  ~SignalReader() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }
  SignalReader(const SignalReader&) = delete;
  SignalReader& operator=(const SignalReader&) = delete;
  int fd() const { return fd_.get(); }
  const sigset_t& before() const { return before_; }
  /// SIGTERM or SIGINT if one has come, else 0.
  int take() {
    int ending = 0;
    signalfd_siginfo info{};
    while (::read(fd_.get(), &info, sizeof info) == sizeof info) {
      if (info.ssi_signo != SIGCHLD) ending = static_cast<int>(info.ssi_signo);
    }
    return ending;
  }

 private:
  sigset_t before_{};
  Descriptor fd_;
};

struct Rank {
  pid_t pid = -1;  // -1: it has ended
  Descriptor events;
  std::string unread;  // a line that has not come to its end
  std::optional<Error> failure;
  std::optional<int> status;  // of waitpid()
  bool early = false;         // it ended before anyone was asked to
  bool well() const { return status && WIFEXITED(*status) && WEXITSTATUS(*status) == 0; }
};

/// This process's environment with `added` in it, "NAME=value" each.
std::vector<std::string> environment_with(const std::map<std::string, std::string>& added) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (added.count(text.substr(0, text.find('='))) == 0) all.push_back(text);
  }
  for (const auto& [name, value] : added) all.push_back(name + "=" + value);
  return all;
}

/// As execve() wants them.
std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> all;
  for (const std::string& word : words) all.push_back(const_cast<char*>(word.c_str()));
  all.push_back(nullptr);
  return all;
}

class Group {
 public:
  Group(const RankLaunch& launch, EventWriter* events, bool peer_to_peer)
      : launch_(launch),
        events_(*events),
        peer_to_peer_(peer_to_peer),
        ranks_(static_cast<size_t>(launch.ranks)) {}

  ~Group() {
    for (Rank& rank : ranks_) {
      if (rank.pid > 0 && ::kill(rank.pid, SIGKILL) == 0) ::waitpid(rank.pid, nullptr, 0);
    }
  }

  Status run() {
    // The ranks find each other in a file that is gone with them.
    rendezvous_ = Descriptor(::memfd_create("berth-rendezvous", 0));
    if (rendezvous_.get() < 0)
      return tl::unexpected<Error>(protocol::system_error("memfd_create", "", errno));
    for (int i = 0; i < launch_.ranks; ++i) {
      if (auto begun = start(i); !begun) return begun;
    }
    rendezvous_.close();
    while (alive() > 0 || reading()) look();
    if (ending_ != 0) leave();
    if (std::all_of(ranks_.begin(), ranks_.end(), [](const Rank& rank) { return rank.well(); })) {
      if (result_) events_.relay(*result_);
      return {};
    }
    return cause();
  }

 private:
  Status start(int number) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
      return tl::unexpected<Error>(protocol::system_error("pipe", "", errno));
    Descriptor reader(ends[0]), writer(ends[1]);
    auto added =
        launch_.environment ? launch_.environment(number) : std::map<std::string, std::string>();
    added["BERTH_RANK"] = std::to_string(number);
    added["BERTH_WORLD_SIZE"] = std::to_string(launch_.ranks);
    added["BERTH_RENDEZVOUS"] = "/proc/self/fd/" + std::to_string(rendezvous_.get());
    added["BERTH_EVENTS"] = "/proc/self/fd/" + std::to_string(writer.get());
    if (!peer_to_peer_) added["NCCL_P2P_DISABLE"] = "1";
    const std::vector<std::string> environment = environment_with(added);
    const std::vector<char*> argv = pointers(launch_.argv), envp = pointers(environment);
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) return tl::unexpected<Error>(protocol::system_error("fork", "", errno));
    if (pid == 0) {
      // So that a rank removes its unfinished files also when this process is killed.
      ::prctl(PR_SET_PDEATHSIG, SIGTERM);
      if (::getppid() != parent) ::_exit(128 + SIGTERM);
      ::sigprocmask(SIG_SETMASK, &signals_.before(), nullptr);
      ::fcntl(writer.get(), F_SETFD, 0);
      ::execve(argv.front(), argv.data(), envp.data());
      ::_exit(127);
    }
    Rank& rank = ranks_[static_cast<size_t>(number)];
    rank.pid = pid;
    ::fcntl(reader.get(), F_SETFL, O_NONBLOCK);
    rank.events = std::move(reader);
    return {};
  }

  long alive() const {
    return std::count_if(ranks_.begin(), ranks_.end(), [](const Rank& r) { return r.pid > 0; });
  }

  /// A process that a rank has left behind must not keep this one.
  bool reading() const {
    return Clock::now() < read_until_ &&
           std::any_of(
               ranks_.begin(), ranks_.end(),
               [](const Rank& rank) { return rank.events.get() >= 0; });
  }

  void look() {
    std::vector<pollfd> polled{{signals_.fd(), POLLIN, 0}};
    for (const Rank& rank : ranks_) polled.push_back({rank.events.get(), POLLIN, 0});
    const auto wait =
        next_ ? std::chrono::duration_cast<std::chrono::milliseconds>(*next_ - Clock::now()) +
                    std::chrono::milliseconds(1)
              : std::chrono::milliseconds(1000);
    ::poll(polled.data(), polled.size(),
           static_cast<int>(std::clamp<int64_t>(wait.count(), 0, 1000)));
    for (size_t i = 0; i < ranks_.size(); ++i) {
      if (ranks_[i].events.get() >= 0) read_events(static_cast<int>(i));
    }
    if (const int signal = signals_.take(); signal != 0 && ending_ == 0) {
      ending_ = signal;
      end_all(signal);
    }
    collect();
    step_end();
  }

  void read_events(int number) {
    Rank& rank = ranks_[static_cast<size_t>(number)];
    char buffer[65536];
    ssize_t count = 0;
    while ((count = ::read(rank.events.get(), buffer, sizeof buffer)) > 0)
      rank.unread.append(buffer, static_cast<size_t>(count));
    if (count == 0) rank.events.close();
    size_t end = 0;
    while ((end = rank.unread.find('\n')) != std::string::npos) {
      boost::json::error_code error;
      const auto event = boost::json::parse(rank.unread.substr(0, end), error);
      rank.unread.erase(0, end + 1);
      if (!error && event.is_object()) take_event(number, event.get_object());
    }
  }

  void take_event(int number, const boost::json::object& event) {
    const std::string kind = text_of(event, "event");
    if (kind == "failure") {
      auto& failure = ranks_[static_cast<size_t>(number)].failure;
      if (failure) return;
      failure = Error{protocol::code_from_name(text_of(event, "code")), text_of(event, "message"),
                      text_of(event, "file")};
      if (failure->code != ErrorCode::kCommunication && !first_) first_ = number;
    } else if (number == 0 && kind == "result") {
      result_ = event;
    } else if (number == 0) {
      events_.relay(event);
    } else if (kind == "log" && text_of(event, "level") != "INFO") {
      events_.log(text_of(event, "level") == "ERROR" ? Level::kError : Level::kWarning,
                  "rank " + std::to_string(number) + ": " + text_of(event, "message"));
    }
  }

  void collect() {
    for (Rank& rank : ranks_) {
      int status = 0;
      if (rank.pid <= 0 || ::waitpid(rank.pid, &status, WNOHANG) != rank.pid) continue;
      rank.pid = -1;
      rank.status = status;
      rank.early = !ending_begun_;
      read_until_ = Clock::now() + std::chrono::seconds(2);
      if (rank.well() || next_) continue;
      // The one that fails first may only have lost another, which will be heard of in a moment.
      next_ = Clock::now() + launch_.explanation;
    }
  }

  void end_all(int signal) {
    ending_begun_ = true;
    next_ = Clock::now() + launch_.grace;
    for (const Rank& rank : ranks_) {
      if (rank.pid > 0) ::kill(rank.pid, signal);
    }
  }

  void step_end() {
    if (!next_ || Clock::now() < *next_) return;
    if (!ending_begun_) return end_all(SIGTERM);
    next_ = Clock::now() + launch_.grace;
    for (const Rank& rank : ranks_) {
      if (rank.pid > 0) ::kill(rank.pid, SIGKILL);
    }
  }

  /// As the signal would have ended this process without ranks.
  [[noreturn]] void leave() {
    const char text[] = "stopped by a signal\n";
    (void)!::write(STDERR_FILENO, text, sizeof text - 1);
    ::_exit(128 + ending_);
  }

  tl::unexpected<Error> cause() const {
    if (first_) return tl::unexpected<Error>(*ranks_[static_cast<size_t>(*first_)].failure);
    std::optional<Error> lost;  // ranks that lost another one say so; what became of it explains it
    for (const Rank& rank : ranks_) {
      if (rank.failure && !lost) lost = rank.failure;
    }
    for (size_t i = 0; i < ranks_.size(); ++i) {
      const Rank& rank = ranks_[i];
      if (rank.failure || rank.well() || !rank.early) continue;
      return silent_end(static_cast<int>(i), *rank.status, lost);
    }
    if (lost) return tl::unexpected<Error>(*lost);
    return failed(ErrorCode::kInternal, "the ranks ended without saying why");
  }

  tl::unexpected<Error> silent_end(int number, int status, const std::optional<Error>& lost) const {
    const std::string name =
        "rank " + std::to_string(number) + " of " + std::to_string(ranks_.size());
    if (!WIFSIGNALED(status)) {
      return failed(ErrorCode::kInternal, name + " ended with exit status " +
                                              std::to_string(WEXITSTATUS(status)) +
                                              " without saying why");
    }
    const int signal = WTERMSIG(status);
    if (signal == SIGKILL) {
      return failed(ErrorCode::kInternal,
                    name + " was killed (signal 9), as the system does when memory runs out");
    }
    // NCCL aborts a process whose communication has failed.
    const bool talk = launch_.on_gpus && signal == SIGABRT;
    return failed(talk ? ErrorCode::kCommunication : ErrorCode::kInternal,
                  name + " was ended by signal " + std::to_string(signal) + " (" +
                      ::strsignal(signal) + ")" + (lost ? "; " + lost->message : ""));
  }

  const RankLaunch& launch_;
  EventWriter& events_;
  bool peer_to_peer_;
  SignalReader signals_;
  Descriptor rendezvous_;
  std::vector<Rank> ranks_;
  std::optional<boost::json::object> result_;
  std::optional<int> first_;  // the rank whose failure is the cause
  int ending_ = 0;            // SIGTERM or SIGINT that came
  bool ending_begun_ = false;
  std::optional<Clock::time_point> next_;  // when the next step of ending them is due
  Clock::time_point read_until_ = Clock::time_point::max();
};

}  // namespace

Status run_ranks(const RankLaunch& launch, EventWriter* events) {
  Status outcome = Group(launch, events, /*peer_to_peer=*/true).run();
  if (outcome || !launch.on_gpus || outcome.error().code != ErrorCode::kCommunication)
    return outcome;
  const std::string before = outcome.error().message;
  events->warning(before +
                  "; all ranks have ended and are run once more without peer-to-peer "
                  "(NCCL_P2P_DISABLE=1)");
  outcome = Group(launch, events, /*peer_to_peer=*/false).run();
  if (outcome || outcome.error().code != ErrorCode::kCommunication) return outcome;
  return failed(ErrorCode::kCommunication,
                outcome.error().message +
                    ". It was the second attempt, without peer-to-peer; the first one: " + before +
                    ". Check the driver (nvidia-smi) and choose GPUs on one NUMA node");
}

}  // namespace berth::runtime
