// SPDX-License-Identifier: Apache-2.0
// The fake library: process lists in the layouts of the drivers' generations.
#include <stdlib.h>
#include <string.h>

#include "fake_nvml.h"

#define NOT_AVAILABLE (~0ULL)

typedef struct {
  unsigned pid;
  unsigned long long used;
  unsigned gpu_instance, compute_instance;
  unsigned long long protected_memory; /* of the early 535 drivers only */
} ProcessEntry;
enum { SIZE_V1 = 16, SIZE_V2 = 24, SIZE_R535 = 32 };
#ifdef FAKE_R535
enum { SIZE_V3 = SIZE_R535 };
#else
enum { SIZE_V3 = SIZE_V2 };
#endif

static int list_processes(const char* function, nvmlDevice_t device, unsigned* count, char* out,
                          size_t entry_size, unsigned lists) {
  LedgerGpu* gpu = NULL;
  LedgerInstance* instance = NULL;
  const int refused = fake_either(function, device, &gpu, &instance);
  if (refused != 0) return refused;
  if (count == NULL) return NVML_INVALID_ARGUMENT;
  unsigned found = 0;
  for (unsigned slot = 0; slot < LEDGER_PROCESSES; ++slot) {
    const LedgerProcess* process = &fake_ledger->processes[slot];
    if (LEDGER_GET(process->pid) == 0 || !ledger_is_on(process, device->number)) continue;
    if ((LEDGER_GET(process->lists) & lists) == 0 || !ledger_alive(fake_ledger, slot)) continue;
    if (found < *count && out != NULL) {
      ProcessEntry entry;
      memset(&entry, 0, sizeof entry);
      entry.pid = (unsigned)LEDGER_GET(process->pid);
      entry.used =
          LEDGER_GET(fake_ledger->memory_unknown) ? NOT_AVAILABLE : LEDGER_GET(process->bytes);
      entry.gpu_instance = entry.compute_instance = ~0U;
      if (LEDGER_GET(process->instance) > 0) {
        const LedgerInstance* its = &gpu->instances[LEDGER_GET(process->instance) - 1];
        entry.gpu_instance = (unsigned)LEDGER_GET(its->gpu_instance);
        entry.compute_instance = (unsigned)LEDGER_GET(its->compute_instance);
      }
      memcpy(out + found * entry_size, &entry, entry_size);
    }
    ++found;
  }
  const int fits = found <= *count && (out != NULL || found == 0);
  *count = found;
  return fits ? NVML_SUCCESS : NVML_INSUFFICIENT_SIZE;
}

#define LIST(name, size, bits)                                           \
  EXPORT int name(nvmlDevice_t device, unsigned* count, void* entries);  \
  EXPORT int name(nvmlDevice_t device, unsigned* count, void* entries) { \
    return list_processes(__func__, device, count, entries, size, bits); \
  }

LIST(nvmlDeviceGetComputeRunningProcesses, SIZE_V1, LEDGER_COMPUTE)
LIST(nvmlDeviceGetGraphicsRunningProcesses, SIZE_V1, LEDGER_GRAPHICS)
#ifndef FAKE_OLD
LIST(nvmlDeviceGetComputeRunningProcesses_v2, SIZE_V2, LEDGER_COMPUTE)
LIST(nvmlDeviceGetComputeRunningProcesses_v3, SIZE_V3, LEDGER_COMPUTE)
LIST(nvmlDeviceGetGraphicsRunningProcesses_v2, SIZE_V2, LEDGER_GRAPHICS)
LIST(nvmlDeviceGetGraphicsRunningProcesses_v3, SIZE_V3, LEDGER_GRAPHICS)
LIST(nvmlDeviceGetMPSComputeRunningProcesses, SIZE_V1, LEDGER_MPS)
LIST(nvmlDeviceGetMPSComputeRunningProcesses_v2, SIZE_V2, LEDGER_MPS)
LIST(nvmlDeviceGetMPSComputeRunningProcesses_v3, SIZE_V3, LEDGER_MPS)

/* These two are what tells the early 535 drivers apart. */
EXPORT int nvmlDeviceGetConfComputeMemSizeInfo(nvmlDevice_t device, void* info) {
  ENTER_DEVICE();
  (void)info;
  return NVML_NOT_SUPPORTED;
}
#ifndef FAKE_R535
EXPORT int nvmlDeviceGetRunningProcessDetailList(nvmlDevice_t device, void* list) {
  ENTER_DEVICE();
  (void)list;
  return NVML_NOT_SUPPORTED;
}
#endif
#endif

typedef struct {
  unsigned pid;
  unsigned long long time_us;
  unsigned sm, memory, encoder, decoder;
} UtilizationSample;

EXPORT int nvmlDeviceGetProcessUtilization(nvmlDevice_t device, UtilizationSample* out,
                                           unsigned* count, unsigned long long last_seen_us) {
  ENTER_DEVICE();
  unsigned found = 0;
  for (unsigned slot = 0; slot < LEDGER_PROCESSES; ++slot) {
    const LedgerProcess* process = &fake_ledger->processes[slot];
    if (LEDGER_GET(process->pid) == 0 || LEDGER_GET(process->gpu) != device->number) continue;
    if (LEDGER_GET(process->sm) == 0 || !ledger_alive(fake_ledger, slot)) continue;
    if (found < *count && out != NULL) {
      memset(&out[found], 0, sizeof out[found]);
      out[found].pid = (unsigned)LEDGER_GET(process->pid);
      out[found].time_us = last_seen_us + 1;
      out[found].sm = (unsigned)LEDGER_GET(process->sm);
    }
    ++found;
  }
  const unsigned room = *count;
  *count = found;
  if (found == 0) return NVML_NOT_FOUND;
  return found <= room && out != NULL ? NVML_SUCCESS : NVML_INSUFFICIENT_SIZE;
}

/* Events: a set remembers how many each GPU had when it was registered or last asked. */
typedef struct {
  uint64_t watched[LEDGER_GPUS], seen[LEDGER_GPUS];
} FakeEventSet;
typedef struct {
  nvmlDevice_t device;
  unsigned long long type, data;
  unsigned gpu_instance, compute_instance;
} FakeEvent;

EXPORT int nvmlEventSetCreate(FakeEventSet** set) {
  ENTER_SYSTEM();
  *set = calloc(1, sizeof **set);
  return NVML_SUCCESS;
}
EXPORT int nvmlEventSetFree(FakeEventSet* set) {
  free(set);
  return NVML_SUCCESS;
}
EXPORT int nvmlDeviceRegisterEvents(nvmlDevice_t device, unsigned long long types,
                                    FakeEventSet* set) {
  ENTER_DEVICE();
  set->watched[device->number] = types;
  set->seen[device->number] = LEDGER_GET(gpu->xid_count);
  return NVML_SUCCESS;
}
EXPORT int nvmlEventSetWait_v2(FakeEventSet* set, FakeEvent* event, unsigned timeout_ms) {
  ENTER_SYSTEM();
  (void)timeout_ms;
  for (unsigned i = 0; i < LEDGER_GPUS; ++i) {
    const LedgerGpu* gpu = &fake_ledger->gpus[i];
    if ((set->watched[i] & 8U) == 0 || LEDGER_GET(gpu->xid_count) <= set->seen[i]) continue;
    ++set->seen[i];
    memset(event, 0, sizeof *event);
    event->device = fake_handle(i);
    event->type = 8;
    event->data = LEDGER_GET(gpu->xid);
    return NVML_SUCCESS;
  }
  return NVML_TIMEOUT;
}
