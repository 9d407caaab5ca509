// SPDX-License-Identifier: Apache-2.0
#include "fake_machine.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <tuple>

namespace fakes {

void usage(const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
  std::exit(2);
}

std::uint64_t whole(const std::string& text) {
  char* end = nullptr;
  const auto number = std::strtoull(text.c_str(), &end, 0);
  if (text.empty() || *end != '\0') usage("not a number: " + text);
  return number;
}

std::uint64_t amount(const std::string& text) {
  char* end = nullptr;
  double number = std::strtod(text.c_str(), &end);
  std::string unit(end);
  while (!unit.empty() && (unit.back() == 'B' || unit.back() == 'i')) unit.pop_back();
  if (end == text.c_str() || number < 0 || unit.size() > 1)
    usage("not an amount of memory: " + text);
  const std::string units = "KMGT";
  if (!unit.empty()) {
    const auto power = units.find(static_cast<char>(std::toupper(unit[0])));
    if (power == std::string::npos) usage("not an amount of memory: " + text);
    for (std::size_t i = 0; i <= power; ++i) number *= 1024;
  }
  return static_cast<std::uint64_t>(number);
}

double seconds(const std::string& text) {
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  const std::string unit(end);
  if (end == text.c_str() || number < 0) usage("not a time: " + text);
  if (unit == "ms") return number / 1000;
  if (!unit.empty() && unit != "s") usage("not a time: " + text);
  return number;
}

Machine Machine::open(bool create) {
  std::array<char, 4096> self{};
  if (::readlink("/proc/self/exe", self.data(), self.size() - 1) < 0)
    usage("cannot read /proc/self/exe");
  std::array<char, 4096> path{};
  ledger_path(path.data(), path.size(), self.data());
  Ledger* ledger = ledger_open(path.data(), create ? 1 : 0);
  if (ledger == nullptr) {
    usage(std::string("no simulated machine in ") + path.data() + ": " + std::strerror(errno) +
          " (make one with fakegpu-ctl init)");
  }
  return {ledger, path.data()};
}

int Machine::lock() const {
  const int fd = ledger_lock(path_.c_str());
  if (fd < 0) usage("cannot lock " + path_ + ": " + std::strerror(errno));
  return fd;
}

int Machine::gpu(const std::string& name) const {
  const auto count = static_cast<int>(LEDGER_GET(ledger_->count));
  const auto instance_there = [this](int gpu, int number) {
    return LEDGER_GET(ledger_->gpus[gpu].mig) == 1 &&
           LEDGER_GET(ledger_->gpus[gpu].instances[number].present) != 0;
  };
  if (!name.empty() && name.find_first_not_of("0123456789:") == std::string::npos) {
    const int number = std::atoi(name.c_str());
    if (number >= count) return -1;
    const auto colon = name.find(':');
    if (colon == std::string::npos) return number;
    const int instance = std::atoi(name.c_str() + colon + 1);
    const bool there = instance < LEDGER_INSTANCES && instance_there(number, instance);
    return there ? number + LEDGER_GPUS * (instance + 1) : -1;
  }
  int found = -1;
  const auto consider = [&](int target) {
    if (std::string(uuid(target)).rfind(name, 0) != 0) return true;
    if (found >= 0) return false;
    found = target;
    return true;
  };
  for (int i = 0; i < count && !name.empty(); ++i) {
    if (!consider(i)) return -1;
    for (int j = 0; j < LEDGER_INSTANCES; ++j) {
      if (instance_there(i, j) && !consider(i + LEDGER_GPUS * (j + 1))) return -1;
    }
  }
  return found;
}

const char* Machine::uuid(int target) const {
  const LedgerGpu& gpu = ledger_->gpus[target % LEDGER_GPUS];
  return target < LEDGER_GPUS ? gpu.uuid : gpu.instances[target / LEDGER_GPUS - 1].uuid;
}

std::vector<int> Machine::in_pci_order() const {
  std::vector<int> order;
  for (int i = 0; i < static_cast<int>(LEDGER_GET(ledger_->count)); ++i) order.push_back(i);
  std::sort(order.begin(), order.end(), [this](int a, int b) {
    const LedgerGpu& x = ledger_->gpus[a];
    const LedgerGpu& y = ledger_->gpus[b];
    return std::tie(x.domain, x.bus, x.device) < std::tie(y.domain, y.bus, y.device);
  });
  return order;
}

std::uint64_t Machine::free_on(int gpu) const {
  const LedgerGpu& card = ledger_->gpus[gpu % LEDGER_GPUS];
  const LedgerInstance* part = gpu < LEDGER_GPUS ? nullptr : &card.instances[gpu / LEDGER_GPUS - 1];
  const auto taken = (part != nullptr ? LEDGER_GET(part->reserved) : LEDGER_GET(card.reserved)) +
                     ledger_used(ledger_, static_cast<std::uint64_t>(gpu));
  const auto total = part != nullptr ? LEDGER_GET(part->total) : LEDGER_GET(card.total);
  return taken < total ? total - taken : 0;
}

int Machine::enter(pid_t pid, int gpu, std::uint64_t bytes, std::uint64_t sm, std::uint64_t lists,
                   bool ghost, bool checked) const {
  const int held = lock();
  int slot = -1;
  if (!checked || bytes <= free_on(gpu)) {
    slot = ledger_free_slot(ledger_);
    if (slot < 0) usage("the simulated machine has no place for one more process");
    LedgerProcess& entry = ledger_->processes[slot];
    LEDGER_PUT(entry.pid, std::uint64_t{0});
    LEDGER_PUT(entry.start_time, ghost ? 0 : ledger_start_time(static_cast<std::uint64_t>(pid)));
    LEDGER_PUT(entry.gpu, static_cast<std::uint64_t>(gpu % LEDGER_GPUS));
    LEDGER_PUT(entry.instance, static_cast<std::uint64_t>(gpu / LEDGER_GPUS));
    LEDGER_PUT(entry.bytes, bytes);
    LEDGER_PUT(entry.sm, sm);
    LEDGER_PUT(entry.lists, lists);
    LEDGER_PUT(entry.pid, static_cast<std::uint64_t>(pid));
  }
  ::close(held);
  return slot;
}

bool Machine::resize(int slot, std::uint64_t bytes) const {
  const int held = lock();
  LedgerProcess& entry = ledger_->processes[slot];
  const auto before = LEDGER_GET(entry.bytes);
  const auto target =
      static_cast<int>(LEDGER_GET(entry.gpu) + LEDGER_GPUS * LEDGER_GET(entry.instance));
  const bool fits = bytes <= before || bytes - before <= free_on(target);
  if (fits) LEDGER_PUT(entry.bytes, bytes);
  ::close(held);
  return fits;
}

void Machine::leave(int slot) const {
  if (slot >= 0) LEDGER_PUT(ledger_->processes[slot].pid, std::uint64_t{0});
}

std::vector<int> gpus_of(const Machine& machine, const std::string& name) {
  std::vector<int> found;
  if (name == "all") {
    for (int i = 0; i < static_cast<int>(LEDGER_GET(machine.ledger().count)); ++i)
      found.push_back(i);
    return found;
  }
  found.push_back(machine.gpu(name));
  if (found.back() < 0) usage("there is no simulated GPU " + name);
  return found;
}

std::vector<int> whole_gpus_of(const Machine& machine, const std::string& name) {
  auto found = gpus_of(machine, name);
  if (found.size() == 1 && found.front() >= LEDGER_GPUS) usage(name + " is no whole GPU");
  return found;
}

}  // namespace fakes
