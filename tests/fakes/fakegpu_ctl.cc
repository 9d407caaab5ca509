// SPDX-License-Identifier: Apache-2.0
// fakegpu-ctl: makes and changes the simulated machine. GPU is the driver's number, a UUID or
// "all".
//
//   init --gpus N [--model M] [--memory 24G] [--compute 8.6] [--reserved 300M] [--driver V]
//        [--cuda 12040] [--shuffle]  (--shuffle: the driver's order is not that of the PCI bus)
//   set GPU KEY=VALUE...     keys of the table below; "na" for what the card does not report
//   machine KEY=VALUE...     driver, cuda, memory_unknown, count (hot removal and addition),
//                            nvswitch (the NVLinks end at a switch)
//   hold GPU BYTES [--pid P] [--sm N] [--as C|G|CG|M]   in the foreground until killed, as a
//                            foreign process; with --pid registers that process and returns
//   ghost GPU BYTES --pid P  a process of which only the driver knows; gone with `release P`
//   trap GPU BYTES --pid P --when-changed FILE   a ghost that takes its memory at the first reading
//                            of the GPU after FILE has changed
//   release PID
//   block GPU FUNCTION MS|forever · fail GPU FUNCTION CODE · unblock [GPU]
//   xid GPU NUMBER           the driver reports an error
//   lose GPU · recover GPU · show [--json]
//   mig GPU [PROFILE...]     turns MIG mode on, with these instances in the place of all others
//                            ("1g.10gb"); where GPU is an argument, 0:1 is then the instance 1 of
//                            GPU 0
//   mig GPU off
//   link GPU GPU [COUNT]     so many NVLinks between the two, 1 when it is not said; 0: none
//   numa GPU NODE            NUMA node, in the topology that the library reports and, where
//                            BERTH_SYSFS_ROOT is set, under that folder
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "fake_machine.h"
#include "fake_parts.h"

