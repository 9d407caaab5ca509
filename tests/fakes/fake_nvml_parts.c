// SPDX-License-Identifier: Apache-2.0
// The fake library: the parts that a GPU is divided into (MIG), and the ways between GPUs.
#include <stdio.h>
#include <string.h>

#include "fake_nvml.h"

EXPORT int nvmlDeviceGetMigMode(nvmlDevice_t device, unsigned* current, unsigned* pending) {
  ENTER_DEVICE();
  if (LEDGER_GET(gpu->mig) == LEDGER_ABSENT) return NVML_NOT_SUPPORTED;
  *current = *pending = (unsigned)LEDGER_GET(gpu->mig);
  return NVML_SUCCESS;
}
EXPORT int nvmlDeviceGetMaxMigDeviceCount(nvmlDevice_t device, unsigned* count) {
  ENTER_DEVICE();
  *count = LEDGER_GET(gpu->mig) == 1 ? LEDGER_INSTANCES : 0;
  return NVML_SUCCESS;
}
EXPORT int nvmlDeviceGetMigDeviceHandleByIndex(nvmlDevice_t device, unsigned index,
                                               nvmlDevice_t* instance) {
  ENTER_DEVICE();
  if (instance == NULL || index >= LEDGER_INSTANCES) return NVML_INVALID_ARGUMENT;
  if (LEDGER_GET(gpu->mig) != 1) return NVML_NOT_SUPPORTED;
  if (!LEDGER_GET(gpu->instances[index].present)) return NVML_NOT_FOUND;
  *instance = fake_handle(device->number + LEDGER_GPUS * (index + 1));
  return NVML_SUCCESS;
}
EXPORT int nvmlDeviceIsMigDeviceHandle(nvmlDevice_t device, unsigned* is_instance) {
  ENTER_EITHER();
  *is_instance = instance != NULL;
  return NVML_SUCCESS;
}
EXPORT int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(nvmlDevice_t device, nvmlDevice_t* parent) {
  ENTER_EITHER();
  if (instance == NULL) return NVML_INVALID_ARGUMENT;
  *parent = fake_handle(device->number % LEDGER_GPUS);
  return NVML_SUCCESS;
}
EXPORT int nvmlDeviceGetGpuInstanceId(nvmlDevice_t device, unsigned* id) {
  ENTER_EITHER();
  if (instance == NULL) return NVML_NOT_SUPPORTED;
  *id = (unsigned)LEDGER_GET(instance->gpu_instance);
  return NVML_SUCCESS;
}
EXPORT int nvmlDeviceGetComputeInstanceId(nvmlDevice_t device, unsigned* id) {
  ENTER_EITHER();
  if (instance == NULL) return NVML_NOT_SUPPORTED;
  *id = (unsigned)LEDGER_GET(instance->compute_instance);
  return NVML_SUCCESS;
}

EXPORT int nvmlDeviceGetTopologyCommonAncestor(nvmlDevice_t device, nvmlDevice_t other,
                                               int* level) {
  ENTER_DEVICE();
  LedgerGpu* second = NULL;
  const int refused = fake_device(__func__, other, &second);
  if (refused != 0) return refused;
  const int machine = LEDGER_GET(gpu->domain) == LEDGER_GET(second->domain);
  const uint64_t own_switch = LEDGER_GET(gpu->pcie_switch);
  if (machine && own_switch != LEDGER_ABSENT && own_switch == LEDGER_GET(second->pcie_switch)) {
    *level = 10; /* a single switch */
  } else if (LEDGER_GET(gpu->numa) != LEDGER_GET(second->numa)) {
    *level = 50; /* the system */
  } else if (machine && LEDGER_GET(gpu->host_bridge) == LEDGER_GET(second->host_bridge)) {
    *level = 30;
  } else {
    *level = 40; /* the NUMA node */
  }
  return NVML_SUCCESS;
}

/* The links are numbered through, peer after peer. */
static int peer_of_link(const LedgerGpu* gpu, unsigned link, unsigned* peer) {
  uint64_t passed = 0;
  for (unsigned i = 0; i < LEDGER_GPUS; ++i) {
    passed += LEDGER_GET(gpu->nvlinks[i]);
    if (link >= passed) continue;
    *peer = i;
    return 1;
  }
  return 0;
}
EXPORT int nvmlDeviceGetNvLinkState(nvmlDevice_t device, unsigned link, unsigned* active) {
  ENTER_DEVICE();
  unsigned peer = 0;
  if (link >= 18) return NVML_INVALID_ARGUMENT;
  if (!peer_of_link(gpu, 0, &peer)) return NVML_NOT_SUPPORTED; /* a card without any */
  *active = (unsigned)peer_of_link(gpu, link, &peer);
  return NVML_SUCCESS;
}

typedef struct {
  char legacy[16];
  unsigned domain, bus, device, pci_device_id, pci_subsystem_id;
  char bus_id[32];
} PciInfo;
EXPORT int nvmlDeviceGetNvLinkRemotePciInfo_v2(nvmlDevice_t device, unsigned link, PciInfo* info) {
  ENTER_DEVICE();
  unsigned peer = 0;
  if (!peer_of_link(gpu, link, &peer)) return NVML_INVALID_ARGUMENT;
  const LedgerGpu* other = &fake_ledger->gpus[peer];
  memset(info, 0, sizeof *info);
  info->domain = (unsigned)LEDGER_GET(other->domain);
  info->bus = (unsigned)LEDGER_GET(other->bus);
  info->device = (unsigned)LEDGER_GET(other->device);
  if (LEDGER_GET(fake_ledger->nvswitch)) info->bus = 0xc0; /* the links end at the switch */
  snprintf(info->bus_id, sizeof info->bus_id, "%08X:%02X:%02X.0", info->domain, info->bus,
           info->device);
  return NVML_SUCCESS;
}
EXPORT int nvmlDeviceGetP2PStatus(nvmlDevice_t device, nvmlDevice_t other, int capability,
                                  int* status) {
  ENTER_DEVICE();
  LedgerGpu* second = NULL;
  const int refused = fake_device(__func__, other, &second);
  if (refused != 0) return refused;
  /* 2: by NVLink. 0 is yes, 5 that it is not supported. */
  *status = capability != 2 || LEDGER_GET(gpu->nvlinks[other->number]) > 0 ? 0 : 5;
  return NVML_SUCCESS;
}
