// SPDX-License-Identifier: Apache-2.0
#include "sim/simulation.h"

#include <algorithm>
#include <queue>
#include <unordered_map>
#include <utility>

#include "base/text.h"
#include "core/step.h"
#include "sim/random.h"

namespace berth::sim {

namespace {

using base::Bytes;
using core::TaskId;

// Midnight of some day, where a run without a snapshot begins.
constexpr std::int64_t kMidnight = 1'700'006'400'000;
// Tasks that nothing has moved for so long, with nothing running, will not move any more.
constexpr std::int64_t kHopeless = 30 * 86'400'000LL;
// Of what it reserves, so much a task takes.
constexpr int kTakenPercent = 90;
// The driver keeps this much for itself.
constexpr Bytes kDriver{512LL << 20};
// A foreign process stays about so long, and takes up to 80 % of the device.
constexpr double kForeignStay = 3'600'000;
constexpr double kMostForeign = 0.8;

struct Event {
  enum class What : std::uint8_t { kExit, kWarm, kSample, kFail, kRepair, kForeign };
  std::int64_t at = 0;
  std::uint64_t order = 0;  // of events at the same time
  What what = What::kExit;
  std::size_t subject = 0;  // job or device
  int attempt = 0;
  bool operator>(const Event& other) const {
    return at != other.at ? at > other.at : order > other.order;
  }
};

// A task on a device.
struct Tenant {
  std::size_t job;
  Bytes reserved;
  bool warm;
};

struct Gpu {
  core::DeviceId id;
  Bytes total;
  Bytes foreign;
  bool lost = false;
  bool dirty = false;  // differs from the newest sample
  std::vector<Tenant> tenants;
  std::int64_t counted_ms = 0;  // until when the two sums reach
  double busy_ms = 0, byte_ms = 0;
};

struct Running {
  int attempt = 0;
  bool dying = false;  // its end is on the way although the job is not done
  std::int64_t since = 0;
  std::vector<std::size_t> gpus;
};

class World {
 public:
  World(const Fleet& fleet, const std::vector<Job>& jobs, const Conditions& conditions)
      : fleet_(fleet), jobs_(jobs), conditions_(conditions), random_(conditions.seed ^ 0x5eedULL) {
    result_.outcomes.resize(jobs.size());
    if (!jobs.empty()) result_.last_arrival_ms = jobs.back().arrival_ms;
    for (const auto& device : fleet.devices) {
      if (device.vendor == model::Vendor::kCpu) continue;
      gpu_index_.emplace(device.id, gpus_.size());
      Gpu gpu;
      gpu.id = device.id;
      gpu.total = device.total_memory.value_or(Bytes{});
      gpus_.push_back(std::move(gpu));
    }
    if (conditions.ids != nullptr) {
      for (std::size_t i = 0; i < conditions.ids->size(); ++i)
        known_ids_.emplace((*conditions.ids)[i].value, i);
    }
  }

  Result run() {
    begin();
    std::size_t next = known_ids_.size();
    while (next < jobs_.size() || !events_.empty()) {
      const bool arrival =
          next < jobs_.size() && (events_.empty() || jobs_[next].arrival_ms <= events_.top().at);
      if (!arrival && over(next)) break;
      const std::int64_t at = arrival ? jobs_[next].arrival_ms : events_.top().at;
      if (tick_before(at)) continue;
      if (arrival) {
        now_ = jobs_[next].arrival_ms;
        submit(next++);
        continue;
      }
      const Event event = events_.top();
      events_.pop();
      now_ = event.at;
      handle(event);
    }
    sum_up();
    return std::move(result_);
  }

 private:
  // ---- the scheduler ----

  void feed(const core::Input& input) {
    ++result_.steps;
    for (const auto& output : core::step(state_, input, base::from_ms(epoch_ + now_))) take(output);
    result_.most_waiting = std::max(result_.most_waiting, state_.queue.size());
  }