namespace {

using fakes::amount;
using fakes::copy;
using fakes::gpus_of;
using fakes::Machine;
using fakes::usage;
using fakes::whole;
using fakes::whole_gpus_of;
using Arguments = std::vector<std::string>;

struct Key {
  const char* name;
  std::uint64_t LedgerGpu::* field;
};
constexpr Key kKeys[] = {
    {"domain", &LedgerGpu::domain},
    {"bus", &LedgerGpu::bus},
    {"device", &LedgerGpu::device},
    {"minor", &LedgerGpu::minor},
    {"total", &LedgerGpu::total},
    {"reserved", &LedgerGpu::reserved},
    {"memory_supported", &LedgerGpu::memory_supported},
    {"utilization", &LedgerGpu::utilization},
    {"memory_utilization", &LedgerGpu::memory_utilization},
    {"temperature", &LedgerGpu::temperature},
    {"power_mw", &LedgerGpu::power_mw},
    {"power_limit_mw", &LedgerGpu::power_limit_mw},
    {"clock_mhz", &LedgerGpu::clock_mhz},
    {"memory_clock_mhz", &LedgerGpu::memory_clock_mhz},
    {"max_clock_mhz", &LedgerGpu::max_clock_mhz},
    {"cores", &LedgerGpu::cores},
    {"fan", &LedgerGpu::fan},
    {"persistence", &LedgerGpu::persistence},
    {"ecc", &LedgerGpu::ecc},
    {"ecc_errors", &LedgerGpu::ecc_errors},
    {"mig", &LedgerGpu::mig},
    {"encoder", &LedgerGpu::encoder},
    {"decoder", &LedgerGpu::decoder},
    {"memory_temperature", &LedgerGpu::memory_temperature},
    {"clock_reasons", &LedgerGpu::clock_reasons},
    {"pcie_generation", &LedgerGpu::pcie_generation},
    {"pcie_width", &LedgerGpu::pcie_width},
    {"energy_mj", &LedgerGpu::energy_mj},
    {"host_bridge", &LedgerGpu::host_bridge},
    {"pcie_switch", &LedgerGpu::pcie_switch},
    {"compute_major", &LedgerGpu::compute_major},
    {"compute_minor", &LedgerGpu::compute_minor},
};

/// Takes "--name value" out of the arguments.
std::string option(Arguments& arguments, const std::string& name, const std::string& otherwise) {
  for (std::size_t i = 0; i + 1 < arguments.size(); ++i) {
    if (arguments[i] != name) continue;
    std::string value = arguments[i + 1];
    arguments.erase(arguments.begin() + static_cast<long>(i),
                    arguments.begin() + static_cast<long>(i) + 2);
    return value;
  }
  return otherwise;
}

bool flag(Arguments& arguments, const std::string& name) {
  const auto before = arguments.size();
  std::erase(arguments, name);
  return arguments.size() != before;
}

void init(Arguments arguments) {
  const auto count = whole(option(arguments, "--gpus", "1"));
  const auto model = option(arguments, "--model", "NVIDIA GeForce RTX 3090");
  const auto memory = amount(option(arguments, "--memory", "24G"));
  const auto reserved = amount(option(arguments, "--reserved", "300M"));
  const auto compute = option(arguments, "--compute", "8.6");
  const auto driver = option(arguments, "--driver", "550.54.14");
  const auto cuda = whole(option(arguments, "--cuda", "12040"));
  const bool shuffle = flag(arguments, "--shuffle");
  if (!arguments.empty()) usage("init does not know " + arguments.front());
  if (count > LEDGER_GPUS) usage("at most 64 GPUs");
  const auto dot = compute.find('.');
  if (dot == std::string::npos) usage("--compute is like 8.6");

  const Machine machine = Machine::open(true);
  const int held = machine.lock();
  Ledger& ledger = machine.ledger();
  LEDGER_PUT(ledger.magic, std::uint64_t{0});
  std::memset(&ledger, 0, sizeof ledger);
  copy(ledger.driver_version, driver);
  ledger.cuda_version = cuda;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t place = shuffle ? count - 1 - i : i;
    LedgerGpu& gpu = ledger.gpus[i];
    gpu.present = 1;
    std::snprintf(gpu.uuid, sizeof gpu.uuid, "GPU-%08x-0000-4000-8000-%012x",
                  0xbe000000U + static_cast<unsigned>(place), static_cast<unsigned>(place));
    copy(gpu.name, model);
    std::snprintf(gpu.serial, sizeof gpu.serial, "13200%08u", static_cast<unsigned>(place));
    gpu.domain = 0;
    gpu.bus = 0x17 + place * 3;
    gpu.pci_device_id = 0x220410de;
    gpu.pci_subsystem_id = 0x147d10de;
    gpu.minor = place;
    gpu.compute_major = whole(compute.substr(0, dot));
    gpu.compute_minor = whole(compute.substr(dot + 1));
    gpu.total = memory;
    gpu.reserved = reserved;
    gpu.memory_supported = 1;
    gpu.memory_utilization = LEDGER_ABSENT;
    gpu.temperature = 35;
    gpu.power_mw = 28500;
    gpu.power_limit_mw = gpu.power_max_mw = 350000;
    gpu.clock_mhz = 210;
    gpu.memory_clock_mhz = 405;
    gpu.max_clock_mhz = 2100;
    gpu.max_memory_clock_mhz = 9751;
    gpu.fan = 30;
    gpu.persistence = 1;
    gpu.ecc = gpu.mig = gpu.pcie_switch = LEDGER_ABSENT;
    gpu.pstate = 8;
    gpu.memory_temperature = LEDGER_ABSENT;
    gpu.pcie_generation = 4;
    gpu.pcie_width = 16;
    gpu.cores = 10496;
  }
  ledger.size = sizeof ledger;
  LEDGER_PUT(ledger.count, count);
  LEDGER_PUT(ledger.magic, LEDGER_MAGIC);
  ::close(held);
}

void set(const Machine& machine, const Arguments& arguments) {
  for (const int number : whole_gpus_of(machine, arguments.at(0))) {
    LedgerGpu& gpu = machine.ledger().gpus[number];
    for (std::size_t i = 1; i < arguments.size(); ++i) {
      const auto equals = arguments[i].find('=');
      if (equals == std::string::npos) usage("not KEY=VALUE: " + arguments[i]);
      const std::string key = arguments[i].substr(0, equals);
      const std::string value = arguments[i].substr(equals + 1);
      if (key == "name" || key == "model") {
        copy(gpu.name, value);
        continue;
      }
      if (key == "uuid") {
        copy(gpu.uuid, value);
        continue;
      }
      bool known = false;
      for (const Key& entry : kKeys) {
        if (key != entry.name) continue;
        const bool bytes = key == "total" || key == "reserved";
        LEDGER_PUT(gpu.*entry.field, value == "na" ? LEDGER_ABSENT
                                     : bytes       ? amount(value)
                                                   : whole(value));
        known = true;
      }
      if (!known) usage("a simulated GPU has no " + key);
    }
  }
}

