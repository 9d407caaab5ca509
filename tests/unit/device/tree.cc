// SPDX-License-Identifier: Apache-2.0
#include "device/tree.h"

#include <filesystem>

namespace berth::device {

namespace fs = std::filesystem;

void Tree::write_all(const std::string& folder, const Files& files) const {
  for (const auto& [name, content] : files) write(folder + '/' + name, content + '\n');
}

void Tree::remove(const std::string& name) const { fs::remove_all(path() + '/' + name); }

void Tree::make_unreadable(const std::string& name) const {
  remove(name);
  fs::create_directories(path() + '/' + name);
}

void Tree::add_card(int number, const std::string& pci, const std::string& driver,
                    const std::string& vendor, const std::string& product) const {
  write_all(pci_folder(pci), {{"vendor", vendor},
                              {"device", product},
                              {"class", "0x030000"},
                              {"numa_node", "1"},
                              {"current_link_speed", "8.0 GT/s PCIe"},
                              {"current_link_width", "16"},
                              {"max_link_speed", "16.0 GT/s PCIe"},
                              {"max_link_width", "16"},
                              {"uevent", "DRIVER=" + driver + "\nPCI_SLOT_NAME=" + pci}});
  const auto add_node = [&](const std::string& name, const std::string& numbers) {
    const std::string folder = "sys/class/drm/" + name;
    write(folder + "/dev", numbers + "\n");
    fs::create_symlink("../../../bus/pci/devices/" + pci, path() + '/' + folder + "/device");
  };
  const std::string minor = std::to_string(number);
  add_node("card" + minor, "226:" + minor);
  add_node("renderD" + std::to_string(128 + number), "226:" + std::to_string(128 + number));
  // A connector, which is no card.
  write("sys/class/drm/card" + minor + "-DP-1/status", "connected\n");
}

void Tree::add_client(int pid, int descriptor, const std::string& node,
                      const std::string& info) const {
  const std::string folder = "proc/" + std::to_string(pid);
  const std::string number = std::to_string(descriptor);
  write(folder + "/fdinfo/" + number, info);
  fs::create_directories(path() + '/' + folder + "/fd");
  std::error_code there;
  fs::create_symlink((node.starts_with('/') ? "" : "/dev/dri/") + node,
                     path() + '/' + folder + "/fd/" + number, there);
}

void Tree::add_process(int pid, const std::string& command) const {
  const std::string folder = "proc/" + std::to_string(pid);
  const std::string number = std::to_string(pid);
  write(folder + "/stat", number + " (program) S 1 " + number + ' ' + number +
                              " 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0\n");
  write(folder + "/cmdline", command);
}

}  // namespace berth::device