  void take(const core::Output& output) {
    if (const auto* launch = std::get_if<core::Launch>(&output)) {
      start(job_of(launch->task), launch->attempt, launch->placement);
    } else if (const auto* stop = std::get_if<core::Stop>(&output)) {
      kill(job_of(stop->task), stop->attempt);
    } else if (const auto* finished = std::get_if<core::Finished>(&output)) {
      finish(job_of(finished->task), finished->state);
    } else if (const auto* refused = std::get_if<core::Refused>(&output)) {
      if (refused->task.empty()) return;
      const std::size_t job = job_of(refused->task);
      result_.outcomes[job].refused = true;
      finish(job, model::TaskState::kFailed);
    }
  }

  [[nodiscard]] TaskId id_of(std::size_t job) const {
    if (conditions_.ids != nullptr && job < conditions_.ids->size()) return (*conditions_.ids)[job];
    return TaskId("sim-" + std::to_string(job));
  }

  [[nodiscard]] std::size_t job_of(const TaskId& id) const {
    const auto known = known_ids_.find(id.value);
    if (known != known_ids_.end()) return known->second;
    return static_cast<std::size_t>(
        base::parse_number(std::string_view(id.value).substr(4)).value_or(0));
  }

  void begin() {
    if (conditions_.start != nullptr) {
      state_ = *conditions_.start;
      epoch_ = base::to_ms(state_.latest);
      adopt();
    } else {
      core::Config config;
      config.worker_vendors = {model::Vendor::kNvidia};
      feed(core::Configure{config});
      feed(core::SetInventory{fleet_.devices, true});
    }
    core::SetReadings all;
    for (Gpu& gpu : gpus_) all.readings.push_back(reading(gpu));
    feed(all);
    for (std::size_t i = 0; i < gpus_.size(); ++i) {
      if (conditions_.mean_time_to_failure.count() > 0) plan_failure(i);
      if (conditions_.foreign > 0 && conditions_.foreign < 1) plan_foreign(i);
    }
  }

  // The tasks that run in the snapshot go on for what is left of them.
  void adopt() {
    for (const auto& [id, task] : std::as_const(state_.tasks)) {
      if (task.placement) start(known_ids_.at(id.value), task.attempt, *task.placement);
    }
  }

  // Users are not named: nothing in the configuration of a run distinguishes them, and the
  // scheduler looks at the first task of every user who waits.
  void submit(std::size_t index) {
    const Job& job = jobs_[index];
    core::Submit input;
    input.request.id = id_of(index);
    input.request.kind = job.kind;
    input.request.selector = cuda_;
    input.request.gpus = job.gpus;
    if (job.memory.value > 0) input.request.memory = job.memory;
    input.request.policy = conditions_.policy;
    feed(input);
  }

  // ---- tasks ----

  void plan(Event::What what, std::int64_t at, std::size_t subject, int attempt = 0) {
    events_.push(Event{at, ++order_, what, subject, attempt});
  }

  void start(std::size_t index, int attempt, const model::Placement& placement) {
    const Job& job = jobs_[index];
    Running running{attempt, false, now_, {}};
    int slowest = 0;
    for (const auto& share : placement.shares) {
      const auto found = gpu_index_.find(share.device);
      if (found == gpu_index_.end()) continue;  // the processor
      Gpu& gpu = gpus_[found->second];
      count(gpu);
      gpu.tenants.push_back({index, share.reserved, false});
      running.gpus.push_back(found->second);
      const int speed = fleet_.speeds[found->second];
      slowest = slowest == 0 ? speed : std::min(slowest, speed);
    }
    Outcome& outcome = result_.outcomes[index];
    if (outcome.started_ms < 0) outcome.started_ms = now_;
    const double pace = slowest > 0 ? fleet_.mean_speed / slowest : 1;
    const auto time = static_cast<std::int64_t>(static_cast<double>(job.duration_ms) * pace);
    running_[index] = std::move(running);
    progress_ms_ = now_;
    plan(Event::What::kExit, now_ + std::max<std::int64_t>(time, 1), index, attempt);
    plan(Event::What::kWarm, now_ + conditions_.warm_up.count(), index, attempt);
  }

  // The attempt is to end now.
  void kill(std::size_t index, int attempt) {
    const auto running = running_.find(index);
    if (running == running_.end() || running->second.attempt != attempt || running->second.dying)
      return;
    running->second.dying = true;
    plan(Event::What::kExit, now_ + 1, index, attempt);
  }