void set_machine(const Machine& machine, const Arguments& arguments) {
  Ledger& ledger = machine.ledger();
  for (const std::string& argument : arguments) {
    const auto equals = argument.find('=');
    const std::string key = argument.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : argument.substr(equals + 1);
    if (key == "driver") {
      copy(ledger.driver_version, value);
    } else if (key == "cuda") {
      LEDGER_PUT(ledger.cuda_version, whole(value));
    } else if (key == "memory_unknown") {
      LEDGER_PUT(ledger.memory_unknown, whole(value));
    } else if (key == "nvswitch") {
      LEDGER_PUT(ledger.nvswitch, whole(value));
    } else if (key == "count") {
      LEDGER_PUT(ledger.count, whole(value));
    } else {
      usage("the simulated machine has no " + key);
    }
  }
}

void hold(const Machine& machine, Arguments arguments, bool ghost) {
  const std::string pid_text = option(arguments, "--pid", "");
  const auto sm = whole(option(arguments, "--sm", "0"));
  const std::string as = option(arguments, "--as", "C");
  std::uint64_t lists = 0;
  for (const char c : as)
    lists |= c == 'C' ? LEDGER_COMPUTE : c == 'G' ? LEDGER_GRAPHICS : LEDGER_MPS;
  const pid_t pid = pid_text.empty() ? ::getpid() : static_cast<pid_t>(whole(pid_text));
  if (ghost && pid_text.empty()) usage("ghost needs --pid");
  const auto bytes = amount(arguments.at(1));
  for (const int number : gpus_of(machine, arguments.at(0))) {
    if (machine.enter(pid, number, bytes, sm, lists, ghost, !ghost) < 0) {
      std::fprintf(stderr, "CUDA out of memory\n");
      std::exit(1);
    }
  }
  if (!pid_text.empty()) return;
  std::printf("holding %llu bytes as %d\n", static_cast<unsigned long long>(bytes),
              static_cast<int>(pid));
  std::fflush(stdout);
  for (;;) ::pause();
}

void trap(const Machine& machine, Arguments arguments) {
  const auto pid = static_cast<pid_t>(whole(option(arguments, "--pid", "")));
  const std::string file = option(arguments, "--when-changed", "");
  const int gpu = gpus_of(machine, arguments.at(0)).front();
  const int slot = machine.enter(pid, gpu, 0, 0, LEDGER_COMPUTE, true, false);
  for (LedgerTrap& entry : machine.ledger().traps) {
    if (LEDGER_GET(entry.active) != 0) continue;
    copy(entry.file, file);
    if (file != entry.file) usage("the path is too long: " + file);
    ledger_file_state(entry.file, &entry.file_size, &entry.file_time_ns);
    LEDGER_PUT(entry.gpu, static_cast<std::uint64_t>(gpu % LEDGER_GPUS));
    LEDGER_PUT(entry.slot, static_cast<std::uint64_t>(slot));
    LEDGER_PUT(entry.bytes, amount(arguments.at(1)));
    LEDGER_PUT(entry.active, std::uint64_t{1});
    return;
  }
  usage("no more than 8 traps");
}

void release(const Machine& machine, std::uint64_t pid) {
  for (LedgerProcess& entry : machine.ledger().processes) {
    if (LEDGER_GET(entry.pid) == pid) LEDGER_PUT(entry.pid, std::uint64_t{0});
  }
}

void add_rule(const Machine& machine, const std::string& gpu, const std::string& function,
              std::uint64_t block_ms, std::uint64_t code) {
  const int held = machine.lock();
  for (LedgerRule& rule : machine.ledger().rules) {
    if (LEDGER_GET(rule.active) != 0) continue;
    copy(rule.function, function);
    LEDGER_PUT(rule.gpu, gpu == "all" ? LEDGER_ALL_GPUS
                                      : static_cast<std::uint64_t>(gpus_of(machine, gpu).front()));
    LEDGER_PUT(rule.block_ms, block_ms);
    LEDGER_PUT(rule.code, code);
    LEDGER_PUT(rule.active, std::uint64_t{1});
    ::close(held);
    return;
  }
  usage("no more than 64 rules");
}

void unblock(const Machine& machine, const std::string& gpu) {
  for (LedgerRule& rule : machine.ledger().rules) {
    const bool named =
        gpu == "all" || LEDGER_GET(rule.gpu) == static_cast<std::uint64_t>(machine.gpu(gpu));
    if (named) LEDGER_PUT(rule.active, std::uint64_t{0});
  }
}

