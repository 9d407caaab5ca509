// SPDX-License-Identifier: Apache-2.0
// What fakegpu-ctl and fakegpu-task share: amounts, the ledger with its lock, registered processes.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "ledger.h"

namespace fakes {

/// "24G", "300M", "512K", "1024": powers of 1024. Ends the program with status 2 on anything else.
std::uint64_t amount(const std::string& text);
/// "2", "0.5", "500ms", "3s" in seconds.
double seconds(const std::string& text);
std::uint64_t whole(const std::string& text);
[[noreturn]] void usage(const std::string& message);

class Machine {
 public:
  /// Path as ledger_path() says, beside this program. Ends the program when there is none.
  static Machine open(bool create);

  [[nodiscard]] Ledger& ledger() const { return *ledger_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  /// Held until closed or the process dies.
  [[nodiscard]] int lock() const;

  /// The target (ledger.h) that "3", "3:1" (MIG instance 1 of GPU 3), a UUID or an unambiguous
  /// prefix of one names; -1 when there is none.
  [[nodiscard]] int gpu(const std::string& name) const;
  [[nodiscard]] const char* uuid(int target) const;
  /// Driver's numbers in PCI bus order.
  [[nodiscard]] std::vector<int> in_pci_order() const;

  /// Enters `pid`; the slot, or -1 when the device has not that much memory free.
  [[nodiscard]] int enter(pid_t pid, int gpu, std::uint64_t bytes, std::uint64_t sm,
                          std::uint64_t lists, bool ghost, bool checked) const;
  /// Changes what the slot holds; false when the device has not that much free.
  [[nodiscard]] bool resize(int slot, std::uint64_t bytes) const;
  void leave(int slot) const;

 private:
  Machine(Ledger* ledger, std::string path) : ledger_(ledger), path_(std::move(path)) {}
  [[nodiscard]] std::uint64_t free_on(int gpu) const;

  Ledger* ledger_;
  std::string path_;
};

/// The targets (ledger.h) that an argument names, one or "all" GPUs. Ends the program when there is
/// none.
std::vector<int> gpus_of(const Machine& machine, const std::string& name);
/// The same for what instances do not have.
std::vector<int> whole_gpus_of(const Machine& machine, const std::string& name);

template <std::size_t N>
void copy(char (&out)[N], const std::string& text) {
  std::snprintf(out, N, "%s", text.c_str());
}

}  // namespace fakes