  void finish(std::size_t index, model::TaskState state) {
    Outcome& outcome = result_.outcomes[index];
    outcome.state = state;
    outcome.finished_ms = now_;
    ++outcome.ends;
    result_.makespan_ms = std::max(result_.makespan_ms, now_);
    progress_ms_ = now_;
  }

  void exit(std::size_t index, int attempt) {
    const auto found = running_.find(index);
    if (found == running_.end() || found->second.attempt != attempt) return;
    const Job& job = jobs_[index];
    if (job.ending == Ending::kCancelled && !found->second.dying) {
      feed(core::Cancel{id_of(index)});  // is answered by a Stop
      return;
    }
    const bool killed = found->second.dying;
    const bool lost = std::any_of(found->second.gpus.begin(), found->second.gpus.end(),
                                  [&](std::size_t gpu) { return gpus_[gpu].lost; });
    result_.outcomes[index].ran_ms = now_ - found->second.since;
    for (const std::size_t at : found->second.gpus) {
      Gpu& gpu = gpus_[at];
      count(gpu);
      std::erase_if(gpu.tenants, [&](const Tenant& tenant) { return tenant.job == index; });
      soil(gpu);
    }
    running_.erase(found);
    core::Exited input;
    input.task = id_of(index);
    input.attempt = attempt;
    input.exit.cause = "exited";
    if (killed || lost) {
      input.exit.signal = 9;
    } else {
      input.exit.exit_code = job.ending == Ending::kFailed ? 1 : 0;
    }
    feed(input);
  }

  void warm(std::size_t index, int attempt) {
    const auto found = running_.find(index);
    if (found == running_.end() || found->second.attempt != attempt) return;
    for (const std::size_t at : found->second.gpus) {
      for (Tenant& tenant : gpus_[at].tenants) tenant.warm = tenant.warm || tenant.job == index;
      soil(gpus_[at]);
    }
  }

  // ---- devices ----

  core::Reading reading(Gpu& gpu) {
    gpu.dirty = false;
    core::Reading reading;
    reading.device = gpu.id;
    if (gpu.lost) {
      reading.health = model::Health::kLost;
      reading.health_reason = "fell off the bus";
      return reading;
    }
    reading.total = gpu.total;
    reading.reserved = std::min(kDriver, Bytes{gpu.total.value / 32});
    Bytes free = gpu.total - *reading.reserved - gpu.foreign;
    int busy = 0;
    for (const Tenant& tenant : gpu.tenants) {
      if (!tenant.warm) continue;
      const Bytes taken{tenant.reserved.value / 100 * kTakenPercent};
      free -= taken;
      busy += jobs_[tenant.job].utilization;
      reading.used_by_task.emplace(id_of(tenant.job), taken);
    }
    reading.free = std::max(Bytes{}, free);
    reading.utilization_percent = std::min(100, busy);
    return reading;
  }

  // The next sample will show it.
  void soil(Gpu& gpu) {
    if (!gpu.dirty) dirty_.push_back(static_cast<std::size_t>(&gpu - gpus_.data()));
    gpu.dirty = true;
    if (sampling_) return;
    sampling_ = true;
    const std::int64_t interval = conditions_.sample.count();
    plan(Event::What::kSample, (now_ / interval + 1) * interval, 0);
  }

  void sample() {
    sampling_ = false;
    core::SetReadings input;
    for (const std::size_t at : dirty_) input.readings.push_back(reading(gpus_[at]));
    dirty_.clear();
    feed(input);
  }

  void plan_failure(std::size_t index) {
    const auto mean = static_cast<double>(conditions_.mean_time_to_failure.count());
    plan(Event::What::kFail, now_ + std::llround(random_.exponential(mean)), index);
  }

  void fail(std::size_t index) {
    Gpu& gpu = gpus_[index];
    gpu.lost = true;
    ++result_.device_failures;
    soil(gpu);
    for (const Tenant& tenant : gpu.tenants) kill(tenant.job, running_.at(tenant.job).attempt);
    plan(Event::What::kRepair, now_ + conditions_.repair.count(), index);
  }

