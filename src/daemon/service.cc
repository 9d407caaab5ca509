// SPDX-License-Identifier: Apache-2.0
#include "daemon/service.h"

#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/account.h"
#include "base/log.h"
#include "base/phrase.h"
#include "base/text.h"
#include "core/occupancy.h"
#include "daemon/boot.h"
#include "daemon/worker_build.h"
#include "daemon/yaml_json.h"
#include "device/host/backend.h"
#include "model/task_words.h"
#include "supervise/log_reader.h"
#include "supervise/mps.h"

namespace berth::daemon {

namespace {

device::SamplerOptions sampler_options(const Config& config) {
  device::SamplerOptions options;
  options.machine.nvml_library = config.nvml_library;
  options.machine.level_zero_library = config.level_zero_library;
  options.machine.dcmi_library = config.dcmi_library;
  options.machine.amd_smi_library = config.amd_smi_library;
  options.machine.integrated_gpus = config.integrated_gpus;
  options.machine.sysfs_root = config.sysfs_root;
  return options;
}

supervise::Enforcer::Options enforcement_options(const Config& config) {
  supervise::Enforcer::Options options;
  options.fence = config.fence_devices;
  const char* path = std::getenv("PATH");
  if (path != nullptr) options.search_path = path;
  if (config.memory_watchdog != WatchdogMode::kOff)
    options.watchdog = to_text(config.memory_watchdog);
  return options;
}

std::string signal_name(int signal) {
  const char* name = sigabbrev_np(signal);
  return name != nullptr ? std::string("SIG") + name : std::to_string(signal);
}

// Of the file system that holds the state: with less nothing new is taken.
constexpr std::uint64_t kLeastRoom = 2U << 20;
constexpr std::uint64_t kLeastFiles = 16;

// A task whose record asks for something after a start, as it was before the start decided
// anything.
struct Restored {
  std::shared_ptr<model::TaskRecord> task;
  model::TaskState state;
  int attempt;
};

}  // namespace

Service::Service(Loop& loop, const Config& config, std::string program, std::string program_dir,
                 std::function<void(const base::Error&)> on_broken)
    : loop_(loop),
      config_(config),
      worker_dir_(config.worker_dir.empty() ? program_dir : config.worker_dir),
      worker_stamp_(worker_stamp(worker_dir_)),
      worker_(read_worker_build(worker_dir_)),
      watchers_(loop),
      engine_(loop,
              Engine::Deeds{[this](const model::TaskRecord& task) { notes_.queued(task); },
                            [this](const model::TaskId& id, int attempt) { prepare(id, attempt); },
                            [this](const model::TaskRecord& task, const core::Launch& order) {
                              launch(task.id(), order.attempt);
                            },
                            [this](const core::Stop& order) { stop(order); },
                            [this](const model::TaskRecord& task, const core::Requeued& again) {
                              if (again.fenced) supervisor_.give_up(task.id(), again.attempt);
                              observations_.tried_again(task);
                              notes_.tried_again(task, again);
                            },
                            [this](const model::TaskRecord& task) { close_finished(task); },
                            [this](const core::LeaseEnded& lease) {
                              lease_holders_.forget(lease.task);
                              base::log_info("a lease ended",
                                             {{"lease", lease.task.value}, {"cause", lease.cause}});
                            },
                            [this](const model::TaskId& id) { watchers_.changed(id); },
                            std::move(on_broken), [this](bool full) { room_changed(full); }}),
      supervisor_(
          loop,
          Supervisor::Options{config.state_dir, program_dir + "/berth-shim", worker_dir_,
                              config.cancel_grace, config.max_output, config.max_log,
                              enforcement_options(config)},
          Supervisor::Callbacks{
              [this](const model::TaskId& id, int attempt, const supervise::Ended& ended) {
                task_ended(id, attempt, ended);
              },
              [this](const model::TaskId& id, int attempt, const std::string& why) {
                engine_.launch_failed(id, attempt, why);
              },
              [this](const model::TaskId& id, int attempt) { engine_.launch_undone(id, attempt); },
              [this](const supervise::LogNotice& notice) { take_notice(notice); }}),
      notes_(supervisor_),
      devices_(loop, std::move(program), sampler_options(config),
               [this](const DeviceFeed::Changes& changes) { devices_changed(changes); }),
      second_look_(loop, engine_.state(), second_look_deeds()),
      lease_holders_(loop, engine_.state(), lease_deeds()),
      memory_watchdog_(config.memory_watchdog),
      observations_(engine_, devices_, config),
      notice_trial_(loop),
      processor_(config.sysfs_root) {}

void Service::start_devices() { devices_.start(); }

bool Service::devices_known() const {
  const auto& watch = devices_.watch();
  return watch.has_inventory() && watch.samples().size() >= watch.inventory().devices.size();
}

base::Status Service::restore(store::Store& store, store::Loaded loaded) {
  return engine_.restore(store, std::move(loaded));
}

void Service::go() {
  going_ = true;
  // As they were: what is decided from here on is carried out when it is durable, by and by.
  std::vector<Restored> live;
  for (const auto& [sequence, task] : records()) {
    if (!model::is_final(task->state) || !task->log_closed)
      live.push_back({task, task->state, task->attempt});
  }
  configure_scheduler(true);
  if (!devices_.watch().has_inventory()) observe_host();
  DeviceFeed::Changes all;
  all.inventory = devices_.watch().has_inventory();
  for (const auto& sample : devices_.watch().samples()) all.samples.insert(sample.device);
  const bool rebooted = note_boot(config_.state_dir);
  // What runs is taken over before the readings of the devices are decided on, so that its memory
  // is known as its own.
  for (const auto& [task, state, attempt] : live) {
    notes_.queued(*task);
    // The start itself may have taken a running attempt back: its device was lost long ago.
    const bool runs =
        state == model::TaskState::kRunning && task->state == state && task->attempt == attempt;
    // The end of an attempt may have been recorded before its output was in the log.
    supervisor_.complete_log(*task, attempt - (runs ? 1 : 0));
    if (model::is_final(state)) {
      close_finished(*task);
    } else if (runs) {
      if (supervisor_.adopt(*task)) {
        observations_.adopted(*task);
        notes_.allocated(*task);
        notes_.started(*task);
      } else if (rebooted) {
        supervise::Ended lost;
        lost.exit.cause = "lost";
        lost.message = std::string(model::words::kUnknownAfterRestart);
        loop_.post([this, id = task->id(), attempt = task->attempt, lost] {
          engine_.exited(id, attempt, lost.exit, lost.message);
        });
      } else {
        launch(task->id(), task->attempt);
      }
    }
  }
  std::vector<core::Attempt> fenced;
  for (const auto& [id, device] : state().devices)
    fenced.insert(fenced.end(), device.fenced.begin(), device.fenced.end());
  for (const auto& [id, device] : state().devices) {
    if (device.reading && device.reading->health == model::Health::kFailed)
      devices_.remember_failure(id, device.reading->health_reason);
  }
  lease_holders_.restore();
  for (const auto& attempt : fenced) supervisor_.follow_fenced(attempt.task, attempt.number);
  devices_changed(all);
  check_room();
  history_ = std::make_unique<HistoryKeeper>(loop_, config_.state_dir + "/readings.db");
  stale_check_ = loop_.every(base::Duration{1'000}, [this] {
    history_->take(devices_.watch().samples(), now());
    check_stale();
    check_memory();
    observations_.look(task_by_pid_, now());
    check_room();
    check_worker();
    forget_expired();
  });
}

void Service::forget_expired() {
  constexpr std::size_t kAtATime = 500;
  constexpr int kSeconds = 10;  // between two looks, unless there is more to do
  if (!ready() || --seconds_to_retention_ > 0) return;
  auto gone = expired(records(), config_.retention, now(), kAtATime);
  std::erase_if(gone, [this](const auto& id) {
    return removing_.contains(id) || core::is_fenced(state(), id);
  });
  seconds_to_retention_ = gone.size() == kAtATime ? 1 : kSeconds;
  if (gone.empty()) return;
  base::log_info("tasks that ended long ago are forgotten",
                 {{"tasks", std::to_string(gone.size())}, {"first", gone.front().value}});
  for (const auto& id : gone) remove_now(id, [](const base::Status&) {});
}

void Service::reconfigure(const Config& config) {
  // What only counts at the start stays as it was then.
  config_.data_roots = config.data_roots;
  config_.allowed_users = config.allowed_users;
  config_.memory_watchdog = config.memory_watchdog;
  config_.notifications = config.notifications;
  config_.cancel_grace = config.cancel_grace;
  config_.max_output = config.max_output;
  config_.max_log = config.max_log;
  config_.retention = config.retention;
  config_.scheduler = config.scheduler;
  supervisor_.reconfigure(config.cancel_grace, config.max_output, config.max_log);
  memory_watchdog_.set_mode(config.memory_watchdog);
  observations_.reconfigure(config);
  configure_scheduler(false);
}

bool Service::allows(uid_t uid) const {
  const auto& allowed = config_.allowed_users;
  if (allowed.empty()) return false;
  if (std::find(allowed.begin(), allowed.end(), "*") != allowed.end()) return true;
  const auto account = base::account_of(uid);
  if (!account) return false;
  if (std::find(allowed.begin(), allowed.end(), account->name) != allowed.end()) return true;
  for (const gid_t gid : base::groups_of(*account)) {
    if (std::find(allowed.begin(), allowed.end(), "@" + base::group_name(gid)) != allowed.end())
      return true;
  }
  return false;
}

void Service::configure_scheduler(bool start) {
  core::Config scheduler = config_.scheduler;
  if (worker_.installed && worker_.cuda) scheduler.worker_vendors.insert(model::Vendor::kNvidia);
  engine_.configure(std::move(scheduler), start);
}

// The built-in workers may be installed, replaced or removed while the daemon runs.
void Service::check_worker() {
  std::string stamp = worker_stamp(worker_dir_);
  if (stamp == worker_stamp_) return;
  worker_stamp_ = std::move(stamp);
  const bool had_cuda = worker_.installed && worker_.cuda;
  worker_ = read_worker_build(worker_dir_);
  base::log_info("the built-in workers changed", {{"now", parts().at("workers")}});
  if (had_cuda != (worker_.installed && worker_.cuda)) configure_scheduler(false);
}

// A little before the end, so that the ends of what runs can still be written.
void Service::check_room() {
  struct statvfs system{};
  if (::statvfs(config_.state_dir.c_str(), &system) != 0) return;
  const auto free = static_cast<std::uint64_t>(system.f_bavail) * system.f_frsize;
  engine_.set_low_room(free < kLeastRoom || (system.f_files > 0 && system.f_favail < kLeastFiles));
}

void Service::room_changed(bool full) {
  if (!full) {
    base::log_info("the state directory has room again");
    return;
  }
  base::log_error("the state directory has no room: new work is refused, what runs goes on",
                  {{"directory", config_.state_dir}});
  // The last records of these cannot be written soon, and their files are what takes the room.
  for (auto& [id, waiting] : std::exchange(removals_, {})) {
    for (auto& callback : waiting) remove_now(id, std::move(callback));
  }
}

void Service::shut_down(std::function<void()> done) { engine_.shut_down(std::move(done)); }

std::map<std::string, std::string> Service::parts() const {
  std::map<std::string, std::string> parts{{"supervision", supervisor_.cgroups().text()}};
  parts["workers"] = !worker_.installed ? "not installed"
                     : worker_.cuda
                         ? "PyTorch " + worker_.torch_version.value_or("?") + " with CUDA"
                         : "PyTorch " + worker_.torch_version.value_or("?") + ", CPU only";
  parts["store"] = ready() ? "ok" : ready().error().message;
  parts["enforcement"] = supervisor_.enforcer().text();
  parts["devices"] = devices_.watch().has_inventory() ? "ok" : "the drivers have not answered yet";
  return parts;
}

// The cores of the processor are shared by the built-in tasks that run: one alone gets them all.
Grant Service::grant_for(const model::TaskRecord& task) const {
  Grant grant;
  int cores = 1;
  int builtin = 0;
  for (const auto& [id, entry] : state().devices) {
    if (entry.is_cpu()) cores = std::max(1, entry.device.cores);
  }
  if (task.request.builtin) {
    for (const auto& [id, entry] : state().tasks)
      builtin += entry.request.builtin && entry.state == model::TaskState::kRunning ? 1 : 0;
  }
  grant.threads = std::max(1, cores / std::max(1, builtin));
  if (task.run_as) grant.account = base::account_of(task.run_as->uid);
  grant.nvidia_driver = inventory().driver_version.value_or("");
  if (!task.placement) return grant;
  std::set<model::DeviceId> given;
  for (const auto& share : task.placement->shares) {
    given.insert(share.device);
    const auto entry = state().devices.find(share.device);
    if (entry != state().devices.end()) grant.devices.push_back(entry->second.device);
  }
  for (const auto& [id, entry] : state().devices) {
    if (!entry.is_cpu() && !given.contains(id)) grant.withheld.push_back(entry.device);
  }
  return grant;
}

// ---- from the decision to the process ----

SecondLook::Deeds Service::second_look_deeds() {
  using Devices = std::vector<model::DeviceId>;
  return SecondLook::Deeds{
      [this](const Devices& devices, std::function<void(bool)> done) {
        devices_.look(devices, std::move(done));
      },
      [this](const model::DeviceId& id) -> std::optional<base::Duration> {
        const auto* sample = devices_.watch().sample(id);
        if (sample == nullptr) return std::nullopt;
        return now() - sample->taken;
      },
      [this](const model::TaskId& id, int attempt) { start(id, attempt); },
      [this](const model::TaskId& id, int attempt, const std::optional<model::Refusal>& refusal) {
        undo(id, attempt, refusal);
      },
      [this](const Devices& devices) { distrust(devices); }};
}

LeaseHolders::Deeds Service::lease_deeds() {
  const auto renew = [this](const model::TaskId& id, const std::string& holder) {
    const auto lease = state().tasks.find(id);
    if (lease == state().tasks.end()) return;
    engine_.renew_lease({id, lease->second.lease_time, holder}, [id](const base::Status& status) {
      if (!status)
        base::log_warning("cannot note who holds a lease",
                          {{"lease", id.value}, {"reason", status.error().message}});
    });
  };
  const auto end = [this](const model::TaskId& id) {
    engine_.end_lease(id, [id](const base::Status& status) {
      if (!status)
        base::log_warning("cannot end the lease of a process that has ended",
                          {{"lease", id.value}, {"reason", status.error().message}});
    });
  };
  return {renew, [renew](const model::TaskId& id) { renew(id, ""); }, end};
}

void Service::launch(const model::TaskId& id, int attempt) {
  const auto task = engine_.table().find(id);
  if (task == nullptr || !task->placement || task->attempt != attempt ||
      task->state != model::TaskState::kRunning) {
    return;
  }
  notes_.allocated(*task);
  second_look_.take(id, attempt, *task->placement);
}

void Service::start(const model::TaskId& id, int attempt) {
  const auto task = engine_.table().find(id);
  if (task == nullptr) return;
  observations_.started(*task, now());
  notes_.started(*task);
  if (supervisor_.release(*task, attempt)) return;
  // One that nobody knew of before has not been prepared.
  if (may_be_held(*task, attempt)) supervisor_.prepare(*task, attempt, grant_for(*task));
  if (!supervisor_.release(*task, attempt)) supervisor_.launch(*task, attempt, grant_for(*task));
}

// Where the devices need no second look. A worker's specification is written for what is there when
// it starts.
bool Service::may_be_held(const model::TaskRecord& task, int attempt) const {
  if (!task.placement || task.attempt != attempt || task.request.builtin ||
      task.state != model::TaskState::kRunning) {
    return false;
  }
  return std::all_of(task.placement->shares.begin(), task.placement->shares.end(),
                     [this](const auto& share) {
                       const auto device = state().devices.find(share.device);
                       return device != state().devices.end() && device->second.is_cpu();
                     });
}

// A task that nobody may know of yet has no directory.
void Service::prepare(const model::TaskId& id, int attempt) {
  const auto task = engine_.table().find_published(id);
  if (task == nullptr || !may_be_held(*task, attempt)) return;
  supervisor_.prepare(*task, attempt, grant_for(*task));
}

void Service::undo(const model::TaskId& id, int attempt,
                   const std::optional<model::Refusal>& refusal) {
  if (!revoke(id, attempt)) return;
  if (refusal) notes_.not_started(id, attempt, *refusal);
  engine_.launch_undone(id, attempt);
}

// An attempt that is being looked at was decided on by this run of the daemon, and then it has no
// process, or by an earlier one, and then it may have one that has not come to its claim.
bool Service::revoke(const model::TaskId& id, int attempt) {
  const auto task = engine_.table().find(id);
  return task == nullptr || task->attempt != attempt || supervisor_.revoke(*task);
}

void Service::stop(const core::Stop& order) {
  const auto task = engine_.table().find(order.task);
  notes_.stopping(order, task == nullptr ? "" : task->device);
  if (second_look_.drop(order.task, order.attempt) && revoke(order.task, order.attempt)) {
    engine_.launch_undone(order.task, order.attempt);
  } else {
    supervisor_.stop(order.task, order.attempt, order.now);
  }
}

// ---- the log of a task and its events ----

void Service::close_finished(const model::TaskRecord& task) {
  observations_.ended(task);
  if (removing_.contains(task.id())) return;
  notes_.ended(task);
  supervisor_.close_log(task.id(), [this, id = task.id()](std::uint64_t kept) {
    const auto found = engine_.table().find(id);
    if (found == nullptr) return;
    found->log_closed = true;
    found->kept_bytes = kept;
    engine_.touch(id);
    for (auto& removal : std::exchange(removals_[id], {})) remove(id, std::move(removal));
    removals_.erase(id);
  });
}

void Service::take_notice(const supervise::LogNotice& notice) {
  const auto task = engine_.table().find(notice.task);
  if (task == nullptr) return;
  for (const auto& event : notice.events) {
    if (event.attempt == task->attempt) take_event(*task, event);
  }
  if (notice.events.empty()) {
    watchers_.changed(notice.task);
    return;
  }
  // What has ended says nothing new: it is heard again after a restart.
  if (!model::is_final(task->state)) task->updated = base::now();
  engine_.touch(notice.task);
}

void Service::take_event(model::TaskRecord& task, const supervise::TaskEvent& event) {
  using Kind = supervise::TaskEvent::Kind;
  switch (event.kind) {
    case Kind::kProgress:
      task.progress = std::clamp(event.value, 0.0, 1.0);
      if (event.current_epoch) task.current_epoch = event.current_epoch;
      if (event.total_epochs) task.total_epochs = event.total_epochs;
      if (event.done) task.items_done = event.done;
      if (event.total) task.items_total = event.total;
      break;
    case Kind::kMetrics:
      for (const auto& entry : event.data) task.latest_metrics[entry.key()] = entry.value();
      break;
    case Kind::kResult:
      task.result = event.data;
      break;
    case Kind::kFailure:
      task.failure = model::Failure{event.code, event.message, event.file};
      break;
    case Kind::kCheckpoint:
    case Kind::kLog:
      break;
  }
}

// ---- the end of a task ----

std::string Service::end_in_words(const model::TaskId& id, int attempt,
                                  const supervise::Ended& ended) const {
  const model::Exit& exit = ended.exit;
  if (exit.cause == "timeout") return std::string(model::words::kTimeLimit);
  if (exit.cause == "memory_limit") return std::string(model::words::kUsedMore);
  std::string words = ended.message;
  if (exit.cause == "launch_failed" || exit.cause == "lost") {
    return words.empty() ? std::string(model::words::kProcessLost) : words;
  }
  if (exit.signal) {
    words = base::fill(model::words::kKilledBy, {signal_name(*exit.signal)});
  } else {
    words = base::fill(model::words::kExitStatus, {std::to_string(exit.exit_code.value_or(-1))});
  }
  // What the program said last is mostly why.
  const auto directory = attempt_directory(config_.state_dir, id, attempt);
  const auto error =
      supervise::read_output(directory, supervise::OutputStream::kStderr, 0, 1U << 20);
  if (!error) return words;
  const auto lines = base::split(base::trim(base::to_utf8(error->bytes)), '\n');
  const std::string last(base::trim(lines.back()));
  return last.empty() ? words : words + ": " + last.substr(0, 500);
}

// A program mostly dies of its lost GPU before a reading says that the GPU is lost. So the GPUs of
// one that ended badly are read once more before it is decided what to do about it.
void Service::task_ended(const model::TaskId& id, int attempt, const supervise::Ended& ended) {
  const bool good = ended.exit.cause == "exited" && ended.exit.exit_code == 0;
  const auto report = [this, id, attempt, ended, good](bool) {
    const auto record = engine_.table().find(id);
    if (record != nullptr && record->attempt == attempt) observations_.attempt_ended(*record);
    engine_.exited(id, attempt, ended.exit,
                   good ? std::string() : end_in_words(id, attempt, ended));
  };
  const auto task = state().tasks.find(id);
  if (good || ended.exit.cause != "exited" || task == state().tasks.end() ||
      task->second.attempt != attempt || task->second.cancelling || task->second.evicted ||
      !task->second.placement) {
    return report(true);
  }
  std::vector<model::DeviceId> gpus;
  for (const auto& share : task->second.placement->shares) {
    const auto device = state().devices.find(share.device);
    if (device != state().devices.end() && !device->second.is_cpu()) gpus.push_back(share.device);
  }
  if (gpus.empty()) return report(true);
  devices_.look(gpus, report);
}

// ---- what the API asks for ----

std::shared_ptr<const model::TaskRecord> Service::find(const model::TaskId& id) const {
  return engine_.table().find_published(id);
}

base::Result<api::LogPage> Service::read_log(const model::TaskId& id, std::uint64_t offset,
                                             std::size_t max_bytes) const {
  auto chunk = supervise::read_log(supervise::log_path(task_directory(config_.state_dir, id)),
                                   offset, max_bytes);
  if (!chunk) return base::fail(chunk.error());
  api::LogPage page{{}, chunk->next_offset, chunk->at_end};
  for (auto& entry : chunk->entries) {
    page.records.push_back({std::move(entry.json), entry.end_offset, entry.daemon_record});
  }
  return page;
}

base::Result<api::OutputPage> Service::read_output(const model::TaskId& id, int attempt,
                                                   bool standard_error, std::uint64_t offset,
                                                   std::size_t max_bytes) const {
  const auto task = find(id);
  if (task == nullptr || task->attempt == 0) return api::OutputPage{offset, {}, offset};
  auto chunk = supervise::read_output(
      attempt_directory(config_.state_dir, id, attempt > 0 ? attempt : task->attempt),
      standard_error ? supervise::OutputStream::kStderr : supervise::OutputStream::kStdout, offset,
      max_bytes);
  if (!chunk) return base::fail(chunk.error());
  return api::OutputPage{chunk->offset, std::move(chunk->bytes), chunk->next_offset};
}

std::string Service::default_save_path(const model::TaskId& id) const {
  const std::string directory = task_directory(config_.state_dir, id);
  return config_.state_dir + "/results" + directory.substr(directory.rfind('/'));
}

base::Result<base::json::value> Service::parse_yaml(const std::string& text) const {
  return yaml_as_json(text);
}

void Service::submit(model::TaskRecord task, TaskCallback callback) {
  engine_.submit(std::move(task), std::move(callback));
}

void Service::cancel(const model::TaskId& id, DoneCallback callback) {
  engine_.cancel(id, std::move(callback));
}

// The files go first: until they are gone the id is taken, so that a new task of that name never
// finds those of the old one.
void Service::remove(const model::TaskId& id, DoneCallback callback) {
  const auto task = find(id);
  if (task == nullptr || !model::is_final(task->state))
    return engine_.remove(id, std::move(callback));
  // Its process would be taken for one of another task of that id.
  if (core::is_fenced(state(), id)) {
    return callback(base::fail(base::ErrorCode::kWrongState,
                               base::fill(model::words::kProcessIsLeft, {id.value})));
  }
  if (!task->log_closed && ready()) {  // its last record is still on the way
    removals_[id].push_back(std::move(callback));
    return;
  }
  remove_now(id, std::move(callback));
}

void Service::remove_now(const model::TaskId& id, DoneCallback callback) {
  removing_.insert(id);
  supervisor_.delete_task(id, [this, id, callback = std::move(callback)] {
    engine_.remove(id, callback);
    removing_.erase(id);
    check_room();
  });
}

void Service::set_limits(std::vector<core::LimitChange> changes, DoneCallback callback) {
  engine_.set_limits(std::move(changes), std::move(callback));
}

void Service::set_hold(const model::TaskId& id, bool on, DoneCallback callback) {
  engine_.set_hold(id, on, std::move(callback));
}

void Service::set_priority(const model::TaskId& id, int priority, DoneCallback callback) {
  engine_.set_priority(id, priority, std::move(callback));
}

void Service::drain(core::Drain drain, DoneCallback callback) {
  engine_.drain(std::move(drain), std::move(callback));
}

void Service::lease(core::Lease lease, DoneCallback callback) {
  engine_.lease(std::move(lease), std::move(callback));
}

void Service::renew_lease(const model::TaskId& id, std::optional<base::Duration> time,
                          DoneCallback callback) {
  const auto lease = state().tasks.find(id);
  core::RenewLease renewal{id, {}, ""};
  if (lease != state().tasks.end()) {
    renewal.time = time.value_or(lease->second.lease_time);
    renewal.holder = lease->second.holder;
  }
  engine_.renew_lease(std::move(renewal), std::move(callback));
}

void Service::adopt_lease(const model::TaskId& id, int pid, DoneCallback callback) {
  const auto lease = state().tasks.find(id);
  if (lease == state().tasks.end() || !lease->second.is_lease())
    return engine_.renew_lease({id, {}, ""}, std::move(callback));  // says that there is none
  if (auto room = ready(); !room) return callback(std::move(room));
  if (auto status = lease_holders_.adopt(id, pid, LeaseHolders::By::kName); !status) {
    return callback(std::move(status));
  }
  renew_lease(id, std::nullopt, std::move(callback));  // answered when that is recorded
}

void Service::end_lease(const model::TaskId& id, DoneCallback callback) {
  engine_.end_lease(id, std::move(callback));
}

void Service::test_notifications(NoticeTrial::Callback callback) {
  notice_trial_.begin(config_.notifications, observations_.host(), now(), std::move(callback));
}

std::shared_ptr<void> Service::every(base::Duration interval, std::function<void()> work) {
  return loop_.every(interval, std::move(work));
}

std::shared_ptr<void> Service::watch(const model::TaskId& id, std::function<void()> changed) {
  return watchers_.watch(id, std::move(changed));
}

}  // namespace berth::daemon
