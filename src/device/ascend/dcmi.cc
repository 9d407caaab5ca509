// SPDX-License-Identifier: Apache-2.0
#include "device/ascend/dcmi.h"

#include "base/phrase.h"
#include "device/symbol.h"
#include "model/device_words.h"

namespace berth::device::ascend {

namespace {

constexpr const char* kUsualPlace = "/usr/local/Ascend/driver/lib64/driver/libdcmi.so";

}  // namespace

base::Result<std::unique_ptr<Library>> Library::open(const std::string& path) {
  const std::string name = path.empty() ? "libdcmi.so" : path;
  auto handle = open_library(name);
  if (!handle && path.empty()) {
    if (auto usual = open_library(kUsualPlace)) handle = usual;
  }
  if (!handle) return base::fail(handle.error());
  std::unique_ptr<Library> library(new Library(*handle));
  library->find_all();
  const Functions& found = library->functions_;
  if (found.init == nullptr || found.cards == nullptr || found.chips_on == nullptr) {
    return base::fail(base::ErrorCode::kUnavailable, base::fill(model::words::kNoDcmi, {name}));
  }
  return library;
}

Library::~Library() { ::dlclose(handle_); }

void Library::find_all() {
  Functions& f = functions_;
  find_symbol(handle_, f.init, {"dcmi_init"});
  find_symbol(handle_, f.cards, {"dcmi_get_card_list", "dcmi_get_card_num_list"});
  find_symbol(handle_, f.chips_on, {"dcmi_get_device_num_in_card"});
  find_symbol(handle_, f.logical_id, {"dcmi_get_device_logic_id"});
  find_symbol(handle_, f.driver_version, {"dcmi_get_driver_version"});
  find_symbol(handle_, f.chip_info, {"dcmi_get_device_chip_info"});
  find_symbol(handle_, f.pcie_info, {"dcmi_get_device_pcie_info_v2"});
  find_symbol(handle_, f.die, {"dcmi_get_device_die_v2"});
  find_symbol(handle_, f.hbm, {"dcmi_get_device_hbm_info", "dcmi_get_hbm_info"});
  find_symbol(handle_, f.memory, {"dcmi_get_device_memory_info_v3"});
  find_symbol(handle_, f.utilization, {"dcmi_get_device_utilization_rate"});
  find_symbol(handle_, f.temperature, {"dcmi_get_device_temperature"});
  find_symbol(handle_, f.power, {"dcmi_get_device_power_info"});
  find_symbol(handle_, f.health, {"dcmi_get_device_health"});
  find_symbol(handle_, f.processes, {"dcmi_get_device_resource_info"});
}

}  // namespace berth::device::ascend
