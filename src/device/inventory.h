// SPDX-License-Identifier: Apache-2.0
// The devices of this machine, all vendors together: GPUs by vendor and PCI bus id, the processor
// last. Calls into drivers and may block in them; the daemon uses the sampler process instead, the
// command line calls read_samples(). Not thread-safe; nothing here throws.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "device/backend.h"
#include "device/host/backend.h"
#include "device/pci_gpus.h"
#include "model/device.h"

namespace berth::device {

struct Options {
  std::string nvml_library;        // empty: libnvidia-ml.so.1 by the dynamic linker's rules
  std::string level_zero_library;  // empty: libze_loader.so.1 likewise
  std::string dcmi_library;        // empty: libdcmi.so likewise, else in its driver's usual place
  std::string amd_smi_library;     // empty: libamd_smi.so likewise, else where ROCm has it
  bool integrated_gpus = false;    // tasks may run on the graphics of a processor
  std::string sysfs_root;          // precedes /proc, /sys and /usr/share; empty: the machine itself
};

/// The opened back ends. A library that cannot be loaded is tried again at every enumerate().
class Machine {
 public:
  explicit Machine(Options options);

  model::Inventory enumerate(const Breadcrumb& begin = no_breadcrumbs, const SkipList& skip = {});
  model::Sample sample(const model::Device& device, const Scope& scope);
  /// Whether a driver that is not on the list now counts another number of devices than at the last
  /// enumerate(), or has others.
  [[nodiscard]] bool devices_changed(const Breadcrumb& begin = no_breadcrumbs,
                                     const SkipList& skip = {});
  /// Whether the last enumerate() found a driver missing, or fewer devices than one counts: it may
  /// yet be loaded and a lost device come back.
  [[nodiscard]] bool incomplete() const;
  void reopen(const Breadcrumb& begin, const SkipList& skip);

 private:
  struct Part {
    model::Vendor vendor;
    std::function<base::Result<std::unique_ptr<Backend>>()> open;
    std::unique_ptr<Backend> backend = nullptr;
    std::optional<int> count = std::nullopt;  // as the driver counts
    int listed = 0;
    bool awaited = false;  // there is no driver, but there may yet be one
  };
  void add(Part& part, model::Inventory& inventory, const Breadcrumb& begin, const SkipList& skip);
  [[nodiscard]] std::string missing_driver(model::Vendor vendor, const base::Error& error) const;
  void add_driverless(const Part& part, model::Inventory& inventory);
  void add_place(model::Device& gpu) const;
  [[nodiscard]] std::vector<PciGpu> cards_of(model::Vendor vendor) const;
  Backend* backend_of(model::Vendor vendor) const;

  Options options_;
  std::vector<Part> parts_;
  std::vector<PciGpu> cards_;  // on the bus, at the last enumerate()
  std::set<model::DeviceId> driverless_;
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

/// Removes every *_VISIBLE_DEVICES variable (and ZE_AFFINITY_MASK) from this process's environment:
/// vendor libraries would hide devices because of them. Call it before any library is loaded.
void clear_visible_devices();

}  // namespace berth::device
