// SPDX-License-Identifier: Apache-2.0
#include "world.h"

#include <algorithm>

namespace berth::core::property {

namespace {

using model::Vendor;

constexpr std::int64_t kMib = 1LL << 20;
constexpr std::int64_t kGib = 1LL << 30;

struct Card {
  std::string_view model;
  std::int64_t mib;
};
const std::vector<Card> kCards{{"NVIDIA A100-SXM4-80GB", 81'510},
                               {"Tesla V100-SXM2-32GB", 32'510},
                               {"NVIDIA GeForce RTX 3090", 24'260},
                               {"Tesla T4", 15'360},
                               {"NVIDIA A40", 46'068}};

}  // namespace

std::uint64_t Random::next() {
  state_ += 0x9E3779B97F4A7C15ULL;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

World::World(std::uint64_t seed) : random_(seed) {
  const int kinds =
      random_.one_in(6) ? 0 : 1 + random_.below(3);  // sometimes a machine without GPUs
  for (int i = 0; i < kinds; ++i) {
    const Card& card = random_.pick(kCards);
    add_gpus(1 + random_.below(4), Vendor::kNvidia, card.model, Bytes{card.mib * kMib});
  }
  if (random_.one_in(3))
    add_gpus(1 + random_.below(3), Vendor::kAmd, "AMD Instinct MI210", Bytes{64 * kGib});
  if (random_.one_in(6)) add_gpus(1, Vendor::kIntel, "Intel Data Center GPU Max", Bytes{48 * kGib});
  if (random_.one_in(3)) divide_gpus();
  if (random_.one_in(2)) link_gpus();
  Physical cpu;
  cpu.device.id = DeviceId("CPU");
  cpu.device.name = "cpu";
  cpu.device.cores = 4 + random_.below(12);
  cpu.device.total_memory = Bytes{64 * kGib};
  devices_.push_back(cpu);
}

void World::observe(const std::vector<Output>& outputs) {
  for (const auto& output : outputs) {
    if (const auto* queued = std::get_if<Queued>(&output)) {
      queued_.push_back(queued->task);
    } else if (const auto* launch = std::get_if<Launch>(&output)) {
      std::erase(queued_, launch->task);
      Running running{launch->attempt, {}, {}};
      for (const auto& share : launch->placement.shares)
        running.reserved[share.device] = share.reserved;
      running_[launch->task] = std::move(running);
    } else if (const auto* requeued = std::get_if<Requeued>(&output)) {
      if (requeued->fenced) stuck_.push_back({requeued->task, requeued->attempt});
      running_.erase(requeued->task);
      queued_.push_back(requeued->task);
    } else if (const auto* leased = std::get_if<Leased>(&output)) {
      Running running{0, {}, {}};
      for (const auto& share : leased->placement.shares)
        running.reserved[share.device] = share.reserved;
      leases_[leased->task] = std::move(running);
    } else if (const auto* ended = std::get_if<LeaseEnded>(&output)) {
      leases_.erase(ended->task);
    } else if (const auto* finished = std::get_if<Finished>(&output)) {
      std::erase(queued_, finished->task);
      running_.erase(finished->task);
    }
  }
}

Input World::next() {
  ++step_;
  now_ += base::Duration{random_.below(random_.one_in(50) ? 7'200'000 : 5'000)};
  if (random_.one_in(200)) now_ -= base::Duration{random_.below(3'600'000)};
  if (step_ == 1) return configure();
  if (step_ == 2 && !random_.one_in(4)) return inventory();  // sometimes tasks come first
  if (step_ == 3) return inventory();
  change_hardware();
  const int dice = random_.below(100);
  const bool crowded = queued_.size() + running_.size() > 150;
  const bool rush = (step_ / 300) % 2 == 0;  // more comes than goes, then the other way round
  if (random_.one_in(12)) return rarity();
  if (dice < (rush ? 45 : 20)) {
    if (!crowded) return submit();
    return random_.one_in(2) ? exit() : cancel();
  }
  if (dice < 60) return readings();
  if (dice < 80) return rush && !random_.one_in(3) ? readings() : exit();
  if (dice < 85) return launch_failed();
  if (dice < 91) return cancel();
  if (dice < 94) return limits();
  if (dice < 97) return inventory();
  if (random_.one_in(4)) return Pause{random_.one_in(2)};
  return random_.one_in(4) ? configure() : nonsense();
}

// What a site does now and then.
Input World::rarity() {
  switch (random_.below(7)) {
    case 0: {
      const TaskId task =
          queued_.empty() || random_.one_in(10) ? any_running() : random_.pick(queued_);
      if (random_.one_in(2)) return SetPriority{task, static_cast<int>(random_.below(12))};
      return SetHold{task, random_.one_in(2)};
    }
    case 1: {
      Drain drain{{}, random_.one_in(3), "maintenance"};
      if (!random_.one_in(6)) drain.devices.push_back(random_.pick(devices_).device.id);
      if (random_.one_in(20)) drain.devices.emplace_back("GPU-none");
      return drain;
    }
    case 2: {
      Lease lease{request(TaskId("lease" + std::to_string(++submitted_))),
                  base::Duration{random_.below(60'000)}};
      return lease;
    }
    case 3:
      return RenewLease{any_lease(), base::Duration{random_.below(60'000)},
                        random_.one_in(3) ? "4711" : ""};
    case 4:
      return EndLease{any_lease()};
    case 5:
      if (!stuck_.empty()) {
        const Attempt attempt = random_.pick(stuck_);
        std::erase(stuck_, attempt);
        return Exited{attempt.task, attempt.number, model::Exit{{}, 9, "exited"}, {}, false};
      }
      return Tick{};
    default:
      return Tick{};
  }
}

TaskId World::any_lease() {
  if (leases_.empty()) return TaskId("no lease");
  auto lease = leases_.begin();
  std::advance(lease, random_.below(static_cast<int>(leases_.size())));
  return lease->first;
}

std::string World::device_string() {
  static const std::vector<std::string> kStrings{"auto",     "auto",
                                                 "cuda",     "cuda",
                                                 "CUDA",     "",
                                                 "cpu",      "rocm",
                                                 "xpu",      "cuda:0",
                                                 "cuda:1",   "cuda:3",
                                                 "rocm:0",   "cuda:0,cuda:1",
                                                 "cuda:0:0", "cuda:0:1,cuda:0:0"};
  if (random_.one_in(10))
    return random_.pick(devices_).device.id.value.substr(
        0, 4 + static_cast<std::size_t>(random_.below(5)));
  return random_.pick(kStrings);
}

Input World::submit() {
  Submit input{request(TaskId(
      "t" + std::to_string(random_.one_in(100) ? random_.below(submitted_ + 1) : ++submitted_)))};
  auto& request = input.request;
  request.hold = random_.one_in(40);
  if (random_.one_in(3)) {
    request.retry.max = random_.one_in(60) ? -1 : random_.below(4);
    request.retry.backoff = base::Duration{random_.below(20'000)};
    request.retry.more_memory_percent = random_.one_in(2) ? 0 : random_.below(100);
    if (random_.one_in(3)) request.retry.on = {static_cast<model::FailureKind>(random_.below(6))};
  }
  for (int i = random_.one_in(6) ? 1 + random_.below(3) : 0; i > 0; --i) {
    const TaskId other = random_.one_in(40)  ? request.id
                         : queued_.empty()   ? any_running()
                         : random_.one_in(3) ? any_running()
                                             : random_.pick(queued_);
    request.after.push_back({other, random_.one_in(3)});
  }
  if (random_.one_in(8)) request.cpu_after = base::Duration{random_.below(30'000)};
  return input;
}

model::Request World::request(TaskId id) {
  model::Request request;
  request.id = std::move(id);
  auto selector = model::parse_selector(device_string());
  if (selector) request.selector = *selector;
  request.kind = static_cast<Kind>(random_.below(3));
  request.gpus = random_.one_in(6) ? 1 + random_.below(4) : 1;
  if (random_.one_in(2)) request.memory = Bytes{random_.below(40'000) * kMib};
  if (random_.one_in(15))
    request.memory = Bytes{random_.pick(std::vector<int>{16, 24, 32, 48, 80}) * kGib};
  if (random_.one_in(10))
    request.gpu_type = random_.pick(std::vector<std::string>{"a100", "V100", "rtx", "T4", "MI210"});
  request.exclusive = random_.one_in(12);
  request.builtin = random_.one_in(3);
  request.policy = static_cast<model::Policy>(random_.below(6));
  request.priority = random_.one_in(50) ? random_.below(13) : 1 + random_.below(10);
  if (random_.one_in(2)) request.signature = "s" + std::to_string(random_.below(6));
  request.user = random_.pick(std::vector<std::string>{"", "ann", "bob"});
  if (random_.one_in(30))
    request.pool = random_.pick(std::vector<std::string>{"large", "train", "nowhere"});
  request.group_by_kind = random_.one_in(6);
  if (random_.one_in(20)) request.memory_percent = random_.below(102);
  if (random_.one_in(8)) request.memory_estimate = Bytes{random_.below(30'000) * kMib};
  if (random_.one_in(5)) {
    const bool narrow = random_.one_in(2);
    request.array = model::ArrayPlace{narrow ? "x" : "y", random_.below(100), 100, narrow ? 1 : 3};
  }
  return request;
}

Input World::readings() {
  SetReadings input;
  for (const auto& physical : devices_) {
    if (random_.one_in(10)) continue;  // late
    Reading reading;
    reading.device = physical.device.id;
    reading.health = physical.health;
    if (reading.health != model::Health::kHealthy) reading.health_reason = "XID 79";
    reading.utilization_percent = random_.below(101);
    if (physical.reads_memory) {
      Bytes free =
          *physical.device.total_memory - physical.foreign - physical.reserved.value_or(Bytes{});
      for (const auto* holders : {&running_, &leases_}) {
        for (const auto& [task, running] : *holders) {
          const auto used = running.used.find(physical.device.id);
          if (used == running.used.end()) continue;
          if (!random_.one_in(20)) free -= used->second;  // the two figures disagree now and then
          if (!random_.one_in(20)) reading.used_by_task[task] = used->second;
        }
      }
      reading.total = physical.device.total_memory;
      reading.reserved = physical.reserved;
      reading.free = std::max(Bytes{}, free);
    }
    input.readings.push_back(std::move(reading));
  }
  return input;
}

Input World::limits() {
  SetLimits input;
  const int changes = 1 + random_.below(3);
  for (int i = 0; i < changes; ++i) {
    LimitChange change;
    change.device = random_.one_in(20) ? DeviceId("GPU-none") : random_.pick(devices_).device.id;
    if (random_.one_in(2)) change.training = random_.one_in(30) ? -1 : random_.below(4);
    if (random_.one_in(2)) change.inference = random_.below(6);
    input.changes.push_back(change);
  }
  return input;
}

Input World::configure() {
  Configure input;
  if (!random_.one_in(3)) input.config.worker_vendors = {Vendor::kNvidia, Vendor::kAmd};
  input.config.queue_size = random_.one_in(3) ? 40 : 0;
  input.config.aging = base::Duration{random_.pick(std::vector<int>{60'000, 600'000, 3'600'000})};
  input.config.gpu_limits = {1 + random_.below(2), 2 + random_.below(3)};
  input.start = random_.one_in(2);
  if (random_.one_in(2)) {
    Pool& large = input.config.pools["large"];
    large.gpu_type = random_.one_in(2) ? "a100" : "";
    large.min_memory = Bytes{random_.below(40) * kGib};
    if (random_.one_in(2)) large.users = {"ann"};
    if (random_.one_in(2)) large.kind_limits = KindLimits{2, 2};
  }
  if (random_.one_in(3)) {
    Pool& train = input.config.pools["train"];
    train.devices = {"cuda:0", "rocm:0"};
    if (random_.one_in(2)) train.kinds = {Kind::kTraining};
  }
  input.config.group_by_kind = random_.one_in(4);
  input.config.user_running = random_.one_in(3) ? 1 + random_.below(6) : 0;
  input.config.user_waiting = random_.one_in(4) ? 20 : 0;
  input.config.fair_share.on = random_.one_in(3);
  input.config.fair_share.half_life = base::Duration{random_.one_in(2) ? 600'000 : 86'400'000};
  input.config.hung_device = base::Duration{random_.one_in(2) ? 10'000 : 60'000};
  return input;
}

TaskId World::any_running() {
  if (running_.empty()) return TaskId("nobody");
  auto task = running_.begin();
  std::advance(task, random_.below(static_cast<int>(running_.size())));
  return task->first;
}

Input World::exit() {
  Exited input;
  input.task = any_running();
  const auto running = running_.find(input.task);
  input.attempt = running == running_.end() ? 1 : running->second.attempt;
  if (random_.one_in(4)) {
    input.exit = model::Exit{{}, 9, "exited"};
  } else {
    input.exit = model::Exit{random_.one_in(4) ? 1 : 0, {}, "exited"};
  }
  input.out_of_memory = random_.one_in(8);
  if (random_.one_in(10)) input.exit.cause = "timeout";
  if (random_.one_in(2)) input.peak_memory = Bytes{random_.below(30'000) * kMib};
  return input;
}

Input World::launch_failed() {
  LaunchFailed input;
  input.task = any_running();
  const auto running = running_.find(input.task);
  input.attempt = running == running_.end() ? 1 : running->second.attempt;
  input.again = !random_.one_in(3);
  if (running != running_.end() && input.again) {
    queued_.push_back(input.task);
    running_.erase(running);
  }
  return input;
}

Input World::cancel() {
  if (queued_.empty() || random_.one_in(2)) return Cancel{any_running()};
  return Cancel{random_.pick(queued_)};
}

// News of attempts that are not, tasks that never were.
Input World::nonsense() {
  const TaskId task = random_.one_in(2)
                          ? any_running()
                          : TaskId("t" + std::to_string(random_.below(submitted_ + 1)));
  const int attempt = random_.below(4) + 1000;
  if (random_.one_in(2)) return Exited{task, attempt, model::Exit{0, {}, "exited"}, {}};
  return LaunchFailed{task, attempt, random_.one_in(2)};
}

}  // namespace berth::core::property
