// SPDX-License-Identifier: Apache-2.0
#include "fake_parts.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace fakes {

namespace {

/// "3g.40gb" -> 40.
std::uint64_t gigabytes(const std::string& profile) {
  const auto dot = profile.find("g.");
  const auto end = profile.find("gb");
  if (dot == std::string::npos || end == std::string::npos || end < dot)
    usage("not a MIG profile like 1g.10gb: " + profile);
  return whole(profile.substr(dot + 2, end - dot - 2));
}

}  // namespace

void divide(const Machine& machine, const std::string& name,
            const std::vector<std::string>& profiles) {
  const int number = whole_gpus_of(machine, name).front();
  if (profiles.size() > LEDGER_INSTANCES) usage("at most 7 MIG instances");
  const int held = machine.lock();
  LedgerGpu& gpu = machine.ledger().gpus[number];
  for (LedgerInstance& instance : gpu.instances) LEDGER_PUT(instance.present, std::uint64_t{0});
  const bool off = profiles.size() == 1 && profiles.front() == "off";
  LEDGER_PUT(gpu.mig, std::uint64_t{off ? 0U : 1U});
  for (std::size_t i = 0; !off && i < profiles.size(); ++i) {
    LedgerInstance& instance = gpu.instances[i];
    const std::uint64_t size = gigabytes(profiles[i]);
    // As with the driver, the same instance made again has the same UUID.
    std::snprintf(instance.uuid, sizeof instance.uuid, "MIG-%08x-%04x-5000-8000-%012x",
                  0xbe000000U + static_cast<unsigned>(LEDGER_GET(gpu.minor)),
                  static_cast<unsigned>(i), static_cast<unsigned>(size));
    copy(instance.profile, profiles[i]);
    instance.gpu_instance = i + 1;
    instance.compute_instance = 0;
    instance.total = (size << 30U) - (512U << 20U);
    instance.reserved = 16U << 20U;
    LEDGER_PUT(instance.present, std::uint64_t{1});
  }
  ::close(held);
}

void mark_lost(const Machine& machine, const std::string& gpu, std::uint64_t lost) {
  for (const int number : whole_gpus_of(machine, gpu))
    LEDGER_PUT(machine.ledger().gpus[number].lost, lost);
}

void report_xid(const Machine& machine, const std::string& gpu, std::uint64_t number) {
  for (const int index : whole_gpus_of(machine, gpu)) {
    LedgerGpu& entry = machine.ledger().gpus[index];
    LEDGER_PUT(entry.xid, number);
    LEDGER_PUT(entry.xid_count, LEDGER_GET(entry.xid_count) + 1);
  }
}

void link(const Machine& machine, const std::string& one, const std::string& other,
          std::uint64_t count) {
  const int a = whole_gpus_of(machine, one).front();
  const int b = whole_gpus_of(machine, other).front();
  if (a == b) usage("a link is between two GPUs");
  LEDGER_PUT(machine.ledger().gpus[a].nvlinks[b], count);
  LEDGER_PUT(machine.ledger().gpus[b].nvlinks[a], count);
}

void set_numa(const Machine& machine, const std::string& name, std::uint64_t node) {
  for (const int number : whole_gpus_of(machine, name)) {
    LedgerGpu& gpu = machine.ledger().gpus[number];
    LEDGER_PUT(gpu.numa, node);
    const char* root = std::getenv("BERTH_SYSFS_ROOT");
    if (root == nullptr) continue;
    char address[64];
    std::snprintf(
        address, sizeof address, "%04x:%02x:%02x.0", static_cast<unsigned>(LEDGER_GET(gpu.domain)),
        static_cast<unsigned>(LEDGER_GET(gpu.bus)), static_cast<unsigned>(LEDGER_GET(gpu.device)));
    const std::filesystem::path folder = std::string(root) + "/sys/bus/pci/devices/" + address;
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "numa_node") << node << "\n";
  }
}

void show_instances(const LedgerGpu& gpu) {
  std::printf(",\"instances\":[");
  const char* comma = "";
  for (const LedgerInstance& instance : gpu.instances) {
    if (LEDGER_GET(gpu.mig) != 1 || LEDGER_GET(instance.present) == 0) continue;
    std::printf("%s{\"uuid\":\"%s\",\"profile\":\"%s\"}", comma, instance.uuid, instance.profile);
    comma = ",";
  }
  std::printf("]}");
}

}  // namespace fakes
