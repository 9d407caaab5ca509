// SPDX-License-Identifier: Apache-2.0
// How near the GPUs are to each other, as `nvidia-smi topo -m` finds it.
#include "device/nvml/backend.h"

namespace berth::device::nvml {

namespace {

using model::Closeness;

Closeness closeness_of(int level) {
  if (level <= kTopologyMultiple) return Closeness::kSwitch;
  if (level <= kTopologyHostBridge) return Closeness::kHostBridge;
  if (level <= kTopologyNode) return Closeness::kNumaNode;
  return Closeness::kSystem;
}

}  // namespace

/// The active NVLinks by what is at their other end: a GPU, or an NVSwitch.
std::map<NvmlBackend::Position, int> NvmlBackend::nvlinks_of(DeviceHandle handle) const {
  const Functions& f = library_->functions();
  std::map<Position, int> links;
  if (f.nvlink_state == nullptr || f.nvlink_peer == nullptr) return links;
  for (unsigned link = 0; link < kNvLinksMost; ++link) {
    unsigned active = 0;
    const int code = f.nvlink_state(handle, link, &active);
    if (code == kNotSupported || code == kGpuIsLost) break;  // none at all
    PciAddress peer{};
    if (code != kSuccess || active == 0 || f.nvlink_peer(handle, link, &peer) != kSuccess) continue;
    ++links[Position{peer.domain, peer.bus, peer.device}];
  }
  return links;
}

model::Link NvmlBackend::link_between(const Found& from, const Found& to,
                                      const std::map<Position, int>& nvlinks) const {
  const Functions& f = library_->functions();
  model::Link link{to.device.id, Closeness::kSystem, 0};
  const auto direct = nvlinks.find(to.position);
  if (direct != nvlinks.end()) {
    link.nvlinks = direct->second;
  } else if (!nvlinks.empty() && f.p2p_status != nullptr) {
    // Through NVSwitch all links of the GPU lead to every other one.
    int status = -1;
    if (f.p2p_status(from.gpu.handle, to.gpu.handle, kP2pByNvLink, &status) == kSuccess &&
        status == kP2pOk) {
      for (const auto& [end, count] : nvlinks) link.nvlinks += count;
    }
  }
  int level = kTopologySystem;
  if (link.nvlinks > 0) {
    link.closeness = Closeness::kNvLink;
  } else if (f.common_ancestor != nullptr &&
             f.common_ancestor(from.gpu.handle, to.gpu.handle, &level) == kSuccess) {
    link.closeness = closeness_of(level);
  }
  return link;
}

void NvmlBackend::read_links(std::vector<Found>& found, const Breadcrumb& begin) const {
  for (Found& from : found) {
    if (found.size() < 2 || !from.gpu.readable) continue;
    begin(from.device.id.value);
    const auto nvlinks = nvlinks_of(from.gpu.handle);
    for (const Found& to : found) {
      if (&to == &from || !to.gpu.readable) continue;
      model::Link link = link_between(from, to, nvlinks);
      if (link.closeness != Closeness::kSystem) from.device.links.push_back(std::move(link));
    }
  }
}

}  // namespace berth::device::nvml
