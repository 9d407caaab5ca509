// SPDX-License-Identifier: Apache-2.0
// What a pass needs to know of every device before it looks closer at a few. Derived from the
// devices; each entry is worked out again when its device may have changed (class DeviceMap). An
// index saves time and changes no decision: it leaves out only devices that fit() would refuse.
#pragma once

#include <limits>
#include <memory>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/score.h"
#include "core/state.h"

namespace berth::core {

/// Bits of vendors.
using Vendors = unsigned;
constexpr Vendors bit(model::Vendor vendor) { return 1U << static_cast<unsigned>(vendor); }

struct Glance {
  static constexpr std::int64_t kUnknown = std::numeric_limits<std::int64_t>::max();

  const DeviceEntry* device = nullptr;
  model::Vendor vendor{};
  bool open = false;            // healthy, undivided, and no task has it to itself
  std::array<bool, 3> slots{};  // by kind: below its limit
  std::uint32_t tasks = 0;
  std::int64_t free = kUnknown;  // effective_free()
  Figures figures;
  bool operator==(const Glance&) const = default;
};

/// What can be said of a device at a glance, as core/device_index.cc works it out.
Glance glance_at(const DeviceEntry& device);

/// What every device that takes the request must have.
class Screen {
 public:
  explicit Screen(const model::Request& request);
  /// False only where fit() would refuse. Relies on need(): an exclusive task, and on a GPU a
  /// command without memory and history, wants the whole device; who shares one reserves the
  /// memory that was asked for.
  [[nodiscard]] bool lets_through(const Glance& glance) const;
  /// Only devices without a task will do.
  [[nodiscard]] bool idle_only(const Glance& glance) const {
    return exclusive_ || (whole_gpu_ && glance.vendor != model::Vendor::kCpu);
  }

 private:
  std::size_t kind_;
  bool exclusive_;
  bool whole_gpu_;
  std::int64_t memory_;
};

class DeviceIndex {
 public:
  using List = std::vector<const DeviceEntry*>;

  /// Another row, and how far it is from this one.
  struct Neighbour {
    std::uint32_t row;
    int distance;
  };
  /// Of rows that are no neighbours. All other distances are below.
  static constexpr int kFar = 100;

  explicit DeviceIndex(const DeviceMap::Map& devices);

  void changed(const DeviceEntry& device) { stale_.push_back(&device); }
  void all_changed() { all_stale_ = true; }
  void refresh();

  /// In order of UUID; a row is a position in it.
  [[nodiscard]] const std::vector<Glance>& rows() const { return rows_; }
  /// Rows of open devices without tasks, and with, in no order.
  [[nodiscard]] const std::vector<std::uint32_t>& idle() const { return lists_[kIdle]; }
  [[nodiscard]] const std::vector<std::uint32_t>& shared() const { return lists_[kShared]; }
  /// (tasks, row) of all devices.
  [[nodiscard]] const std::set<std::pair<std::uint32_t, std::uint32_t>>& by_tasks() const {
    return by_tasks_;
  }
  /// All devices of these vendors in order of UUID.
  [[nodiscard]] std::shared_ptr<const List> of(Vendors vendors) const;
  [[nodiscard]] Vendors vendors() const { return vendors_; }

  /// The rows that a row is linked with (model::Device::links), by distance and row.
  [[nodiscard]] const std::vector<Neighbour>& neighbours(std::uint32_t row) const;
  /// The least distance between any two; kFar when nothing is known of any.
  [[nodiscard]] int nearest() const;

  /// Whether a row differs from its device, although that is not known to have changed.
  [[nodiscard]] bool is_wrong() const;

 private:
  enum ListName : std::uint8_t { kIdle, kShared, kNeither };

  static ListName list_for(const Glance& glance);
  void renew(std::uint32_t row);
  void enter(std::uint32_t row);
  void leave(std::uint32_t row);
  void count_vendors();
  void find_neighbours() const;

  std::vector<Glance> rows_;
  std::vector<std::uint32_t> positions_;  // of a row in its list
  std::array<std::vector<std::uint32_t>, 2> lists_;
  std::set<std::pair<std::uint32_t, std::uint32_t>> by_tasks_;
  std::unordered_map<const DeviceEntry*, std::uint32_t> row_of_;
  std::vector<const DeviceEntry*> stale_;
  bool all_stale_ = false;
  Vendors vendors_ = 0;
  mutable std::unordered_map<Vendors, std::shared_ptr<const List>> of_vendors_;
  // Found when somebody asks: an inventory, with which links change, makes all rows stale.
  mutable bool neighbours_known_ = false;
  mutable int nearest_ = kFar;
  mutable std::vector<std::vector<Neighbour>> neighbours_;
};

}  // namespace berth::core
