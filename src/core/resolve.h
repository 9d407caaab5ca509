// SPDX-License-Identifier: Apache-2.0
// From a device string to the devices of this machine that it means.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "base/result.h"
#include "core/device_index.h"
#include "core/output.h"
#include "core/state.h"

namespace berth::core {

/// Devices of a state, in a list that may be shared: copying it costs nothing.
class DeviceList {
 public:
  using List = DeviceIndex::List;
  DeviceList() = default;
  DeviceList(List devices) : list_(std::make_shared<const List>(std::move(devices))) {}
  DeviceList(std::shared_ptr<const List> devices) : list_(std::move(devices)) {}

  [[nodiscard]] List::const_iterator begin() const { return list_->begin(); }
  [[nodiscard]] List::const_iterator end() const { return list_->end(); }
  [[nodiscard]] std::size_t size() const { return list_->size(); }
  [[nodiscard]] bool empty() const { return list_->empty(); }
  [[nodiscard]] DeviceList with(const DeviceList& more) const {
    List all = *list_;
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

 private:
  std::shared_ptr<const List> list_ = std::make_shared<const List>();
};

struct Resolved {
  DeviceList devices;   // candidates, inside the state; for named devices exactly these
  bool all = false;     // the task gets all of them, not one of them
  Vendors vendors = 0;  // not 0: the candidates are all devices of these
  Fallback fallback = Fallback::kNone;

  /// How many of the candidates the request gets.
  [[nodiscard]] std::size_t wanted(const model::Request& request) const;
};

/// kDeviceNotFound with the list of what is there. An empty candidate list without error means
/// that the inventory is not known yet, or that all GPUs are gone for the moment.
base::Result<Resolved> resolve(const State& state, const model::Request& request);

/// The processor instead of what was asked for.
Resolved on_processor(const State& state, Fallback why);

}  // namespace berth::core
