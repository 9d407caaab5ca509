// SPDX-License-Identifier: Apache-2.0
// The fake library: what one device is and measures.
#include <stdio.h>
#include <string.h>

#include "fake_nvml.h"

typedef struct {
  char legacy[16];
  unsigned domain, bus, device, pci_device_id, pci_subsystem_id;
  char bus_id[32];
} PciInfoV3;
typedef struct {
  char legacy[16];
  unsigned domain, bus, device, pci_device_id, pci_subsystem_id, reserved[4];
} PciInfoV2;
typedef struct {
  unsigned long long total, free, used;
} MemoryV1;
typedef struct {
  unsigned version;
  unsigned long long total, reserved, free, used;
} MemoryV2;
typedef struct {
  unsigned gpu, memory;
} Utilization;
typedef struct {
  unsigned long long total, free, used;
} Bar1Memory;

/* Fills the head that both versions share. */
static void pci_head(const LedgerGpu* gpu, PciInfoV2* info) {
  memset(info, 0, sizeof *info);
  info->domain = (unsigned)LEDGER_GET(gpu->domain);
  info->bus = (unsigned)LEDGER_GET(gpu->bus);
  info->device = (unsigned)LEDGER_GET(gpu->device);
  info->pci_device_id = (unsigned)LEDGER_GET(gpu->pci_device_id);
  info->pci_subsystem_id = (unsigned)LEDGER_GET(gpu->pci_subsystem_id);
  snprintf(info->legacy, sizeof info->legacy, "%04X:%02X:%02X.0", info->domain & 0xffffU,
           info->bus & 0xffU, info->device & 0xffU);
}

EXPORT int nvmlDeviceGetPciInfo_v2(nvmlDevice_t device, PciInfoV2* info) {
  ENTER_DEVICE();
  pci_head(gpu, info);
  return NVML_SUCCESS;
}
#ifndef FAKE_OLD
EXPORT int nvmlDeviceGetPciInfo_v3(nvmlDevice_t device, PciInfoV3* info) {
  ENTER_DEVICE();
  PciInfoV2 head;
  pci_head(gpu, &head);
  memset(info, 0, sizeof *info);
  memcpy(info, &head, offsetof(PciInfoV3, bus_id));
  snprintf(info->bus_id, sizeof info->bus_id, "%08X:%02X:%02X.0", head.domain, head.bus,
           head.device);
  return NVML_SUCCESS;
}
#endif

EXPORT int nvmlDeviceGetName(nvmlDevice_t device, char* name, unsigned length) {
  ENTER_EITHER();
  if (instance == NULL) return fake_text(name, length, gpu->name);
  char text[160];
  snprintf(text, sizeof text, "%s MIG %s", gpu->name, instance->profile);
  return fake_text(name, length, text);
}
EXPORT int nvmlDeviceGetUUID(nvmlDevice_t device, char* uuid, unsigned length) {
  ENTER_EITHER();
  return fake_text(uuid, length, instance != NULL ? instance->uuid : gpu->uuid);
}
EXPORT int nvmlDeviceGetSerial(nvmlDevice_t device, char* serial, unsigned length) {
  ENTER_DEVICE();
  return fake_text(serial, length, gpu->serial);
}
EXPORT int nvmlDeviceGetIndex(nvmlDevice_t device, unsigned* index) {
  ENTER_DEVICE();
  *index = device->number;
  return NVML_SUCCESS;
}
EXPORT int nvmlDeviceGetBrand(nvmlDevice_t device, int* brand) {
  ENTER_DEVICE();
  *brand = 5; /* GeForce */
  return NVML_SUCCESS;
}
EXPORT int nvmlDeviceGetArchitecture(nvmlDevice_t device, unsigned* architecture) {
  ENTER_DEVICE();
  *architecture = (unsigned)LEDGER_GET(gpu->compute_major) - 1; /* 7 = Ampere */
  return NVML_SUCCESS;
}
EXPORT int nvmlDeviceGetCudaComputeCapability(nvmlDevice_t device, int* major, int* minor) {
  ENTER_DEVICE();
  *major = (int)LEDGER_GET(gpu->compute_major);
  *minor = (int)LEDGER_GET(gpu->compute_minor);
  return NVML_SUCCESS;
}

