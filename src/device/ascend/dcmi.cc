// SPDX-License-Identifier: Apache-2.0
#include "device/ascend/dcmi.h"

#include <dlfcn.h>

#include <cstring>
#include <initializer_list>

namespace berth::device::ascend {

namespace {

constexpr const char* kUsualPlace = "/usr/local/Ascend/driver/lib64/driver/libdcmi.so";

template <class Function>
void find(void* handle, Function& function, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (void* address = ::dlsym(handle, name); address != nullptr) {
      static_assert(sizeof function == sizeof address);
      std::memcpy(&function, &address, sizeof function);
      return;
    }
  }
}

}  // namespace

base::Result<std::unique_ptr<Library>> Library::open(const std::string& path) {
  const std::string name = path.empty() ? "libdcmi.so" : path;
  void* handle = ::dlopen(name.c_str(), RTLD_LAZY | RTLD_LOCAL);
  const char* words = handle == nullptr ? ::dlerror() : nullptr;
  const std::string why = words != nullptr ? words : "unknown error";
  if (handle == nullptr && path.empty()) handle = ::dlopen(kUsualPlace, RTLD_LAZY | RTLD_LOCAL);
  if (handle == nullptr)
    return base::fail(base::ErrorCode::kNotFound, "cannot load " + name + ": " + why);
  std::unique_ptr<Library> library(new Library(handle));
  library->find_all();
  const Functions& found = library->functions_;
  if (found.init == nullptr || found.cards == nullptr || found.chips_on == nullptr) {
    return base::fail(base::ErrorCode::kUnavailable,
                      name +
                          " is no Ascend management library: dcmi_init, dcmi_get_card_list or "
                          "dcmi_get_device_num_in_card is missing");
  }
  return library;
}

Library::~Library() { ::dlclose(handle_); }

void Library::find_all() {
  Functions& f = functions_;
  find(handle_, f.init, {"dcmi_init"});
  find(handle_, f.cards, {"dcmi_get_card_list", "dcmi_get_card_num_list"});
  find(handle_, f.chips_on, {"dcmi_get_device_num_in_card"});
  find(handle_, f.logical_id, {"dcmi_get_device_logic_id"});
  find(handle_, f.driver_version, {"dcmi_get_driver_version"});
  find(handle_, f.chip_info, {"dcmi_get_device_chip_info"});
  find(handle_, f.pcie_info, {"dcmi_get_device_pcie_info_v2"});
  find(handle_, f.die, {"dcmi_get_device_die_v2"});
  find(handle_, f.hbm, {"dcmi_get_device_hbm_info", "dcmi_get_hbm_info"});
  find(handle_, f.memory, {"dcmi_get_device_memory_info_v3"});
  find(handle_, f.utilization, {"dcmi_get_device_utilization_rate"});
  find(handle_, f.temperature, {"dcmi_get_device_temperature"});
  find(handle_, f.power, {"dcmi_get_device_power_info"});
  find(handle_, f.health, {"dcmi_get_device_health"});
  find(handle_, f.processes, {"dcmi_get_device_resource_info"});
}

}  // namespace berth::device::ascend
