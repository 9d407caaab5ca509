// SPDX-License-Identifier: Apache-2.0
// What fakegpu-ctl and fakegpu-task share: amounts, the ledger with its lock, registered processes.
#pragma once

#include <sys/types.h>

#include <cstdint>
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

  /// The driver's number of "3", a UUID or an unambiguous prefix; -1 when there is none.
  [[nodiscard]] int gpu(const std::string& name) const;
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

}  // namespace fakes
