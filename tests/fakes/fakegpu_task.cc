// SPDX-License-Identifier: Apache-2.0
// fakegpu-task: stands in for a CUDA program. Takes its devices from CUDA_VISIBLE_DEVICES by CUDA's
// rules (UUIDs, prefixes or numbers; what follows an invalid entry is hidden; unset: the first
// device; of MIG instances only the first that is named), prints "devices: <uuid>[,<uuid>]", holds
// memory there and waits.
//
//   --memory 2G  --ramp 500ms  --utilization 90  --seconds S  --exit-code N
//   --fork N        N children share the memory, the parent holds none
//   --escape        the children leave the session and outlive the parent
//   --ignore-term   SIGTERM does nothing
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "fake_machine.h"

namespace {

using fakes::Machine;
using fakes::usage;
using Clock = std::chrono::steady_clock;

struct Wishes {
  std::uint64_t memory = 0;
  std::uint64_t utilization = 0;
  double ramp = 0;
  double seconds = -1;  // until a signal
  int exit_code = 0;
  int children = 0;
  bool escape = false;
  bool ignore_term = false;
};

Wishes parse(int argc, char** argv) {
  Wishes wishes;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--escape") {
      wishes.escape = true;
      continue;
    }
    if (name == "--ignore-term") {
      wishes.ignore_term = true;
      continue;
    }
    if (i + 1 == argc) usage(name + " needs a value");
    const std::string value = argv[++i];
    if (name == "--memory") {
      wishes.memory = fakes::amount(value);
    } else if (name == "--ramp") {
      wishes.ramp = fakes::seconds(value);
    } else if (name == "--utilization") {
      wishes.utilization = fakes::whole(value);
    } else if (name == "--seconds") {
      wishes.seconds = fakes::seconds(value);
    } else if (name == "--exit-code") {
      wishes.exit_code = static_cast<int>(fakes::whole(value));
    } else if (name == "--fork") {
      wishes.children = static_cast<int>(fakes::whole(value));
    } else {
      usage("fakegpu-task does not know " + name);
    }
  }
  return wishes;
}

/// CUDA numbers devices fastest first unless CUDA_DEVICE_ORDER=PCI_BUS_ID.
std::vector<int> cuda_order(const Machine& machine) {
  std::vector<int> order = machine.in_pci_order();
  const char* set = std::getenv("CUDA_DEVICE_ORDER");
  if (set != nullptr && std::strcmp(set, "PCI_BUS_ID") == 0) return order;
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    const LedgerGpu& x = machine.ledger().gpus[a];
    const LedgerGpu& y = machine.ledger().gpus[b];
    const auto speed = [](const LedgerGpu& gpu) {
      return (LEDGER_GET(gpu.compute_major) * 10 + LEDGER_GET(gpu.compute_minor)) *
             LEDGER_GET(gpu.max_clock_mhz);
    };
    return speed(x) > speed(y);
  });
  return order;
}

std::vector<int> visible_gpus(const Machine& machine) {
  const std::vector<int> order = cuda_order(machine);
  const char* set = std::getenv("CUDA_VISIBLE_DEVICES");
  if (set == nullptr) return order.empty() ? order : std::vector<int>{order.front()};
  std::vector<int> found;
  std::string rest = set;
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    const std::string entry = rest.substr(0, comma);
    rest = comma == std::string::npos ? "" : rest.substr(comma + 1);
    const bool number =
        !entry.empty() && entry.find_first_not_of("0123456789") == std::string::npos;
    int gpu = -1;
    if (number) {
      const auto index = static_cast<std::size_t>(std::atoi(entry.c_str()));
      gpu = index < order.size() ? order[index] : -1;
    } else {
      gpu = machine.gpu(entry);
    }
    if (gpu < 0) break;
    const LedgerGpu& card = machine.ledger().gpus[gpu % LEDGER_GPUS];
    if (gpu < LEDGER_GPUS && LEDGER_GET(card.mig) == 1) break;  // divided: no device any more
    found.push_back(gpu);
    if (gpu >= LEDGER_GPUS) break;
  }
  std::erase_if(found, [&](int gpu) {
    return LEDGER_GET(machine.ledger().gpus[gpu % LEDGER_GPUS].lost) != 0;
  });
  return found;
}

void pause_ms(long ms) {
  timespec time{ms / 1000, ms % 1000 * 1000000L};
  ::nanosleep(&time, nullptr);
}

[[noreturn]] void out_of_memory(std::uint64_t bytes) {
  std::fprintf(stderr, "RuntimeError: CUDA out of memory. Tried to allocate %.2f GiB\n",
               static_cast<double>(bytes) / 1024 / 1024 / 1024);
  std::exit(1);
}

/// Holds the memory on every device until the time is over.
void work(const Machine& machine, const std::vector<int>& gpus, const Wishes& wishes,
          std::uint64_t bytes, std::uint64_t utilization, pid_t parent) {
  const auto begin = Clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - begin).count(); };
  const std::uint64_t at_once = wishes.ramp > 0 ? 0 : bytes;
  std::vector<int> slots;
  for (const int gpu : gpus) {
    slots.push_back(
        machine.enter(::getpid(), gpu, at_once, utilization, LEDGER_COMPUTE, false, true));
    if (slots.back() < 0) out_of_memory(bytes);
  }
  std::uint64_t held = at_once;
  while (wishes.seconds < 0 || elapsed() < wishes.seconds) {
    if (held < bytes) {
      const double part = std::min(1.0, elapsed() / wishes.ramp);
      held = static_cast<std::uint64_t>(static_cast<double>(bytes) * part);
      for (const int slot : slots) {
        if (!machine.resize(slot, held)) out_of_memory(held);
      }
    }
    if (parent != 0 && ::getppid() != parent) std::exit(0);
    const double left = wishes.seconds < 0 ? 1.0 : wishes.seconds - elapsed();
    pause_ms(held < bytes || parent != 0 ? 10
                                         : std::clamp(static_cast<long>(left * 1000), 1L, 100L));
  }
  for (const int slot : slots) machine.leave(slot);
}

}  // namespace

int main(int argc, char** argv) {
  const Wishes wishes = parse(argc, argv);
  if (wishes.ignore_term) ::signal(SIGTERM, SIG_IGN);
  const Machine machine = Machine::open(false);
  const std::vector<int> gpus = visible_gpus(machine);
  if (gpus.empty()) {
    std::fprintf(stderr, "RuntimeError: no CUDA-capable device is detected\n");
    return 1;
  }
  std::printf("devices: ");
  for (const int gpu : gpus) std::printf("%s%s", gpu == gpus.front() ? "" : ",", machine.uuid(gpu));
  std::printf("\n");
  std::fflush(stdout);

  if (wishes.children == 0) {
    work(machine, gpus, wishes, wishes.memory, wishes.utilization, 0);
    return wishes.exit_code;
  }
  const pid_t self = ::getpid();
  const auto share = static_cast<std::uint64_t>(wishes.children);
  std::vector<pid_t> children;
  for (int i = 0; i < wishes.children; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      if (wishes.escape) ::setsid();
      work(machine, gpus, wishes, wishes.memory / share, wishes.utilization / share,
           wishes.escape ? 0 : self);
      return 0;
    }
    children.push_back(child);
  }
  int worst = wishes.exit_code;
  for (const pid_t child : children) {
    int status = 0;
    if (::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) != 0)
      worst = WEXITSTATUS(status);
  }
  return worst;
}
