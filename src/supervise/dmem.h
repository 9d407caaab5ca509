// SPDX-License-Identifier: Apache-2.0
// Limits on device memory by the cgroup controller `dmem` (Linux 6.14): dmem.capacity of the root
// lists regions, dmem.max of a cgroup limits each. Regions of GPUs with a DRM driver are called
// drm/<PCI address>/vram (amdgpu) or .../vram0, vram1 (xe).
//
// NVIDIA's (nvidia/<PCI address>/vidmem) are not written here: that driver asks to be told by its
// own tool, which keeps the books of the cgroups above. Only the controller is switched on for it.
// Not thread-safe; cheap to copy.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "model/pci.h"

namespace berth::supervise {

class Dmem {
 public:
  struct Region {
    std::string name;
    model::PciAddress gpu;
    base::Bytes capacity;
    bool by_driver = false;  // not ours to write
  };

  /// `mount` is the root of cgroup v2, `parent` the directory of all tasks, for which the
  /// controller is switched on here. Never fails: without regions text() says why.
  static Dmem detect(const std::string& mount, const std::string& parent);

  [[nodiscard]] bool available() const { return !regions_.empty(); }
  /// "dmem" or why it is not to be had.
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] const std::vector<Region>& regions() const { return regions_; }
  /// Whether limit() has something to write for this GPU.
  [[nodiscard]] bool knows(const model::PciAddress& gpu) const;

  /// The GPU's memory may not grow beyond `limit` in `cgroup`, which exists. A GPU with two regions
  /// has the limit on each: the memory of a task may be on either.
  [[nodiscard]] base::Status limit(const std::string& cgroup, const model::PciAddress& gpu,
                                   base::Bytes limit) const;

 private:
  std::vector<Region> regions_;
  std::string text_;
};

}  // namespace berth::supervise
