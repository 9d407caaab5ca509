// SPDX-License-Identifier: Apache-2.0
// A process that computes on a GPU runs on the processors that are near to it: pictures that are
// prepared on another node's cross the link between the sockets twice.
#pragma once

#include <sched.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::runtime {

/// "0-3,8,10-11" as the kernel writes lists of processors; nothing for what is no such list.
std::optional<cpu_set_t> parse_cpu_list(std::string_view text);

/// BERTH_NUMA_NODES, "1" or "0,0,1,1": of each device, in order; empty without one, or where one is
/// not known.
std::vector<int> numa_nodes();

/// The node of this process: that of the device with its BERTH_RANK, or of all devices where they
/// have the same; nothing where they have not.
std::optional<int> own_numa_node();

/// Binds this process, before it has threads, to the processors of its node that it may use, and
/// prefers the node's memory. Nothing happens without a node, or where it has none of our
/// processors. `sysfs`: "/sys". True when it is bound.
bool bind_to_numa_node(const std::string& sysfs = "/sys");

}  // namespace berth::runtime