void show(const Machine& machine, bool json) {
  const Ledger& ledger = machine.ledger();
  const char* comma = "";
  if (json)
    std::printf("{\"driver\":\"%s\",\"calls\":%llu,\"gpus\":[", ledger.driver_version,
                static_cast<unsigned long long>(LEDGER_GET(ledger.calls)));
  for (unsigned i = 0; i < LEDGER_GET(ledger.count); ++i) {
    const LedgerGpu& gpu = ledger.gpus[i];
    const auto used = ledger_used(&ledger, i);
    std::printf(json ? "%s{\"number\":%u,\"uuid\":\"%s\",\"name\":\"%s\",\"bus\":%u,\"total\":%llu,"
                       "\"used\":%llu,"
                       "\"lost\":%s"
                     : "%s%2u %s %s bus %02x total %llu used %llu lost %s\n",
                comma, i, gpu.uuid, gpu.name, static_cast<unsigned>(LEDGER_GET(gpu.bus)),
                static_cast<unsigned long long>(LEDGER_GET(gpu.total)),
                static_cast<unsigned long long>(used),
                LEDGER_GET(gpu.lost) != 0 ? "true" : "false");
    if (json) {
      comma = ",";
      fakes::show_instances(gpu);
    }
  }
  comma = "";
  if (json) std::printf("],\"processes\":[");
  for (unsigned slot = 0; slot < LEDGER_PROCESSES; ++slot) {
    const LedgerProcess& entry = ledger.processes[slot];
    if (ledger_alive(&ledger, slot) == 0) continue;
    std::printf(json ? "%s{\"pid\":%llu,\"gpu\":%llu,\"bytes\":%llu,\"sm\":%llu}"
                     : "%s   pid %llu on %llu holds %llu, %llu %%\n",
                comma, static_cast<unsigned long long>(LEDGER_GET(entry.pid)),
                static_cast<unsigned long long>(LEDGER_GET(entry.gpu)),
                static_cast<unsigned long long>(LEDGER_GET(entry.bytes)),
                static_cast<unsigned long long>(LEDGER_GET(entry.sm)));
    if (json) comma = ",";
  }
  if (json) std::printf("]}\n");
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments(argv + 1, argv + argc);
  if (arguments.empty())
    usage(
        "fakegpu-ctl "
        "init|set|machine|hold|ghost|trap|release|block|fail|unblock|lose|recover|xid|mig|link|"
        "numa|"
        "show");
  const std::string verb = arguments.front();
  arguments.erase(arguments.begin());
  if (verb == "init") {
    init(std::move(arguments));
    return 0;
  }
  const Machine machine = Machine::open(false);
  const auto need = [&](std::size_t count) {
    if (arguments.size() < count) usage(verb + " needs " + std::to_string(count) + " arguments");
  };
  if (verb == "set") {
    need(2);
    set(machine, arguments);
  } else if (verb == "machine") {
    set_machine(machine, arguments);
  } else if (verb == "hold" || verb == "ghost") {
    need(2);
    hold(machine, arguments, verb == "ghost");
  } else if (verb == "trap") {
    need(2);
    trap(machine, std::move(arguments));
  } else if (verb == "release") {
    need(1);
    release(machine, whole(arguments[0]));
  } else if (verb == "block") {
    need(3);
    const bool for_ever = arguments[2] == "forever";
    add_rule(machine, arguments[0], arguments[1], for_ever ? LEDGER_FOR_EVER : whole(arguments[2]),
             0);
  } else if (verb == "fail") {
    need(3);
    add_rule(machine, arguments[0], arguments[1], 0, whole(arguments[2]));
  } else if (verb == "unblock") {
    unblock(machine, arguments.empty() ? "all" : arguments[0]);
  } else if (verb == "lose" || verb == "recover") {
    need(1);
    fakes::mark_lost(machine, arguments[0], verb == "lose" ? 1 : 0);
  } else if (verb == "xid") {
    need(2);
    fakes::report_xid(machine, arguments[0], whole(arguments[1]));
  } else if (verb == "mig") {
    need(1);
    fakes::divide(machine, arguments[0], {arguments.begin() + 1, arguments.end()});
  } else if (verb == "link") {
    need(2);
    fakes::link(machine, arguments[0], arguments[1],
                arguments.size() > 2 ? whole(arguments[2]) : 1);
  } else if (verb == "numa") {
    need(2);
    fakes::set_numa(machine, arguments[0], whole(arguments[1]));
  } else if (verb == "show") {
    show(machine, flag(arguments, "--json"));
  } else {
    usage("unknown verb " + verb);
  }
  return 0;
}
