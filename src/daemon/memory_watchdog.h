// SPDX-License-Identifier: Apache-2.0
// Tasks that hold more device memory than was reserved for them: warned about, and ended where that
// is configured. Pure logic, asked once a second with the newest readings; no clock. Loop thread
// only.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "base/units.h"
#include "model/request.h"

namespace berth::daemon {

/// Warning is the default. The figure that is held against a task is the driver's, which counts
/// what its user does not: a CUDA context of some hundred MiB per process, the framework's cache.
/// Among the tools of this field none ends a task for it unless told to, and a training that dies
/// at night for 3 % too much is worse than one that is named in the log.
enum class WatchdogMode : std::uint8_t { kOff, kWarn, kEnforce };
std::string_view to_text(WatchdogMode mode);
std::optional<WatchdogMode> watchdog_mode_from_text(std::string_view text);

class MemoryWatchdog {
 public:
  /// What a task holds on one of its devices.
  struct Use {
    model::TaskId task;
    int attempt = 0;
    std::string device;  // "cuda:0"
    base::Bytes reserved;
    base::Bytes used;
    bool binding = false;  // the client's own figure (model::is_binding)
  };
  struct Deed {
    enum class Kind : std::uint8_t { kWarn, kEnd } kind = Kind::kWarn;
    Use use;  // of the device where it is most beyond
  };

  explicit MemoryWatchdog(WatchdogMode mode) : mode_(mode) {}
  void set_mode(WatchdogMode mode) { mode_ = mode; }

  /// Beyond the reservation (core::exceeds) for this long before the warning: a peak while a model
  /// is loaded passes.
  static constexpr base::Duration kGrace{5'000};
  /// And this long after the warning before the end.
  static constexpr base::Duration kPatience{10'000};

  /// `uses` are all of the tasks that run; one that is not among them is forgotten. Each deed comes
  /// once per attempt, the end repeatedly until the task is gone: a deed lost in a restart is made
  /// up for. A task that comes back below its reservation starts anew.
  std::vector<Deed> look(const std::vector<Use>& uses, base::Time now);

 private:
  struct Offence {
    int attempt = 0;
    base::Time since{};
    std::optional<base::Time> warned;
  };

  WatchdogMode mode_;
  std::map<model::TaskId, Offence> offences_;
};

}  // namespace berth::daemon