static void memory_of(const LedgerGpu* gpu, const LedgerInstance* instance, unsigned target,
                      MemoryV2* memory) {
  memory->total = instance != NULL ? LEDGER_GET(instance->total) : LEDGER_GET(gpu->total);
  memory->reserved = instance != NULL ? LEDGER_GET(instance->reserved) : LEDGER_GET(gpu->reserved);
  memory->used = ledger_used(fake_ledger, target);
  const unsigned long long taken = memory->reserved + memory->used;
  memory->free = taken < memory->total ? memory->total - taken : 0;
}

EXPORT int nvmlDeviceGetMemoryInfo(nvmlDevice_t device, MemoryV1* memory) {
  ENTER_EITHER();
  if (!LEDGER_GET(gpu->memory_supported)) return NVML_NOT_SUPPORTED;
  MemoryV2 all;
  memory_of(gpu, instance, device->number, &all);
  memory->total = all.total;
  memory->free = all.free;
  memory->used = all.total - all.free;
  return NVML_SUCCESS;
}
#ifndef FAKE_OLD
EXPORT int nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t device, MemoryV2* memory) {
  ENTER_EITHER();
  if (memory->version != (sizeof(MemoryV2) | (2U << 24U))) return NVML_ARGUMENT_VERSION_MISMATCH;
  if (!LEDGER_GET(gpu->memory_supported)) return NVML_NOT_SUPPORTED;
  memory_of(gpu, instance, device->number, memory);
  return NVML_SUCCESS;
}
#endif
EXPORT int nvmlDeviceGetBAR1MemoryInfo(nvmlDevice_t device, Bar1Memory* memory) {
  ENTER_DEVICE();
  memory->total = 256ULL << 20U;
  memory->used = 4ULL << 20U;
  memory->free = memory->total - memory->used;
  return NVML_SUCCESS;
}

EXPORT int nvmlDeviceGetUtilizationRates(nvmlDevice_t device, Utilization* load) {
  ENTER_DEVICE();
  uint64_t percent = LEDGER_GET(gpu->utilization);
  if (percent == LEDGER_ABSENT || LEDGER_GET(gpu->mig) == 1) return NVML_NOT_SUPPORTED;
  for (unsigned slot = 0; slot < LEDGER_PROCESSES; ++slot) {
    const LedgerProcess* entry = &fake_ledger->processes[slot];
    if (LEDGER_GET(entry->pid) == 0 || LEDGER_GET(entry->gpu) != device->number) continue;
    if (ledger_alive(fake_ledger, slot)) percent += LEDGER_GET(entry->sm);
  }
  load->gpu = percent > 100 ? 100 : (unsigned)percent;
  const uint64_t memory = LEDGER_GET(gpu->memory_utilization);
  load->memory = memory == LEDGER_ABSENT ? load->gpu / 2 : (unsigned)memory;
  return NVML_SUCCESS;
}
EXPORT int nvmlDeviceGetEncoderUtilization(nvmlDevice_t device, unsigned* percent,
                                           unsigned* period_us) {
  ENTER_DEVICE();
  *period_us = 167000;
  return fake_number(&gpu->encoder, percent);
}
EXPORT int nvmlDeviceGetDecoderUtilization(nvmlDevice_t device, unsigned* percent,
                                           unsigned* period_us) {
  ENTER_DEVICE();
  *period_us = 167000;
  return fake_number(&gpu->decoder, percent);
}

EXPORT int nvmlDeviceGetTemperature(nvmlDevice_t device, int sensor, unsigned* celsius) {
  ENTER_DEVICE();
  if (sensor != 0) return NVML_INVALID_ARGUMENT;
  return fake_number(&gpu->temperature, celsius);
}
EXPORT int nvmlDeviceGetTemperatureThreshold(nvmlDevice_t device, int threshold,
                                             unsigned* celsius) {
  ENTER_DEVICE();
  *celsius = threshold == 0 ? 98 : 95;
  return NVML_SUCCESS;
}

