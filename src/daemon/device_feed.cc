// SPDX-License-Identifier: Apache-2.0
#include "daemon/device_feed.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "base/log.h"

namespace berth::daemon {

using std::chrono::steady_clock;

constexpr base::Duration kReapAgain{500};
// The readings of a round come one by one: what is to be done about them is done for all at once.
constexpr base::Duration kGather{5};

DeviceFeed::DeviceFeed(Loop& loop, std::string program, device::SamplerOptions options,
                       std::function<void(const Changes&)> on_change)
    : loop_(loop),
      program_(std::move(program)),
      options_(std::move(options)),
      on_change_(std::move(on_change)) {}

DeviceFeed::~DeviceFeed() {
  readable_.reset();
  if (child_.pid > 0) device::abandon_sampler(child_, false);
}

void DeviceFeed::start() { spawn(); }

void DeviceFeed::spawn() {
  options_.skip = watch_.skip();
  auto child = device::spawn_sampler(program_, device::sampler_arguments(options_));
  if (!child) {
    base::log_error("cannot start the device sampler", {{"reason", child.error().message}});
    watch_.ended(steady_clock::now());
    arm();
    return;
  }
  child_ = std::move(*child);
  watch_.started(steady_clock::now());
  readable_ = loop_.on_readable(child_.output.get(), [this] { read(); });
  arm();
}

void DeviceFeed::read() {
  char buffer[65536];
  for (;;) {
    const ssize_t got = ::read(child_.output.get(), buffer, sizeof buffer);
    if (got > 0) {
      watch_.feed(std::string_view(buffer, static_cast<std::size_t>(got)), steady_clock::now());
      continue;
    }
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    readable_.reset();
    leave_behind(false);
    watch_.ended(steady_clock::now());
    break;
  }
  report();
  arm();
}

void DeviceFeed::check() {
  const auto advice = watch_.check(steady_clock::now());
  report();
  if (advice == device::Advice::kNone) {
    arm();
    return;
  }
  readable_.reset();
  if (child_.pid > 0) leave_behind(advice == device::Advice::kReplaceStuck);
  spawn();
}

void DeviceFeed::leave_behind(bool stuck) {
  left_behind_.push_back(device::abandon_sampler(child_, stuck));
  reap_timer_ = loop_.after(kReapAgain, [this] { reap(); });
}

void DeviceFeed::reap() {
  std::erase_if(left_behind_, [](pid_t pid) { return device::reap_sampler(pid); });
  reap_timer_ = left_behind_.empty() ? nullptr : loop_.after(kReapAgain, [this] { reap(); });
}

void DeviceFeed::arm() {
  const auto deadline = watch_.deadline();
  if (!deadline) {
    timer_.reset();
    return;
  }
  const auto wait = std::chrono::duration_cast<base::Duration>(*deadline - steady_clock::now()) +
                    base::Duration{1};
  timer_ = loop_.after(std::max(wait, base::Duration{1}), [this] { check(); });
}

void DeviceFeed::report() {
  auto changes = watch_.take_changes();
  for (const auto& id : changes.health) {
    const auto* sample = watch_.sample(id);
    if (sample == nullptr || sample->health == model::Health::kHealthy) {
      unhealthy_since_.erase(id);
    } else {
      unhealthy_since_.try_emplace(id, base::now());
    }
  }
  const bool urgent = changes.inventory || !changes.health.empty() || changes.looked.has_value();
  pending_.inventory = pending_.inventory || changes.inventory;
  pending_.samples.merge(changes.samples);
  pending_.health.merge(changes.health);
  if (urgent) {
    hand_on();
  } else if (pending_.any() && gather_ == nullptr) {
    gather_ = loop_.after(kGather, [this] { hand_on(); });
  }
  if (!changes.looked) return;
  while (!looks_.empty() && looks_.begin()->first <= *changes.looked)
    answer(looks_.begin()->first, true);
}

void DeviceFeed::settle() {
  if (gather_ != nullptr) hand_on();
}

void DeviceFeed::hand_on() {
  gather_.reset();
  const Changes changes = std::exchange(pending_, Changes{});
  if (changes.any()) on_change_(changes);
}

void DeviceFeed::look(const std::vector<model::DeviceId>& devices, std::function<void(bool)> done) {
  const std::uint64_t number = ++last_look_;
  // When nobody takes it, the wait is for a reading that the child makes by itself.
  if (child_.pid > 0) device::request_look(child_, number, devices);
  looks_.emplace(
      number,
      Look{std::move(done), loop_.after(kLookPatience, [this, number] { answer(number, false); })});
}

void DeviceFeed::answer(std::uint64_t number, bool answered) {
  const auto found = looks_.find(number);
  if (found == looks_.end()) return;
  const auto done = std::move(found->second.done);
  looks_.erase(found);
  done(answered);
}

std::optional<base::Time> DeviceFeed::unhealthy_since(const model::DeviceId& id) const {
  const auto found = unhealthy_since_.find(id);
  if (found == unhealthy_since_.end()) return std::nullopt;
  return found->second;
}

std::optional<base::Time> DeviceFeed::next_probe(const model::Device& device) const {
  const auto probe = watch_.next_probe(device);
  if (!probe) return std::nullopt;
  return base::now() + std::chrono::duration_cast<base::Duration>(*probe - steady_clock::now());
}

}  // namespace berth::daemon
