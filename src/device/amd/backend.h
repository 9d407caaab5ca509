// SPDX-License-Identifier: Apache-2.0
// AMD's GPUs by what the kernel's amdgpu driver tells in sysfs, hwmon, KFD and fdinfo, and what
// only AMD SMI tells where ROCm is installed, which it need not be. Names and units: "GPU sysfs" of
// docs.kernel.org/gpu/amdgpu. Not thread-safe.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "device/amd/kfd.h"
#include "device/amd/smi.h"
#include "device/backend.h"
#include "device/drm/cards.h"
#include "device/drm/fdinfo.h"
#include "device/process_table.h"

namespace berth::device::amd {

class AmdBackend final : public Backend {
 public:
  /// `library` empty: AMD SMI where the dynamic linker or ROCm has it. `root` precedes /proc and
  /// /sys; `fdinfo` may be shared with other back ends.
  AmdBackend(std::string library, std::string root, std::shared_ptr<drm::FdinfoReader> fdinfo);

  [[nodiscard]] model::Vendor vendor() const override { return model::Vendor::kAmd; }
  base::Result<model::Inventory> enumerate(const Breadcrumb& begin, const SkipList& skip) override;
  model::Sample sample(const model::DeviceId& id, const Scope& scope) override;
  std::optional<int> count() override;
  bool devices_changed() override;
  base::Status reopen() override;

 private:
  struct Gpu {
    drm::Card card;
    std::string hwmon;
    std::string kfd_id;                  // empty: the compute driver does not know it
    Smi::Handle handle = nullptr;        // of AMD SMI, where it knows the GPU
    std::optional<Residency> residency;  // at the last reading
    bool shares_memory = false;
    bool readable = false;  // false: on the skip list
    model::Sample last;
  };

  [[nodiscard]] std::vector<drm::Card> cards() const;
  std::map<model::PciAddress, Smi::Handle> start_library(const Breadcrumb& begin,
                                                         const SkipList& skip,
                                                         model::Inventory& inventory);
  void describe(Gpu& gpu, const KfdNode* node, model::Device& device) const;
  [[nodiscard]] std::string model_of(const Gpu& gpu) const;
  static void read_memory(const Gpu& gpu, model::Sample& sample);
  static void read_cheap(const Gpu& gpu, model::Sample& sample);
  static void read_costly(const Gpu& gpu, model::Sample& sample);
  void read_metrics(Gpu& gpu, model::Sample& sample) const;
  std::optional<Reasons> throttle_of(Gpu& gpu, const Smi::Metrics& metrics) const;
  void read_processes(const Gpu& gpu, model::Sample& sample, bool all);

  std::string library_;
  std::string root_;
  std::shared_ptr<drm::FdinfoReader> fdinfo_;
  ProcessTable processes_;
  std::unique_ptr<Smi> smi_;
  bool smi_outdated_ = false;  // it knows only what was there when it was started
  std::vector<drm::Card> listed_;
  std::map<model::DeviceId, Gpu> gpus_;
};

}  // namespace berth::device::amd