EXPORT int nvmlDeviceGetPowerUsage(nvmlDevice_t device, unsigned* milliwatts) {
  ENTER_DEVICE();
  return fake_number(&gpu->power_mw, milliwatts);
}
EXPORT int nvmlDeviceGetEnforcedPowerLimit(nvmlDevice_t device, unsigned* milliwatts) {
  ENTER_DEVICE();
  return fake_number(&gpu->power_limit_mw, milliwatts);
}
EXPORT int nvmlDeviceGetPowerManagementLimit(nvmlDevice_t device, unsigned* milliwatts) {
  ENTER_DEVICE();
  return fake_number(&gpu->power_limit_mw, milliwatts);
}
EXPORT int nvmlDeviceGetPowerManagementDefaultLimit(nvmlDevice_t device, unsigned* milliwatts) {
  ENTER_DEVICE();
  return fake_number(&gpu->power_max_mw, milliwatts);
}
EXPORT int nvmlDeviceGetPowerManagementLimitConstraints(nvmlDevice_t device, unsigned* low,
                                                        unsigned* high) {
  ENTER_DEVICE();
  *low = 100000;
  return fake_number(&gpu->power_max_mw, high);
}
EXPORT int nvmlDeviceGetPowerManagementMode(nvmlDevice_t device, int* mode) {
  ENTER_DEVICE();
  *mode = 1;
  return NVML_SUCCESS;
}
EXPORT int nvmlDeviceGetTotalEnergyConsumption(nvmlDevice_t device,
                                               unsigned long long* millijoules) {
  ENTER_DEVICE();
  *millijoules = LEDGER_GET(gpu->energy_mj);
  return *millijoules == LEDGER_ABSENT ? NVML_NOT_SUPPORTED : NVML_SUCCESS;
}

static int clock_of(const LedgerGpu* gpu, int type, int max, unsigned* mhz) {
  if (type < 0 || type > 3) return NVML_INVALID_ARGUMENT;
  if (type == 2) return fake_number(max ? &gpu->max_memory_clock_mhz : &gpu->memory_clock_mhz, mhz);
  return fake_number(max ? &gpu->max_clock_mhz : &gpu->clock_mhz, mhz);
}
EXPORT int nvmlDeviceGetClockInfo(nvmlDevice_t device, int type, unsigned* mhz) {
  ENTER_DEVICE();
  return clock_of(gpu, type, 0, mhz);
}
EXPORT int nvmlDeviceGetMaxClockInfo(nvmlDevice_t device, int type, unsigned* mhz) {
  ENTER_DEVICE();
  return clock_of(gpu, type, 1, mhz);
}
EXPORT int nvmlDeviceGetApplicationsClock(nvmlDevice_t device, int type, unsigned* mhz) {
  ENTER_DEVICE();
  return clock_of(gpu, type, 1, mhz);
}
EXPORT int nvmlDeviceGetCurrentClocksThrottleReasons(nvmlDevice_t device,
                                                     unsigned long long* reasons) {
  ENTER_DEVICE();
  *reasons = LEDGER_GET(gpu->clock_reasons);
  return NVML_SUCCESS;
}

EXPORT int nvmlDeviceGetFanSpeed(nvmlDevice_t device, unsigned* percent) {
  ENTER_DEVICE();
  return fake_number(&gpu->fan, percent);
}
EXPORT int nvmlDeviceGetFanSpeed_v2(nvmlDevice_t device, unsigned fan, unsigned* percent) {
  ENTER_DEVICE();
  if (fan > 0) return NVML_INVALID_ARGUMENT;
  return fake_number(&gpu->fan, percent);
}
EXPORT int nvmlDeviceGetNumFans(nvmlDevice_t device, unsigned* count) {
  ENTER_DEVICE();
  *count = LEDGER_GET(gpu->fan) == LEDGER_ABSENT ? 0 : 1;
  return NVML_SUCCESS;
}
EXPORT int nvmlDeviceGetPerformanceState(nvmlDevice_t device, int* state) {
  ENTER_DEVICE();
  *state = (int)LEDGER_GET(gpu->pstate);
  return NVML_SUCCESS;
}

