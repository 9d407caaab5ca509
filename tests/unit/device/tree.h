// SPDX-License-Identifier: Apache-2.0
// Trees of /sys and /proc as the kernel has them for a card, a piece at a time.
#pragma once

#include <map>
#include <string>

#include "device/fixture.h"

namespace berth::device {

/// Files by name below one folder of the tree.
using Files = std::map<std::string, std::string>;

class Tree : public Folder {
 public:
  void write_all(const std::string& folder, const Files& files) const;
  void remove(const std::string& name) const;
  /// In the place of a file, something that gives an error when it is read.
  void make_unreadable(const std::string& name) const;
  /// /sys/class/drm/cardN (with its render node) at a PCI address, "0000:03:00.0", of a driver.
  void add_card(int number, const std::string& pci, const std::string& driver,
                const std::string& vendor, const std::string& product) const;
  /// Of the PCI device.
  [[nodiscard]] static std::string pci_folder(const std::string& pci) {
    return "sys/bus/pci/devices/" + pci;
  }
  /// A process with a file open, by its name in /dev/dri or a whole path; `info` is what the kernel
  /// tells of the descriptor.
  void add_client(int pid, int descriptor, const std::string& node, const std::string& info) const;
  void add_process(int pid, const std::string& command) const;
};

}  // namespace berth::device
