// SPDX-License-Identifier: Apache-2.0
// Changes of the simulated machine: the instances that GPUs are divided into, the ways between
// GPUs. As everywhere in these programs, wrong arguments end the program.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fake_machine.h"

namespace fakes {

/// Turns MIG mode on, with instances of these profiles ("3g.40gb") in the place of all others;
/// "off" alone turns it off.
void divide(const Machine& machine, const std::string& gpu,
            const std::vector<std::string>& profiles);
/// Whether the GPU has fallen off the bus.
void mark_lost(const Machine& machine, const std::string& gpu, std::uint64_t lost);
/// The driver reports an error of this number.
void report_xid(const Machine& machine, const std::string& gpu, std::uint64_t number);
/// So many NVLinks between the two.
void link(const Machine& machine, const std::string& one, const std::string& other,
          std::uint64_t count);
/// In the ledger and, where BERTH_SYSFS_ROOT is set, in a file as the kernel has it.
void set_numa(const Machine& machine, const std::string& gpu, std::uint64_t node);
/// Ends the JSON object of a GPU with its instances.
void show_instances(const LedgerGpu& gpu);

}  // namespace fakes
