// SPDX-License-Identifier: Apache-2.0
#include "core/waiting.h"

#include <deque>
#include <utility>

#include "base/check.h"
#include "core/users.h"
#include "core/words.h"

namespace berth::core {

namespace {

using model::TaskState;

// No task waits for `task` or the other way round any more; who waited for it.
std::set<TaskId> untie(State& state, const TaskEntry& task) {
  for (const auto& [id, any] : task.after) {
    const auto others = state.dependents.find(id);
    if (others == state.dependents.end()) continue;
    others->second.erase(task.request.id);
    if (others->second.empty()) state.dependents.erase(others);
  }
  auto waiting = state.dependents.extract(task.request.id);
  return waiting.empty() ? std::set<TaskId>{} : std::move(waiting.mapped());
}

}  // namespace

std::size_t waiting(const State& state) { return state.queue.size() + state.parked.size(); }

void enqueue(State& state, TaskEntry& task) {
  task.state = TaskState::kQueued;
  users::waits(state, task);
  if (task.parked()) {
    task.ready.reset();
    if (task.not_before) {
      state.wakeups.insert({*task.not_before, Wakeup::What::kBackoff, task.request.id.value});
    }
    state.parked.insert(task.request.id);
    return;
  }
  if (!task.ready) task.ready = state.latest;
  if (task.request.cpu_after && !task.cpu_due) {
    const Time due = *task.ready + *task.request.cpu_after;
    if (due <= state.latest) {
      task.cpu_due = true;
    } else {
      state.wakeups.insert({due, Wakeup::What::kProcessor, task.request.id.value});
    }
  }
  state.queue.push(state.config, task, queue_key(state.config, task));
}

void dequeue(State& state, TaskEntry& task) {
  users::waits_no_more(state, task);
  if (state.parked.erase(task.request.id) == 0) {
    state.queue.erase(state.config, task, queue_key(state.config, task));
  }
}

void change_waiting(State& state, TaskEntry& task, const std::function<void(TaskEntry&)>& change) {
  CHECK(task.state == TaskState::kQueued);
  dequeue(state, task);
  change(task);
  enqueue(state, task);
}

// A chain of dependent tasks may be as long as the queue: a list, not recursion.
void finish(State& state, const TaskId& id, TaskState end, model::Exit exit, base::Phrase why,
            std::vector<Output>& outputs) {
  struct Ended {
    TaskId id;
    bool good;
    std::set<TaskId> dependents;
  };
  std::deque<Ended> ended;
  const auto end_one = [&](const TaskId& of, TaskState state_of, model::Exit exit_of,
                           base::Phrase words) {
    auto task = state.tasks.find(of);
    outputs.push_back(
        Finished{of, state_of, task->second.attempt, std::move(exit_of), std::move(words)});
    ended.push_back({of, state_of == TaskState::kCompleted, untie(state, task->second)});
    state.tasks.erase(task);
  };
  end_one(id, end, std::move(exit), std::move(why));
  while (!ended.empty()) {
    const Ended one = std::move(ended.front());
    ended.pop_front();
    for (const TaskId& dependent : one.dependents) {
      const auto task = state.tasks.find(dependent);
      if (task == state.tasks.end()) continue;  // ended on account of another one
      if (one.good || task->second.after.at(one.id)) {
        change_waiting(state, task->second, [&](TaskEntry& free) { free.after.erase(one.id); });
        continue;
      }
      dequeue(state, task->second);
      end_one(dependent, TaskState::kCancelled, model::Exit{{}, {}, "dependency"},
              {words::kAfterFailed, {one.id.value}});
    }
  }
}

}  // namespace berth::core
