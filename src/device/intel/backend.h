// SPDX-License-Identifier: Apache-2.0
// Intel's GPUs by what the kernel's i915 and xe drivers tell in sysfs, hwmon and fdinfo
// (docs.kernel.org/gpu/i915, /gpu/xe), and memory by Level Zero where it is installed. Not
// thread-safe.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "device/backend.h"
#include "device/drm/cards.h"
#include "device/drm/fdinfo.h"
#include "device/intel/sysman.h"
#include "device/process_table.h"

namespace berth::device::intel {

class IntelBackend final : public Backend {
 public:
  /// `library` empty: Level Zero's loader where the dynamic linker finds it. `root` precedes /proc
  /// and /sys; `fdinfo` may be shared with other back ends.
  IntelBackend(std::string library, std::string root, std::shared_ptr<drm::FdinfoReader> fdinfo);

  [[nodiscard]] model::Vendor vendor() const override { return model::Vendor::kIntel; }
  base::Result<model::Inventory> enumerate(const Breadcrumb& begin, const SkipList& skip) override;
  model::Sample sample(const model::DeviceId& id, const Scope& scope) override;
  std::optional<int> count() override;
  bool devices_changed() override;
  base::Status reopen() override;

 private:
  using Clock = std::chrono::steady_clock;
  struct Gpu {
    drm::Card card;
    std::string hwmon;
    Handle handle = nullptr;                  // of Level Zero, where it is installed
    bool readable = false;                    // false: on the skip list
    std::optional<std::int64_t> microjoules;  // at `read`
    Clock::time_point read{};
    model::Sample last;
  };

  [[nodiscard]] std::vector<drm::Card> cards() const;
  std::map<model::PciAddress, Handle> handles(model::Inventory& inventory);
  [[nodiscard]] model::Device describe(const drm::Card& card, int index) const;
  void read_memory(const Gpu& gpu, model::Sample& sample) const;
  static void read_cheap(Gpu& gpu, model::Sample& sample);
  static void read_costly(const Gpu& gpu, model::Sample& sample);
  void read_processes(const Gpu& gpu, model::Sample& sample, bool all);

  std::string library_;
  std::string root_;
  std::shared_ptr<drm::FdinfoReader> fdinfo_;
  ProcessTable processes_;
  std::unique_ptr<Sysman> sysman_;
  std::vector<drm::Card> listed_;
  std::map<model::DeviceId, Gpu> gpus_;
};

}  // namespace berth::device::intel
