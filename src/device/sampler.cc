// SPDX-License-Identifier: Apache-2.0
// The child's side: see sampler_spawn.cc for how it is started.
#include "device/sampler.h"

#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <map>

#include "base/json.h"
#include "device/sampler_requests.h"

namespace berth::device {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kAtLeastEvery{1000};
constexpr milliseconds kLongestRecheck{600'000};

// Asked to go, the child closes its session with the driver; should that hang, SIGALRM ends it.
constexpr unsigned kLeaveSeconds = 2;

volatile std::sig_atomic_t stop_requested = 0;
void request_stop(int /*signal*/) {
  stop_requested = 1;
  ::alarm(kLeaveSeconds);
}

/// Lines to a pipe. A line is written whole or the pipe is broken.
class Output {
 public:
  explicit Output(int fd) : fd_(fd) {}
  [[nodiscard]] bool broken() const { return broken_; }

  void line(const base::json::value& value) {
    std::string text = base::to_text(value);
    text += '\n';
    std::string_view rest = text;
    while (!rest.empty() && !broken_) {
      const ssize_t put = ::write(fd_, rest.data(), rest.size());
      if (put >= 0) {
        rest.remove_prefix(static_cast<std::size_t>(put));
      } else if (errno == EAGAIN) {
        wait(POLLOUT, milliseconds{1000});
      } else if (errno != EINTR) {
        broken_ = true;
      }
      if (stop_requested != 0) broken_ = true;
    }
  }

  void begin(std::string_view key) {
    line({{"begin", base::json::string_view(key.data(), key.size())}});
  }

  /// Waits until the pipe breaks, a signal comes, the time is over or `request_fd` (-1: none) is
  /// readable; whether it is that.
  bool sleep_until(Clock::time_point moment, int request_fd) {
    // Rounded up, or the last fraction of a millisecond would be spun away.
    const auto left = std::chrono::ceil<milliseconds>(moment - Clock::now());
    return left.count() > 0 && wait(0, left, request_fd);
  }

 private:
  bool wait(short events, milliseconds time, int request_fd = -1) {
    pollfd entries[] = {{fd_, events, 0}, {request_fd, POLLIN, 0}};
    if (::poll(entries, 2, static_cast<int>(time.count())) <= 0) return false;
    if ((entries[0].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) broken_ = true;
    return entries[1].revents != 0;
  }

  int fd_;
  bool broken_ = false;
};

/// True once per `every`, the first time at once. Keeps its beat when called late.
class Beat {
 public:
  explicit Beat(milliseconds every) : every_(every) {}
  bool due(Clock::time_point now) {
    if (now < next_) return false;
    next_ =
        next_ == Clock::time_point{} ? now + every_ : std::max(next_ + every_, now + every_ / 2);
    return true;
  }
  /// Due at the next look.
  void hasten() { next_ = {}; }

 private:
  milliseconds every_;
  Clock::time_point next_{};
};

class Sampler {
 public:
  Sampler(const SamplerOptions& options, SamplerRequests& requests, Output& output)
      : options_(options),
        skip_(options.skip.begin(), options.skip.end()),
        machine_(options.machine),
        requests_(requests),
        output_(output),
        process_beat_(options.process_interval),
        costly_beat_(options.costly_interval),
        recheck_(options.recheck_interval) {}

  void run() {
    look();
    auto next = Clock::now();
    while (!finished()) {
      round(Clock::now());
      output_.line({{"idle", true}});
      next = std::max(next + options_.interval, Clock::now());
      while (output_.sleep_until(next, requests_.fd()) && !finished()) answer_requests();
    }
  }

 private:
  struct Written {
    model::Sample sample;
    Clock::time_point moment;
  };

  [[nodiscard]] bool finished() const { return output_.broken() || stop_requested != 0; }

  void look() {
    inventory_ = machine_.enumerate([this](std::string_view key) { output_.begin(key); }, skip_);
    output_.line({{"inventory", model::to_json(inventory_)}, {"taken", base::to_ms(base::now())}});
    written_.clear();
    looked_ = Clock::now();
    process_beat_.hasten();
    costly_beat_.hasten();
  }

  void round(Clock::time_point now) {
    const bool costly = costly_beat_.due(now);
    // With the costly readings the processes are looked at anew, not only their list.
    const bool processes = process_beat_.due(now) || costly;
    const Scope scope{processes, costly};
    if (costly) look_if_changed(now);
    for (const model::Device& device : inventory_.devices) {
      answer_requests();
      if (finished()) return;
      if (skip_.contains(device.id.value)) continue;
      output_.begin(device.id.value);
      write(machine_.sample(device, scope), false);
    }
  }

  void answer_requests() {
    while (const auto look = requests_.next()) {
      for (const model::Device& device : inventory_.devices) {
        if (finished()) return;
        if (!look->devices.contains(device.id) || skip_.contains(device.id.value)) continue;
        output_.begin(device.id.value);
        write(machine_.sample(device, Scope{true, false}), true);
      }
      output_.line({{"looked", look->number}});
    }
  }

  void look_if_changed(Clock::time_point now) {
    const auto begin = [this](std::string_view key) { output_.begin(key); };
    if (machine_.devices_changed(begin, skip_)) {
      recheck_ = options_.recheck_interval;
      return look();
    }
    bool lost = false;
    for (const auto& [id, last] : written_)
      lost = lost || last.sample.health == model::Health::kLost;
    if ((!lost && !machine_.incomplete()) || now - looked_ < recheck_) return;
    recheck_ = std::min(recheck_ * 2, kLongestRecheck);
    machine_.reopen(begin, skip_);
    look();
  }

  void write(model::Sample sample, bool unchanged_too) {
    const auto now = Clock::now();
    const auto place = written_.find(sample.device);
    if (!unchanged_too && place != written_.end() && now - place->second.moment < kAtLeastEvery &&
        place->second.sample.same_readings(sample)) {
      return;
    }
    output_.line({{"sample", model::to_json(sample)}});
    const auto device = sample.device;
    written_.insert_or_assign(device, Written{std::move(sample), now});
  }

  const SamplerOptions& options_;
  SkipList skip_;
  Machine machine_;
  SamplerRequests& requests_;
  Output& output_;
  Beat process_beat_;
  Beat costly_beat_;
  model::Inventory inventory_;
  Clock::time_point looked_{};
  milliseconds recheck_;
  std::map<model::DeviceId, Written> written_;
};

}  // namespace

int run_sampler(const SamplerOptions& options, int request_fd, int output_fd) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_NAME, "berth-sampler");
  struct sigaction action{};
  action.sa_handler = request_stop;  // no SA_RESTART: it shall interrupt the wait
  ::sigaction(SIGTERM, &action, nullptr);
  action.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &action, nullptr);
  clear_visible_devices();

  Output output(output_fd);
  SamplerRequests requests(request_fd);
  Sampler sampler(options, requests, output);
  sampler.run();
  ::alarm(kLeaveSeconds);
  return 0;
}

}  // namespace berth::device
