// SPDX-License-Identifier: Apache-2.0
// The processes that leases were adopted by. One that has BERTH_LEASE in its environment and comes
// up on a device adopts the lease of that name by itself; any other can be named. When it ends, the
// lease passes to another process that shows its name. Without one a lease that was taken for a
// named process is over; one that a process came to by itself goes on for its time, for there may
// be another to come. Loop thread only.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>

#include "core/state.h"
#include "daemon/loop.h"
#include "supervise/process.h"

namespace berth::daemon {

class LeaseHolders {
 public:
  struct Deeds {
    /// The lease ends with this process from now on, not by time.
    std::function<void(const model::TaskId& lease, const std::string& holder)> hold;
    /// Nobody holds it any more: it goes on for its time.
    std::function<void(const model::TaskId& lease)> let_go;
    std::function<void(const model::TaskId& lease)> end;
  };
  /// How a lease came to its holder.
  enum class By : bool { kItself, kName };
  static constexpr const char* kVariable = "BERTH_LEASE";

  LeaseHolders(Loop& loop, const core::State& state, Deeds deeds)
      : loop_(loop), state_(state), deeds_(std::move(deeds)) {}

  /// After a restart: follows the holders that the state knows.
  void restore();
  /// The lease that the process, which is seen on a device, belongs to. One that nobody holds is
  /// adopted by it.
  std::optional<model::TaskId> lease_of(int pid);
  /// kNotFound when there is no such process, kWrongState when another one holds the lease.
  base::Status adopt(const model::TaskId& lease, int pid, By by);
  /// The lease is over.
  void forget(const model::TaskId& lease);

 private:
  struct Holder {
    int pid = 0;
    By by = By::kItself;
    base::Fd pidfd;
    Loop::Handle wait;
  };
  struct Seen {
    std::uint64_t start_time = 0;
    model::TaskId lease;  // empty: none
  };

  [[nodiscard]] bool is_lease(const model::TaskId& id) const;
  base::Status follow(const model::TaskId& lease, const supervise::ProcessIdentity& process, By by);
  void ended(model::TaskId lease, By by);
  [[nodiscard]] model::TaskId presented_by(int pid) const;

  Loop& loop_;
  const core::State& state_;
  Deeds deeds_;
  std::map<model::TaskId, Holder> holders_;
  std::unordered_map<int, Seen> seen_;
};

}  // namespace berth::daemon
