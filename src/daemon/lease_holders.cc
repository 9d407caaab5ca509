// SPDX-License-Identifier: Apache-2.0
#include "daemon/lease_holders.h"

#include <utility>

#include "base/log.h"
#include "base/phrase.h"
#include "base/text.h"
#include "model/task_words.h"

namespace berth::daemon {

namespace {

// More than this many remembered processes are mostly dead ones.
constexpr std::size_t kMostSeen = 8192;

constexpr std::string_view kNamed = "named";

// "4711 88123 <boot id>", "4711 88123 <boot id> named": the number alone may be another process's
// after a while.
std::string to_text(const supervise::ProcessIdentity& process, LeaseHolders::By by) {
  std::string text = std::to_string(process.pid) + " " + std::to_string(process.start_time) + " " +
                     process.boot_id;
  if (by == LeaseHolders::By::kName) text += " " + std::string(kNamed);
  return text;
}

struct Noted {
  supervise::ProcessIdentity process;
  LeaseHolders::By by{};
};

std::optional<Noted> from_text(const std::string& text) {
  const auto parts = base::split(text, ' ');
  const bool named = parts.size() == 4 && parts[3] == kNamed;
  if (parts.size() != 3 && !named) return std::nullopt;
  const auto pid = base::parse_number(parts[0]);
  const auto start_time = base::parse_number(parts[1]);
  if (!pid || !start_time) return std::nullopt;
  return Noted{{static_cast<int>(*pid), static_cast<std::uint64_t>(*start_time), parts[2]},
               named ? LeaseHolders::By::kName : LeaseHolders::By::kItself};
}

}  // namespace

bool LeaseHolders::is_lease(const model::TaskId& id) const {
  const auto task = state_.tasks.find(id);
  return task != state_.tasks.end() && task->second.is_lease();
}

void LeaseHolders::restore() {
  std::map<model::TaskId, std::string> held;
  for (const auto& [id, task] : state_.tasks) {
    if (task.is_lease() && !task.holder.empty()) held[id] = task.holder;
  }
  for (const auto& [id, holder] : held) {
    const auto noted = from_text(holder);
    if (!noted || !follow(id, noted->process, noted->by))
      ended(id, noted ? noted->by : By::kItself);
  }
}

base::Status LeaseHolders::follow(const model::TaskId& lease,
                                  const supervise::ProcessIdentity& process, By by) {
  auto pidfd = supervise::open_pidfd(process);
  if (!pidfd) return base::fail(pidfd.error());
  Holder& holder = holders_[lease];
  holder.wait.reset();
  holder.pid = process.pid;
  holder.by = by;
  holder.pidfd = std::move(*pidfd);
  holder.wait = loop_.on_readable(holder.pidfd.get(), [this, lease, by] { ended(lease, by); });
  std::erase_if(seen_, [](const auto& entry) { return entry.second.lease.empty(); });
  return {};
}

base::Status LeaseHolders::adopt(const model::TaskId& lease, int pid, By by) {
  const auto held = holders_.find(lease);
  const bool same = held != holders_.end() && held->second.pid == pid;
  if (same && (held->second.by == by || by == By::kItself)) return {};
  if (held != holders_.end() && !same) {
    return base::fail(
        base::ErrorCode::kWrongState,
        base::fill(model::words::kLeaseHeld, {lease.value, std::to_string(held->second.pid)}));
  }
  const auto process = supervise::identity_of(pid);
  if (!process) return base::fail(process.error());
  if (auto status = follow(lease, *process, by); !status) return status;
  deeds_.hold(lease, to_text(*process, by));
  return {};
}

// By value: the handler that calls it goes with its holder.
void LeaseHolders::ended(model::TaskId lease, By by) {
  forget(lease);
  if (!is_lease(lease)) return;
  for (const int pid : supervise::processes_with(kVariable, lease.value)) {
    if (adopt(lease, pid, By::kItself)) return;
  }
  if (by == By::kName)
    deeds_.end(lease);
  else
    deeds_.let_go(lease);
}

void LeaseHolders::forget(const model::TaskId& lease) {
  const auto held = holders_.find(lease);
  if (held == holders_.end()) return;
  held->second.wait.reset();  // before its descriptor is closed
  holders_.erase(held);
  std::erase_if(seen_, [&](const auto& entry) { return entry.second.lease == lease; });
}

// By its environment, or below a process that holds one.
model::TaskId LeaseHolders::presented_by(int pid) const {
  if (const auto named = supervise::read_variable(pid, kVariable)) return model::TaskId(*named);
  for (const auto& [lease, holder] : holders_) {
    if (supervise::descends_from(pid, holder.pid)) return lease;
  }
  return {};
}

std::optional<model::TaskId> LeaseHolders::lease_of(int pid) {
  const auto process = supervise::identity_of(pid);
  if (!process) {
    seen_.erase(pid);
    return std::nullopt;
  }
  auto seen = seen_.find(pid);
  if (seen == seen_.end() || seen->second.start_time != process->start_time) {
    if (seen_.size() >= kMostSeen) seen_.clear();
    seen = seen_.insert_or_assign(pid, Seen{process->start_time, presented_by(pid)}).first;
  }
  const model::TaskId lease = seen->second.lease;
  if (lease.empty() || !is_lease(lease)) return std::nullopt;
  if (!holders_.contains(lease)) {
    if (auto status = adopt(lease, pid, By::kItself); !status)
      base::log_warning("a process cannot adopt its lease",
                        {{"lease", lease.value}, {"reason", status.error().message}});
  }
  return lease;
}

}  // namespace berth::daemon
