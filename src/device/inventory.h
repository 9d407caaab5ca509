// SPDX-License-Identifier: Apache-2.0
// The devices of this machine, all vendors together: GPUs by vendor and PCI bus id, the processor
// last. Calls into drivers and may block in them; the daemon uses the sampler process instead, the
// command line calls read_samples(). Not thread-safe; nothing here throws.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "device/backend.h"
#include "device/host/backend.h"
#include "model/device.h"

namespace berth::device {

struct Options {
  std::string nvml_library;  // empty: libnvidia-ml.so.1 by the dynamic linker's rules
  std::string sysfs_root;    // precedes /proc and /sys; empty: the machine itself
};

/// The opened back ends. A library that cannot be loaded is tried again at every enumerate().
class Machine {
 public:
  explicit Machine(Options options);

  model::Inventory enumerate(const Breadcrumb& begin, const SkipList& skip);
  model::Sample sample(const model::Device& device, const Scope& scope);
  /// Whether a driver now counts another number of devices than at the last enumerate(), or MIG
  /// instances have been made or destroyed since.
  [[nodiscard]] bool count_changed();
  /// Whether the last enumerate() found no GPU driver, or fewer devices than the driver counts: a
  /// driver may yet be loaded and a lost device come back.
  [[nodiscard]] bool incomplete() const { return nvidia_count_.value_or(-1) != nvidia_listed_; }
  void reopen();

 private:
  void add_nvidia(model::Inventory& inventory, const Breadcrumb& begin, const SkipList& skip);

  Options options_;
  std::unique_ptr<Backend> nvidia_;
  std::optional<int> nvidia_count_;
  int nvidia_listed_ = 0;
  host::HostBackend host_;
};

struct Readout {
  model::Inventory inventory;
  std::vector<model::Sample> samples;  // one per device, in the inventory's order
};

model::Inventory read_inventory(const Options& options);
/// Everything once, with processes and costly readings. The processor's utilisation needs two
/// readings and is absent here.
Readout read_samples(const Options& options);

/// PCI addresses of the NVIDIA display and 3D controllers under <root>/sys/bus/pci/devices.
std::vector<std::string> nvidia_pci_devices(const std::string& root);

/// Removes every *_VISIBLE_DEVICES variable (and ZE_AFFINITY_MASK) from this process's environment:
/// vendor libraries would hide devices because of them. Call it before any library is loaded.
void clear_visible_devices();

}  // namespace berth::device
