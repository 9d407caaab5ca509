// SPDX-License-Identifier: Apache-2.0
// AMD's GPUs by what the kernel's amdgpu driver tells in sysfs, hwmon, KFD and fdinfo; ROCm need
// not be installed. Names and units: "GPU sysfs" of docs.kernel.org/gpu/amdgpu. Not thread-safe.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "device/amd/kfd.h"
#include "device/backend.h"
#include "device/drm/cards.h"
#include "device/drm/fdinfo.h"
#include "device/process_table.h"

namespace berth::device::amd {

class AmdBackend final : public Backend {
 public:
  /// `root` precedes /proc and /sys; `fdinfo` may be shared with other back ends.
  AmdBackend(std::string root, std::shared_ptr<drm::FdinfoReader> fdinfo);

  [[nodiscard]] model::Vendor vendor() const override { return model::Vendor::kAmd; }
  base::Result<model::Inventory> enumerate(const Breadcrumb& begin, const SkipList& skip) override;
  model::Sample sample(const model::DeviceId& id, const Scope& scope) override;
  std::optional<int> count() override;
  bool devices_changed() override;
  base::Status reopen() override { return {}; }

 private:
  struct Gpu {
    drm::Card card;
    std::string hwmon;
    std::string kfd_id;  // empty: the compute driver does not know it
    bool shares_memory = false;
    bool readable = false;  // false: on the skip list
    model::Sample last;
  };

  [[nodiscard]] std::vector<drm::Card> cards() const;
  void describe(const drm::Card& card, const KfdNode* node, model::Device& device) const;
  static void read_memory(const Gpu& gpu, model::Sample& sample);
  static void read_cheap(const Gpu& gpu, model::Sample& sample);
  static void read_costly(const Gpu& gpu, model::Sample& sample);
  void read_processes(const Gpu& gpu, model::Sample& sample, bool all);

  std::string root_;
  std::shared_ptr<drm::FdinfoReader> fdinfo_;
  ProcessTable processes_;
  std::vector<drm::Card> listed_;
  std::map<model::DeviceId, Gpu> gpus_;
};

}  // namespace berth::device::amd
