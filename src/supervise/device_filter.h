// SPDX-License-Identifier: Apache-2.0
// Device files that a cgroup may not open: a program of the kernel's type
// BPF_PROG_TYPE_CGROUP_DEVICE, attached to the cgroup for its life. Needs root (CAP_BPF and
// CAP_NET_ADMIN or CAP_SYS_ADMIN) and a kernel with CONFIG_CGROUP_BPF. Thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/device.h"

namespace berth::supervise {

/// One instruction as the kernel reads it (struct bpf_insn).
struct BpfInstruction {
  std::uint8_t code = 0;
  std::uint8_t registers = 0;  // destination in the low four bits, source in the high ones
  std::int16_t offset = 0;
  std::int32_t immediate = 0;
};

/// Denies every access (open, mknod) to the character devices named and allows all else. Only to
/// take away: a list of what is allowed would have to know every device a program may need.
std::vector<BpfInstruction> device_filter(const std::vector<model::DeviceNode>& denied);

/// Whether this kernel takes such programs from us: kUnavailable with the reason.
base::Status device_filter_supported();

/// From now on no process in the cgroup (a directory of cgroup v2) can open the devices.
/// Descriptors that are open already stay so: call it before the task is in there. Other programs
/// on this cgroup or above it stay; each may deny. It ends with the cgroup, not with us.
base::Status deny_devices(const std::string& cgroup, const std::vector<model::DeviceNode>& denied);

}  // namespace berth::supervise
