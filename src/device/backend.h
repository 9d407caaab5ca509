// SPDX-License-Identifier: Apache-2.0
// What a vendor's folder offers: list its devices, read one of them. A call may block for as long
// as the driver pleases, so back ends are called from the sampler process or from a one-shot
// command, never from the daemon's loop. Not thread-safe. Nothing here throws.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/device.h"

namespace berth::device {

/// Which groups of readings to take anew; the others are repeated from the last time.
struct Scope {
  bool processes = true;  // the lists of processes
  bool costly = true;     // clocks, fan, power limit: slow in some drivers and slow to change
};

/// Called before a driver is touched: with the vendor's name, "nvidia" (opening and counting), with
/// "nvidia:3" (the device with the driver's own number 3, not yet identified), "amd:smi" (AMD's
/// library, which its driver does without) or a device's id.
using Breadcrumb = std::function<void(std::string_view key)>;
inline void no_breadcrumbs(std::string_view /*key*/) {}

/// Keys as above that must be left alone, a GPU's MIG instances with it. An id here is still
/// identified (its place in the order counts), but none of its readings is taken.
using SkipList = std::set<std::string, std::less<>>;

class Backend {
 public:
  virtual ~Backend() = default;
  Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  [[nodiscard]] virtual model::Vendor vendor() const = 0;

  /// The vendor's devices in order (model::Inventory), its versions and hints. Devices that cannot
  /// be opened are left out with a hint; an error means that the driver lists nothing at all.
  virtual base::Result<model::Inventory> enumerate(const Breadcrumb& begin,
                                                   const SkipList& skip) = 0;

  /// One device of the last enumeration. What the driver does not give is absent; a failure of the
  /// device itself is in `health`.
  virtual model::Sample sample(const model::DeviceId& id, const Scope& scope) = 0;

  /// How many devices the driver counts now, cheaply; compared with the same answer after
  /// enumerate() it tells whether to enumerate again.
  virtual std::optional<int> count() = 0;

  /// Whether there are others than at enumerate() though as many: MIG instances were made or
  /// destroyed, a driver was loaded anew.
  virtual bool devices_changed() { return false; }

  /// Closes and reopens the driver's session, which is how a device that came back is found.
  virtual base::Status reopen() = 0;
};

}  // namespace berth::device
