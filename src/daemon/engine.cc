// SPDX-License-Identifier: Apache-2.0
#include "daemon/engine.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include "base/id.h"
#include "base/log.h"
#include "base/phrase.h"
#include "base/text.h"
#include "core/admit.h"
#include "core/failure.h"
#include "model/device_words.h"
#include "model/task_words.h"

namespace berth::daemon {

namespace {

using base::ErrorCode;
using base::fail;
using core::Output;

constexpr base::Duration kLazyFlush{1'000};
constexpr std::int64_t kSnapshotEvery = 4096;

std::string outcome_text(const std::vector<Output>& outputs) {
  base::json::array list;
  for (const auto& output : outputs) list.push_back(core::to_json(output));
  return base::to_text(list);
}

// What the scheduler refused its input with; nullptr when it took it.
const core::Refused* refusal_in(const std::vector<Output>& outputs) {
  for (const auto& output : outputs) {
    if (const auto* refused = std::get_if<core::Refused>(&output)) return refused;
  }
  return nullptr;
}

std::string device_names(const model::Placement& placement) {
  std::vector<std::string> names;
  for (const auto& share : placement.shares) names.push_back(share.name);
  return base::join(names, ",");
}

// Of those that a task had and that work no more. One that works again by now is not told from
// those that always did.
std::string lost_names(const core::State& state, model::Placement placement) {
  const auto works = [&](const model::Share& share) {
    const auto device = state.devices.find(share.device);
    return device != state.devices.end() && device->second.reading &&
           device->second.reading->health == model::Health::kHealthy;
  };
  const std::string all = device_names(placement);
  std::erase_if(placement.shares, works);
  return placement.shares.empty() ? all : device_names(placement);
}

std::map<model::TaskId, core::TaskEntry> live_tasks(const TaskTable& table) {
  std::map<model::TaskId, core::TaskEntry> tasks;
  for (const auto& [sequence, record] : table.published()) {
    if (model::is_final(record->state)) continue;
    core::TaskEntry task;
    task.request = record->request;
    task.state =
        record->state == model::TaskState::kRunning ? record->state : model::TaskState::kQueued;
    task.sequence = sequence;
    task.submitted = record->created;
    task.attempt = record->attempt;
    if (task.state == model::TaskState::kRunning) {
      task.placement = record->placement;
      task.cancelling = record->cancelling;
    } else {
      task.held = record->held;
      task.not_before = record->not_before;
    }
    task.retries = record->retries;
    tasks.emplace(record->id(), std::move(task));
  }
  for (auto& [id, task] : tasks) {
    if (task.state != model::TaskState::kQueued) continue;
    for (const auto& dependency : task.request.after) {
      if (tasks.contains(dependency.task)) task.after.emplace(dependency.task, dependency.any);
    }
  }
  return tasks;
}

// Whether a decision could come out differently: more than noise.
bool matters(const core::Reading& a, const core::Reading& b) {
  constexpr std::int64_t kNoise = 16LL << 20;
  const auto differs = [&](const std::optional<base::Bytes>& x,
                           const std::optional<base::Bytes>& y) {
    return x.has_value() != y.has_value() || (x && std::abs(x->value - y->value) > kNoise);
  };
  return a.health != b.health || differs(a.total, b.total) || differs(a.free, b.free) ||
         differs(a.reserved, b.reserved) || a.used_by_task != b.used_by_task;
}

// As it was before it was placed.
void back_to_queue(model::TaskRecord& record) {
  record.state = model::TaskState::kQueued;
  record.placement.reset();
  record.started.reset();
  record.device = record.request.selector.text;
}

// The last words of PyTorch, TensorFlow, JAX, CUDA and HIP programs that got no more memory.
bool says_out_of_memory(const std::string& text) {
  const std::string lower = base::lower(text);
  constexpr std::array kWords{"cuda out of memory",        "outofmemoryerror",
                              "hip out of memory",         "cuda_error_out_of_memory",
                              "cudaerrormemoryallocation", "resource_exhausted: out of memory",
                              "oom when allocating"};
  return std::any_of(kWords.begin(), kWords.end(), [&](std::string_view words) {
    return lower.find(words) != std::string::npos;
  });
}

}  // namespace

base::Status Engine::restore(store::Store& store, store::Loaded loaded) {
  if (auto status = table_.load(loaded.tasks); !status) return status;
  if (auto status = replay(loaded); !status) {
    // Another version of Berth may decide otherwise. What was decided is in the records, which were
    // written in the same transactions.
    base::log_warning("the journal cannot be replayed, going by the task records",
                      {{"reason", status.error().message}});
    auto state = core::with_tasks(std::move(state_), live_tasks(table_));
    if (!state) return fail(state.error());
    state_ = std::move(*state);
  }
  std::int64_t last = snapshot_seq_;
  if (!loaded.journal.empty()) last = loaded.journal.back().seq;
  store.start();
  journal_ =
      std::make_unique<Journal>(loop_, store, last,
                                Journal::Events{[this](store::Batch& batch) { prepare(batch); },
                                                deeds_.broken, [this] { update_room(); }});
  return {};
}

base::Status Engine::replay(const store::Loaded& loaded) {
  if (loaded.snapshot) {
    snapshot_seq_ = loaded.snapshot->seq;
    const auto parsed = base::parse_json(loaded.snapshot->state);
    if (!parsed || !parsed->is_object())
      return fail(ErrorCode::kStoreError, "the snapshot is not JSON");
    auto state = core::state_from_json(parsed->as_object());
    if (!state) return fail(state.error());
    state_ = std::move(*state);
  }
  for (const auto& entry : loaded.journal) {
    const auto parsed = base::parse_json(entry.input);
    if (!parsed || !parsed->is_object())
      return fail(ErrorCode::kStoreError, "a journal entry is not JSON");
    const auto input = core::input_from_json(parsed->as_object());
    if (!input) return fail(input.error());
    const auto outputs = core::step(state_, *input, base::from_ms(entry.time_ms));
    if (outcome_text(outputs) != entry.outcome) {
      return fail(ErrorCode::kStoreError,
                  "entry " + std::to_string(entry.seq) + " now decides otherwise than it did");
    }
  }
  return {};
}

// ---- inputs ----

void Engine::configure(core::Config config, bool start) {
  apply(core::Configure{std::move(config), start});
  if (full_) apply(core::Pause{true});
}

void Engine::observe_inventory(std::vector<model::Device> devices, bool complete) {
  apply(core::SetInventory{std::move(devices), complete});
}

void Engine::observe_readings(std::vector<core::Reading> readings) {
  ++revision_;
  bool decisive = false;
  bool urgent = false;
  for (auto& reading : readings) {
    const auto device = state_.devices.find(reading.device);
    if (device == state_.devices.end()) continue;
    for (const auto& [task, used] : reading.used_by_task) {
      auto& peak = peaks_[task];
      peak = std::max(peak, used);
    }
    const auto known = journalled_.find(reading.device);
    decisive = decisive || known == journalled_.end() || matters(known->second, reading);
    // What runs there is concerned too.
    urgent = urgent || (!device->second.reservations.empty() &&
                        (known == journalled_.end() ? reading.health != model::Health::kHealthy
                                                    : known->second.health != reading.health));
    unjournalled_.insert(reading.device);
    device->second.reading = std::move(reading);
    std::erase_if(device->second.reading->used_by_task, [&](const auto& used) {
      return !device->second.reservations.contains(used.first);
    });
  }
  if (urgent || (decisive && state_.queue.size() > 0 && !state_.paused)) journal_readings();
}

void Engine::journal_readings() {
  core::SetReadings input;
  for (const auto& id : std::exchange(unjournalled_, {})) {
    const auto device = state_.devices.find(id);
    if (device == state_.devices.end() || !device->second.reading) continue;
    input.readings.push_back(*device->second.reading);
    journalled_[id] = *device->second.reading;
  }
  if (!input.readings.empty()) step(core::Input(std::move(input)), {});
}

void Engine::submit(model::TaskRecord record, TaskCallback callback) {
  if (record.request.id.empty()) record.request.id = model::TaskId(base::random_uuid());
  const model::TaskId id = record.request.id;
  if (auto room = check_room(); !room) return callback(fail(room.error()));
  if (table_.find(id) != nullptr || table_.has_array(id.value)) {
    callback(fail(ErrorCode::kDuplicateTask, base::fill(model::words::kIdIsTaken, {id.value})));
    return;
  }
  if (auto status = resolve_dependencies(record.request); !status)
    return callback(fail(status.error()));
  record.held = record.request.hold;
  record.created = record.updated = base::now();
  record.state = model::TaskState::kPending;
  const auto as_created = std::make_shared<const model::TaskRecord>(record);
  const auto request = record.request;
  table_.add(std::move(record));
  const auto answer = std::make_shared<TaskCallback>(std::move(callback));
  const auto outputs =
      apply(core::Submit{request}, [this, as_created, answer](const base::Status& status) {
        if (!*answer) return;
        if (status) {
          table_.publish(as_created->id());
          return (*answer)(as_created);
        }
        withdraw(as_created->id());
        (*answer)(fail(check_room().error()));
      });
  if (const auto* refused = refusal_in(outputs)) {
    table_.erase(id);
    const TaskCallback refuse = std::exchange(*answer, nullptr);
    refuse(fail(refused->error));
  }
}

void Engine::cancel(const model::TaskId& id, DoneCallback callback) {
  const auto record = table_.find(id);
  if (record == nullptr)
    return callback(fail(ErrorCode::kNotFound, base::fill(model::words::kNoTask, {id.value})));
  if (model::is_final(record->state) || !state_.tasks.contains(id)) {
    return callback(fail(
        ErrorCode::kWrongState,
        base::fill(model::words::kHasEnded, {id.value, std::string(model::words::kBeCancelled)})));
  }
  if (!full_) {
    apply(core::Cancel{id}, std::move(callback));
    return;
  }
  // A task that fills the disk must be stoppable: its end is found out after a restart as well.
  if (record->state != model::TaskState::kRunning) return callback(check_room());
  apply(core::Cancel{id});
  callback({});
}

void Engine::set_low_room(bool low) {
  low_room_ = low;
  update_room();
}

void Engine::update_room() {
  const bool full = low_room_ || journal_->full();
  if (full == full_) return;
  full_ = full;
  deeds_.full(full);
  apply(core::Pause{full});
}

base::Status Engine::check_room() const {
  if (!full_) return {};
  return fail(ErrorCode::kStorageFull, std::string(model::words::kNoRoom));
}

void Engine::submit_array(std::vector<model::TaskRecord> records, DoneCallback callback) {
  auto array = std::make_shared<NewArray>(
      NewArray{std::move(records), 0, 0, std::nullopt, std::move(callback), {}});
  const std::string& id = array->records.front().request.array->array;
  if (table_.has_array(id) || table_.find(model::TaskId(id)) != nullptr) {
    return array->callback(
        fail(ErrorCode::kDuplicateTask, base::fill(model::words::kIdIsTaken, {id})));
  }
  // What holds for one holds for all, so this is where an array is refused.
  auto first = array->records.front().request;
  if (auto status = resolve_dependencies(first); !status) return array->callback(std::move(status));
  const auto admitted = core::admit(state_, first, static_cast<int>(array->records.size()));
  if (!admitted) return array->callback(fail(admitted.error()));
  submit_some(array);
}

// Not all at once: others are to be answered meanwhile. Should one be refused nevertheless (the
// disk is full, the places in the queue were taken in between), those before it are cancelled.
void Engine::submit_some(const std::shared_ptr<NewArray>& array) {
  constexpr std::size_t kAtATime = 64;
  const std::size_t until = std::min(array->next + kAtATime, array->records.size());
  while (array->next < until && !array->error) {
    array->submitted.push_back(array->records[array->next].request.id);
    ++array->open;
    submit(std::move(array->records[array->next++]), [this, array](const auto& task) {
      --array->open;
      if (!task && !array->error) array->error = task.error();
      answer_array(array);
    });
  }
  if (array->error || array->next == array->records.size()) return;
  loop_.post([this, array] { submit_some(array); });
}

void Engine::answer_array(const std::shared_ptr<NewArray>& array) {
  const bool all = array->next == array->records.size();
  if (array->open > 0 || (!all && !array->error) || !array->callback) return;
  const DoneCallback callback = std::exchange(array->callback, nullptr);
  if (!array->error) return callback({});
  for (const auto& id : array->submitted) {
    if (state_.tasks.contains(id)) cancel(id, [](const base::Status&) {});
  }
  callback(fail(*array->error));
}

// The task's entry could not be written: it has never been.
void Engine::withdraw(const model::TaskId& id) {
  if (const auto sequence = table_.erase(id)) journal_->remove_task(*sequence);
  if (!state_.tasks.contains(id)) return;
  apply(core::Cancel{id});
  const auto placed = state_.tasks.find(id);
  if (placed != state_.tasks.end()) apply(core::LaunchFailed{id, placed->second.attempt, false});
}

void Engine::remove(const model::TaskId& id, DoneCallback callback) {
  const auto record = table_.find(id);
  if (record == nullptr)
    return callback(fail(ErrorCode::kNotFound, base::fill(model::words::kNoTask, {id.value})));
  if (!model::is_final(record->state)) {
    return callback(fail(ErrorCode::kWrongState, base::fill(model::words::kNotEnded, {id.value})));
  }
  if (const auto sequence = table_.erase(id)) journal_->remove_task(*sequence);
  journal_->flush([id, callback = std::move(callback)](const base::Status& status) {
    if (status) return callback({});
    callback(fail(ErrorCode::kStorageFull, base::fill(model::words::kRecordStays, {id.value})));
  });
}

// What has ended well, or in any way that will do, need not be waited for.
base::Status Engine::resolve_dependencies(model::Request& request) const {
  std::vector<model::Dependency> live;
  std::vector<model::Dependency> wanted;
  for (const auto& dependency : request.after) {
    const auto tasks = table_.array(dependency.task.value);
    if (tasks.empty()) wanted.push_back(dependency);
    for (const auto& task : tasks) wanted.push_back({task->id(), dependency.any});
  }
  for (const auto& dependency : wanted) {
    const auto record = table_.find(dependency.task);
    if (record == nullptr || !model::is_final(record->state)) {
      live.push_back(dependency);  // unknown ones are the scheduler's to refuse
      continue;
    }
    if (dependency.any || record->state == model::TaskState::kCompleted) continue;
    return fail(ErrorCode::kBadRequest,
                base::fill(model::words::kAfterEnded,
                           {dependency.task.value, std::string(model::to_text(record->state))}));
  }
  request.after = std::move(live);
  return {};
}

// An input that is either refused at once or done when the journal has it.
void Engine::change(core::Input input, DoneCallback callback) {
  if (auto room = check_room(); !room) return callback(std::move(room));
  const auto answer = std::make_shared<DoneCallback>(std::move(callback));
  const auto outputs = apply(input, [this, answer](const base::Status& status) {
    if (*answer) (*answer)(status ? status : check_room());
  });
  if (const auto* refused = refusal_in(outputs)) {
    const DoneCallback refuse = std::exchange(*answer, nullptr);
    refuse(fail(refused->error));
  }
}

void Engine::set_limits(std::vector<core::LimitChange> changes, DoneCallback callback) {
  change(core::SetLimits{std::move(changes)}, std::move(callback));
}

void Engine::set_hold(const model::TaskId& id, bool on, DoneCallback callback) {
  change_waiting(
      core::SetHold{id, on}, id, model::words::kBeHeld,
      [on](model::TaskRecord& record) { record.held = on; }, std::move(callback));
}

void Engine::set_priority(const model::TaskId& id, int priority, DoneCallback callback) {
  change_waiting(
      core::SetPriority{id, priority}, id, model::words::kGetPriority,
      [priority](model::TaskRecord& record) { record.request.priority = priority; },
      std::move(callback));
}

void Engine::change_waiting(core::Input input, const model::TaskId& id, std::string_view what,
                            const std::function<void(model::TaskRecord&)>& record_it,
                            DoneCallback callback) {
  const auto record = table_.find(id);
  if (record == nullptr)
    return callback(fail(ErrorCode::kNotFound, base::fill(model::words::kNoTask, {id.value})));
  if (model::is_final(record->state)) {
    return callback(fail(ErrorCode::kWrongState,
                         base::fill(model::words::kHasEnded, {id.value, std::string(what)})));
  }
  if (auto room = check_room(); !room) return callback(std::move(room));
  const auto task = state_.tasks.find(id);
  if (task != state_.tasks.end() && task->second.state == model::TaskState::kQueued) {
    record_it(*record);
    record->updated = base::now();
    touch(id);
  }
  change(std::move(input), std::move(callback));
}

void Engine::drain(core::Drain drain, DoneCallback callback) {
  change(std::move(drain), std::move(callback));
}

void Engine::lease(core::Lease lease, DoneCallback callback) {
  change(std::move(lease), std::move(callback));
}

void Engine::renew_lease(core::RenewLease renewal, DoneCallback callback) {
  change(std::move(renewal), std::move(callback));
}

// Giving back must be possible on a full disk too: should the daemon be restarted before there is
// room, the lease ends by its time.
void Engine::end_lease(const model::TaskId& id, DoneCallback callback) {
  if (!full_) return change(core::EndLease{id}, std::move(callback));
  const auto lease = state_.tasks.find(id);
  const bool known = lease != state_.tasks.end() && lease->second.is_lease();
  apply(core::EndLease{id});
  callback(known ? base::Status()
                 : fail(ErrorCode::kNotFound, base::fill(model::words::kNoLease, {id.value})));
}

void Engine::launch_failed(const model::TaskId& id, int attempt, const std::string& why) {
  const auto record = table_.find(id);
  if (record != nullptr && !record->failure)
    record->failure = model::Failure{"launch_failed", why, ""};
  apply(core::LaunchFailed{id, attempt, false});
}

void Engine::launch_undone(const model::TaskId& id, int attempt) {
  const auto record = table_.find(id);
  const auto task = state_.tasks.find(id);
  if (record == nullptr || task == state_.tasks.end() || task->second.attempt != attempt ||
      task->second.state != model::TaskState::kRunning) {
    return;
  }
  // Before the step, which may place it elsewhere at once.
  if (!task->second.cancelling) {
    back_to_queue(*record);
    record->updated = base::now();
    table_.touch(id);
    deeds_.changed(id);
  }
  apply(core::LaunchFailed{id, attempt, true});
}

// Why the attempt failed, where the task has not said so itself.
std::optional<model::Failure> Engine::failure_of(const model::TaskId& id, const model::Exit& exit,
                                                 const std::string& why) const {
  if (exit.cause == "exited" && exit.exit_code == 0) return std::nullopt;
  const auto task = state_.tasks.find(id);
  if (task != state_.tasks.end() && task->second.evicted && task->second.placement) {
    return model::Failure{
        "device_lost",
        base::fill(model::words::kDeviceUnderLost, {lost_names(state_, *task->second.placement)}),
        ""};
  }
  if (exit.cause == "exited" && says_out_of_memory(why))
    return model::Failure{"out_of_memory", why, ""};
  return model::Failure{exit.cause == "exited" ? (exit.signal ? "signal" : "exit") : exit.cause,
                        why, ""};
}

void Engine::exited(const model::TaskId& id, int attempt, const model::Exit& exit,
                    const std::string& why) {
  const auto record = table_.find(id);
  const auto task = state_.tasks.find(id);
  // One that was given up and ends now says nothing of the task.
  const bool current = record != nullptr && record->attempt == attempt &&
                       task != state_.tasks.end() &&
                       task->second.state == model::TaskState::kRunning;
  if (current && !record->cancelling && !record->failure)
    record->failure = failure_of(id, exit, why);
  core::Exited input{id, attempt, exit, std::nullopt};
  const auto peak = peaks_.find(id);
  if (current && peak != peaks_.end()) {
    input.peak_memory = peak->second;
    peaks_.erase(peak);
  }
  input.out_of_memory =
      current && record->failure &&
      (record->failure->code == "out_of_memory" || record->failure->code == "memory_limit");
  if (input.out_of_memory)
    record->failure->suggested_memory =
        core::suggested_memory(state_, task->second, input.peak_memory);
  apply(std::move(input));
}

void Engine::touch(const model::TaskId& id) {
  table_.touch(id);
  deeds_.changed(id);
  if (flush_timer_ == nullptr) {
    flush_timer_ = loop_.after(kLazyFlush, [this] {
      flush_timer_.reset();
      journal_->flush();
    });
  }
}

void Engine::shut_down(std::function<void()> done) {
  flush_timer_.reset();
  force_snapshot_ = true;
  journal_->flush([done = std::move(done)](const base::Status&) { done(); });
}

// ---- one step ----

std::vector<Output> Engine::apply(const core::Input& input, Journal::Answer answer) {
  // What the decision is made on comes before it in the journal.
  if (!unjournalled_.empty()) journal_readings();
  return step(input, std::move(answer));
}

std::vector<Output> Engine::step(const core::Input& input, Journal::Answer answer) {
  ++revision_;
  const base::Time now = base::now();
  auto outputs = core::step(state_, input, now);
  for (const auto& output : outputs) note(output, now);
  arm_wakeup();
  journal_->append(
      now, base::to_text(core::to_json(input)), outcome_text(outputs),
      [this, outputs] {
        for (const auto& output : outputs) carry_out(output);
      },
      std::move(answer));
  if (!full_) {
    // Behind the journal, which has put its commit in the same queue.
    for (const auto& output : outputs) {
      if (const auto* launch = std::get_if<core::Launch>(&output))
        loop_.post(
            [this, id = launch->task, attempt = launch->attempt] { deeds_.prepare(id, attempt); });
    }
    return outputs;
  }
  // Nobody knows when there will be room: a stop, which loses nothing, does not wait for it.
  for (const auto& output : outputs) {
    if (std::holds_alternative<core::Stop>(output)) carry_out(output);
  }
  return outputs;
}

void Engine::arm_wakeup() {
  const auto next = core::next_wakeup(state_);
  if (next == wakeup_) return;
  wakeup_ = next;
  wakeup_timer_.reset();
  if (!next) return;
  const auto wait = std::max(base::Duration{1}, *next - base::now());
  wakeup_timer_ = loop_.after(wait, [this] {
    wakeup_timer_.reset();
    wakeup_.reset();
    apply(core::Tick{});
  });
}

// The records follow the outputs at once, so that no answer contradicts the scheduler.
void Engine::note(const Output& output, base::Time now) {
  std::shared_ptr<model::TaskRecord> record;
  std::visit([&](const auto& value) { record = table_.find(value.task); }, output);
  if (record == nullptr) return;
  if (const auto* queued = std::get_if<core::Queued>(&output)) {
    record->state = model::TaskState::kQueued;
    record->fallback = queued->fallback == core::Fallback::kNoGpu ? "no_gpu"
                       : queued->fallback == core::Fallback::kWorkerWithoutGpu
                           ? "worker_without_gpu"
                           : "";
  } else if (const auto* launch = std::get_if<core::Launch>(&output)) {
    record->state = model::TaskState::kRunning;
    record->attempt = launch->attempt;
    record->placement = launch->placement;
    record->device = device_names(launch->placement);
    record->started = now;
    record->not_before.reset();
    if (launch->fallback == core::Fallback::kGpusBusy) {
      record->fallback = "gpus_busy";
    } else if (record->fallback == "gpus_busy") {
      record->fallback.clear();
    }
  } else if (const auto* stop = std::get_if<core::Stop>(&output)) {
    if (stop->cause != "device_lost") record->cancelling = true;
  } else if (const auto* requeued = std::get_if<core::Requeued>(&output)) {
    back_to_queue(*record);
    record->retries = requeued->retries;
    record->not_before = requeued->not_before;
    if (requeued->memory) record->request.memory = requeued->memory;
    record->last_failure = record->failure.value_or(
        model::Failure{std::string(model::to_text(requeued->kind)), "", ""});
    record->failure.reset();
    record->progress = 0;
    record->current_epoch.reset();
    record->items_done.reset();
    record->items_total.reset();
    record->latest_metrics.clear();
    record->result.clear();
  } else if (const auto* finished = std::get_if<core::Finished>(&output)) {
    record->state = finished->state;
    record->exit = finished->exit;
    record->finished = now;
    record->not_before.reset();
    record->held = false;
    if (finished->state == model::TaskState::kCompleted) record->progress = 1;
    if (finished->state != model::TaskState::kFailed) record->failure.reset();
    if (!finished->why.pattern.empty()) {
      record->failure = model::Failure{finished->exit.cause, base::to_text(finished->why), ""};
    }
    peaks_.erase(finished->task);
  } else {
    return;
  }
  record->updated = now;
  table_.touch(record->id());
  deeds_.changed(record->id());
}

void Engine::carry_out(const Output& output) {
  if (const auto* ended = std::get_if<core::LeaseEnded>(&output)) return deeds_.lease_ended(*ended);
  std::shared_ptr<model::TaskRecord> record;
  std::visit([&](const auto& value) { record = table_.find(value.task); }, output);
  if (record == nullptr) return;
  if (std::holds_alternative<core::Queued>(output)) deeds_.queued(*record);
  if (const auto* stop = std::get_if<core::Stop>(&output)) deeds_.stop(*stop);
  if (const auto* again = std::get_if<core::Requeued>(&output)) deeds_.requeued(*record, *again);
  if (const auto* launch = std::get_if<core::Launch>(&output)) deeds_.launch(*record, *launch);
  if (std::holds_alternative<core::Finished>(output)) deeds_.finished(*record);
}

void Engine::prepare(store::Batch& batch) {
  table_.write_changes(batch);
  const std::int64_t since = journal_->last_seq() - snapshot_seq_;
  const std::int64_t due =
      std::max<std::int64_t>(kSnapshotEvery, 4 * static_cast<std::int64_t>(state_.tasks.size()));
  if (since < due && !(force_snapshot_ && since > 0)) return;
  force_snapshot_ = false;
  // The snapshot holds readings that the journal lacks; what is replayed after it starts from them.
  unjournalled_.clear();
  snapshot_seq_ = journal_->last_seq();
  batch.snapshot = store::Snapshot{snapshot_seq_, base::to_text(core::to_json(state_))};
}

}  // namespace berth::daemon