  void repair(std::size_t index) {
    gpus_[index].lost = false;
    soil(gpus_[index]);
    plan_failure(index);
  }

  // Comes and goes, so that it is there for the wanted part of the time.
  void plan_foreign(std::size_t index) {
    const bool there = gpus_[index].foreign.value > 0;
    const double part = conditions_.foreign;
    const double mean = there ? kForeignStay : kForeignStay * (1 - part) / part;
    plan(Event::What::kForeign, now_ + std::llround(random_.exponential(mean)), index);
  }

  void toggle_foreign(std::size_t index) {
    Gpu& gpu = gpus_[index];
    const double part = random_.uniform(0, kMostForeign);
    gpu.foreign =
        gpu.foreign.value > 0
            ? Bytes{}
            : Bytes{static_cast<std::int64_t>(static_cast<double>(gpu.total.value) * part)};
    soil(gpu);
    plan_foreign(index);
  }

  void count(Gpu& gpu) {
    const std::int64_t until = std::min(now_, result_.last_arrival_ms);
    const auto passed = static_cast<double>(std::max<std::int64_t>(0, until - gpu.counted_ms));
    gpu.counted_ms = std::max(gpu.counted_ms, until);
    if (gpu.tenants.empty()) return;
    gpu.busy_ms += passed;
    for (const Tenant& tenant : gpu.tenants)
      gpu.byte_ms += passed * static_cast<double>(tenant.reserved.value);
  }

  // ---- the loop ----

  // Devices fail and come back for ever: when only that is left, the run is over.
  [[nodiscard]] bool over(std::size_t next) const {
    if (next < jobs_.size() || !running_.empty()) return false;
    return state_.tasks.empty() || now_ - progress_ms_ > kHopeless;
  }

  // The scheduler has something to do by itself before `at`.
  bool tick_before(std::int64_t at) {
    const auto due = core::next_wakeup(state_);
    if (!due || base::to_ms(*due) - epoch_ >= at) return false;
    now_ = std::max(now_, base::to_ms(*due) - epoch_);
    feed(core::Tick{});
    return true;
  }

  void handle(const Event& event) {
    switch (event.what) {
      case Event::What::kExit:
        return exit(event.subject, event.attempt);
      case Event::What::kWarm:
        return warm(event.subject, event.attempt);
      case Event::What::kSample:
        return sample();
      case Event::What::kFail:
        return fail(event.subject);
      case Event::What::kRepair:
        return repair(event.subject);
      case Event::What::kForeign:
        return toggle_foreign(event.subject);
    }
  }

  void sum_up() {
    double busy = 0, bytes = 0, all = 0;
    for (Gpu& gpu : gpus_) {
      count(gpu);
      busy += gpu.busy_ms;
      bytes += gpu.byte_ms;
      all += static_cast<double>(gpu.total.value);
    }
    const auto time = static_cast<double>(result_.last_arrival_ms);
    if (time <= 0 || gpus_.empty()) return;
    result_.device_utilization = busy / (time * static_cast<double>(gpus_.size()));
    result_.memory_utilization = all > 0 ? bytes / (time * all) : 0;
  }

  const Fleet& fleet_;
  const std::vector<Job>& jobs_;
  const Conditions& conditions_;
  Random random_;
  core::State state_;
  Result result_;
  std::int64_t epoch_ = kMidnight;  // when now_ is 0
  std::int64_t now_ = 0;
  std::int64_t progress_ms_ = 0;  // of the last start or end
  std::uint64_t order_ = 0;
  bool sampling_ = false;
  model::Selector cuda_ = *model::parse_selector("cuda");
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::vector<Gpu> gpus_;
  std::vector<std::size_t> dirty_;
  std::unordered_map<core::DeviceId, std::size_t> gpu_index_;
  std::unordered_map<std::string, std::size_t> known_ids_;
  std::unordered_map<std::size_t, Running> running_;
};

}  // namespace

Result simulate(const Fleet& fleet, const std::vector<Job>& jobs, const Conditions& conditions) {
  return World(fleet, jobs, conditions).run();
}

}  // namespace berth::sim
