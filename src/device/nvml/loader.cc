// SPDX-License-Identifier: Apache-2.0
#include "device/nvml/loader.h"

#include "base/phrase.h"
#include "device/symbol.h"
#include "model/device_words.h"

namespace berth::device::nvml {

base::Result<std::unique_ptr<Library>> Library::open(const std::string& path) {
  const std::string name = path.empty() ? "libnvidia-ml.so.1" : path;
  const auto handle = open_library(name);
  if (!handle) return base::fail(handle.error());
  std::unique_ptr<Library> library(new Library(*handle));
  library->find_all();
  const Functions& found = library->functions_;
  if (found.init == nullptr || found.device_count == nullptr || found.handle_by_index == nullptr) {
    return base::fail(base::ErrorCode::kUnavailable, base::fill(model::words::kNoNvml, {name}));
  }
  return library;
}

Library::~Library() { ::dlclose(handle_); }

std::string Library::words(int code) const {
  const char* text = functions_.error_string != nullptr ? functions_.error_string(code) : nullptr;
  return text != nullptr ? text : base::fill(model::words::kNvmlError, {std::to_string(code)});
}

template <class Slot>
int Library::find(Slot& slot, std::initializer_list<const char*> names) {
  return find_symbol(handle_, slot, names);
}

void Library::find_processes(ProcessCall& call, const char* v3, const char* v2, const char* v1) {
  // Not the version number but two other functions tell the early 535 drivers apart, whose v3
  // entries are 32 bytes long (nvitop's rule).
  void* probe = nullptr;
  const bool r535 = find(probe, {"nvmlDeviceGetConfComputeMemSizeInfo"}) == 0 &&
                    find(probe, {"nvmlDeviceGetRunningProcessDetailList"}) < 0;
  switch (find(call.call, {v3, v2, v1})) {
    case 0:
      call.entry_size = r535 ? kProcessSize535 : kProcessSizeV2;
      break;
    case 1:
      call.entry_size = kProcessSizeV2;
      break;
    case 2:
      call.entry_size = kProcessSizeV1;
      break;
    default:
      break;
  }
}

void Library::find_all() {
  Functions& f = functions_;
  find(f.init, {"nvmlInit_v2", "nvmlInit"});
  find(f.shutdown, {"nvmlShutdown"});
  find(f.error_string, {"nvmlErrorString"});
  find(f.driver_version, {"nvmlSystemGetDriverVersion"});
  find(f.cuda_driver_version,
       {"nvmlSystemGetCudaDriverVersion_v2", "nvmlSystemGetCudaDriverVersion"});
  find(f.device_count, {"nvmlDeviceGetCount_v2", "nvmlDeviceGetCount"});
  find(f.handle_by_index, {"nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetHandleByIndex"});
  find(f.uuid, {"nvmlDeviceGetUUID"});
  find(f.name, {"nvmlDeviceGetName"});
  find(f.pci_info, {"nvmlDeviceGetPciInfo_v3", "nvmlDeviceGetPciInfo_v2"});
  find(f.compute_capability, {"nvmlDeviceGetCudaComputeCapability"});
  find(f.memory_v2, {"nvmlDeviceGetMemoryInfo_v2"});
  find(f.memory_v1, {"nvmlDeviceGetMemoryInfo"});
  find(f.mig_mode, {"nvmlDeviceGetMigMode"});
  find(f.most_instances, {"nvmlDeviceGetMaxMigDeviceCount"});
  find(f.instance_by_index, {"nvmlDeviceGetMigDeviceHandleByIndex"});
  find(f.gpu_instance_id, {"nvmlDeviceGetGpuInstanceId"});
  find(f.compute_instance_id, {"nvmlDeviceGetComputeInstanceId"});
  find(f.common_ancestor, {"nvmlDeviceGetTopologyCommonAncestor"});
  find(f.nvlink_state, {"nvmlDeviceGetNvLinkState"});
  find(f.nvlink_peer, {"nvmlDeviceGetNvLinkRemotePciInfo_v2"});
  find(f.p2p_status, {"nvmlDeviceGetP2PStatus"});
  find(f.utilization, {"nvmlDeviceGetUtilizationRates"});
  find(f.temperature, {"nvmlDeviceGetTemperature"});
  find(f.temperature_v, {"nvmlDeviceGetTemperatureV"});
  find(f.power_usage, {"nvmlDeviceGetPowerUsage"});
  find(f.enforced_power_limit, {"nvmlDeviceGetEnforcedPowerLimit"});
  find(f.power_limit, {"nvmlDeviceGetPowerManagementLimit"});
  find(f.clock, {"nvmlDeviceGetClockInfo"});
  find(f.max_clock, {"nvmlDeviceGetMaxClockInfo"});
  find(f.cores, {"nvmlDeviceGetNumGpuCores"});
  find(f.memory_bus, {"nvmlDeviceGetMemoryBusWidth"});
  find(f.fan_speed, {"nvmlDeviceGetFanSpeed"});
  find(f.encoder, {"nvmlDeviceGetEncoderUtilization"});
  find(f.decoder, {"nvmlDeviceGetDecoderUtilization"});
  find(f.energy, {"nvmlDeviceGetTotalEnergyConsumption"});
  find(f.ecc_errors, {"nvmlDeviceGetTotalEccErrors"});
  find(f.clock_reasons,
       {"nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons"});
  find(f.field_values, {"nvmlDeviceGetFieldValues"});
  find(f.pcie_generation, {"nvmlDeviceGetCurrPcieLinkGeneration"});
  find(f.pcie_width, {"nvmlDeviceGetCurrPcieLinkWidth"});
  find(f.process_utilization, {"nvmlDeviceGetProcessUtilization"});
  find(f.event_set, {"nvmlEventSetCreate"});
  find(f.free_event_set, {"nvmlEventSetFree"});
  find(f.register_events, {"nvmlDeviceRegisterEvents"});
  find(f.wait_event, {"nvmlEventSetWait_v2"});
  find_processes(f.compute_processes, "nvmlDeviceGetComputeRunningProcesses_v3",
                 "nvmlDeviceGetComputeRunningProcesses_v2", "nvmlDeviceGetComputeRunningProcesses");
  find_processes(f.graphics_processes, "nvmlDeviceGetGraphicsRunningProcesses_v3",
                 "nvmlDeviceGetGraphicsRunningProcesses_v2",
                 "nvmlDeviceGetGraphicsRunningProcesses");
  find_processes(f.mps_processes, "nvmlDeviceGetMPSComputeRunningProcesses_v3",
                 "nvmlDeviceGetMPSComputeRunningProcesses_v2",
                 "nvmlDeviceGetMPSComputeRunningProcesses");
}

}  // namespace berth::device::nvml
