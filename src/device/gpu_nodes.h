// SPDX-License-Identifier: Apache-2.0
// Which device files belong to one GPU and to no other, and where it sits, from /proc and /sys.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/device.h"

namespace berth::device {

/// /dev/nvidiaN of an NVIDIA GPU (/proc/driver/nvidia/gpus, /proc/devices), /dev/dri/cardN and
/// renderDN of any (/sys/class/drm). What all GPUs of a vendor share (nvidiactl, nvidia-uvm, kfd)
/// is no GPU's own: a task needs it for the GPUs that it has, and behind /dev/kfd the kernel asks
/// for the right to the GPU's render node. Empty when nothing is known.
///
/// A MIG instance has those of its GPU and, after them, the two of the capabilities without which
/// the driver opens it to nobody (/dev/nvidia-caps;
/// docs.nvidia.com/datacenter/tesla/mig-user-guide, "Device nodes and capabilities").
///
/// A driver may answer these reads, and may hang in them: for the sampler only. `root` precedes
/// /proc and /sys.
std::vector<model::DeviceNode> nodes_of(const model::Device& gpu, const std::string& root);

/// Of its place on the bus, as the kernel says; nothing on machines with one node only.
std::optional<int> numa_node_of(const model::Device& gpu, const std::string& root);

}  // namespace berth::device