EXPORT int nvmlDeviceGetMinorNumber(nvmlDevice_t device, unsigned* minor) {
  ENTER_DEVICE();
  return fake_number(&gpu->minor, minor);
}
EXPORT int nvmlDeviceGetPersistenceMode(nvmlDevice_t device, int* mode) {
  ENTER_DEVICE();
  *mode = (int)LEDGER_GET(gpu->persistence);
  return NVML_SUCCESS;
}
// Of Windows.
EXPORT int nvmlDeviceGetDriverModel(nvmlDevice_t device, int* current, int* pending) {
  ENTER_DEVICE();
  (void)current;
  (void)pending;
  return NVML_NOT_SUPPORTED;
}
EXPORT int nvmlDeviceGetComputeMode(nvmlDevice_t device, int* mode) {
  ENTER_DEVICE();
  *mode = 0;
  return NVML_SUCCESS;
}
EXPORT int nvmlDeviceGetDisplayMode(nvmlDevice_t device, int* mode) {
  ENTER_DEVICE();
  *mode = 0;
  return NVML_SUCCESS;
}
EXPORT int nvmlDeviceGetDisplayActive(nvmlDevice_t device, int* active) {
  ENTER_DEVICE();
  *active = 0;
  return NVML_SUCCESS;
}
EXPORT int nvmlDeviceGetEccMode(nvmlDevice_t device, int* current, int* pending) {
  ENTER_DEVICE();
  if (LEDGER_GET(gpu->ecc) == LEDGER_ABSENT) return NVML_NOT_SUPPORTED;
  *current = *pending = (int)LEDGER_GET(gpu->ecc);
  return NVML_SUCCESS;
}
EXPORT int nvmlDeviceGetTotalEccErrors(nvmlDevice_t device, int kind, int counter,
                                       unsigned long long* count) {
  ENTER_DEVICE();
  (void)counter;
  if (LEDGER_GET(gpu->ecc) == LEDGER_ABSENT) return NVML_NOT_SUPPORTED;
  *count = kind == 1 ? LEDGER_GET(gpu->ecc_errors) : 0; /* 1: uncorrected */
  return NVML_SUCCESS;
}
EXPORT int nvmlDeviceGetNumGpuCores(nvmlDevice_t device, unsigned* count) {
  ENTER_DEVICE();
  return fake_number(&gpu->cores, count);
}
EXPORT int nvmlDeviceGetCurrPcieLinkGeneration(nvmlDevice_t device, unsigned* generation) {
  ENTER_DEVICE();
  return fake_number(&gpu->pcie_generation, generation);
}
EXPORT int nvmlDeviceGetCurrPcieLinkWidth(nvmlDevice_t device, unsigned* width) {
  ENTER_DEVICE();
  return fake_number(&gpu->pcie_width, width);
}
EXPORT int nvmlDeviceGetPcieThroughput(nvmlDevice_t device, int counter, unsigned* kb_per_s) {
  ENTER_DEVICE();
  (void)counter;
  *kb_per_s = 0;
  return NVML_SUCCESS;
}
EXPORT int nvmlDeviceGetMemoryBusWidth(nvmlDevice_t device, unsigned* bits) {
  ENTER_DEVICE();
  *bits = 384;
  return NVML_SUCCESS;
}
EXPORT int nvmlDeviceGetVbiosVersion(nvmlDevice_t device, char* version, unsigned length) {
  ENTER_DEVICE();
  return fake_text(version, length, "94.02.42.00.01");
}

typedef struct {
  unsigned field, scope;
  long long time_us, latency_us;
  unsigned type;
  int code;
  unsigned long long value;
} FieldValue;
EXPORT int nvmlDeviceGetFieldValues(nvmlDevice_t device, int count, FieldValue* values) {
  ENTER_DEVICE();
  for (int i = 0; i < count; ++i) {
    unsigned number = 0;
    values[i].code =
        values[i].field == 82 ? fake_number(&gpu->memory_temperature, &number) : NVML_NOT_SUPPORTED;
    values[i].value = number;
  }
  return NVML_SUCCESS;
}
