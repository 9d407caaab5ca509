// SPDX-License-Identifier: Apache-2.0
// The fake library: session, versions, handles, error words.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <time.h>

#include "fake_nvml.h"

Ledger* fake_ledger = NULL;
static unsigned sessions = 0;
static FakeDevice devices[LEDGER_TARGETS];

static void pause_ms(uint64_t ms) {
  struct timespec time = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000L};
  nanosleep(&time, NULL);
}

static const LedgerRule* rule_for(const char* function, unsigned gpu) {
  for (unsigned i = LEDGER_RULES; i-- > 0;) {
    const LedgerRule* rule = &fake_ledger->rules[i];
    if (!LEDGER_GET(rule->active)) continue;
    const uint64_t target = LEDGER_GET(rule->gpu);
    if (target != LEDGER_ALL_GPUS && target != gpu && target != gpu % LEDGER_GPUS) continue;
    if (fnmatch(rule->function, function, 0) == 0) return rule;
  }
  return NULL;
}

static int enter(const char* function, unsigned gpu) {
  __atomic_add_fetch(&fake_ledger->calls, 1, __ATOMIC_RELAXED);
  const LedgerRule* rule = rule_for(function, gpu);
  if (rule != NULL) {
    const uint64_t limit = LEDGER_GET(rule->block_ms);
    for (uint64_t waited = 0; waited < limit; waited += 5) {
      if (!LEDGER_GET(rule->active)) break;  // unblocked meanwhile
      pause_ms(5);
    }
    if (LEDGER_GET(rule->active) && LEDGER_GET(rule->code) != 0) return (int)LEDGER_GET(rule->code);
  }
  if (gpu < LEDGER_TARGETS && LEDGER_GET(fake_ledger->gpus[gpu % LEDGER_GPUS].lost))
    return NVML_GPU_IS_LOST;
  return NVML_SUCCESS;
}

int fake_enter(const char* function, unsigned gpu) {
  if (sessions == 0) return NVML_UNINITIALIZED;
  return enter(function, gpu);
}

nvmlDevice_t fake_handle(unsigned target) {
  devices[target].number = target;
  return &devices[target];
}

int fake_either(const char* function, nvmlDevice_t device, LedgerGpu** gpu,
                LedgerInstance** instance) {
  if (sessions == 0) return NVML_UNINITIALIZED;
  if (device < devices || device >= devices + LEDGER_TARGETS) return NVML_INVALID_ARGUMENT;
  const unsigned target = (unsigned)(device - devices);
  const unsigned number = target % LEDGER_GPUS;
  if (number >= LEDGER_GET(fake_ledger->count)) return NVML_GPU_IS_LOST;
  *gpu = &fake_ledger->gpus[number];
  *instance = target < LEDGER_GPUS ? NULL : &(*gpu)->instances[target / LEDGER_GPUS - 1];
  const int code = enter(function, target);
  ledger_spring(fake_ledger, number);
  if (code != NVML_SUCCESS || *instance == NULL) return code;
  /* A handle of an instance that was destroyed is invalid, until another takes its place. */
  const int there = LEDGER_GET((*gpu)->mig) == 1 && LEDGER_GET((*instance)->present);
  return there ? NVML_SUCCESS : NVML_INVALID_ARGUMENT;
}

int fake_device(const char* function, nvmlDevice_t device, LedgerGpu** gpu) {
  LedgerInstance* instance = NULL;
  const int code = fake_either(function, device, gpu, &instance);
  return code == NVML_SUCCESS && instance != NULL ? NVML_NOT_SUPPORTED : code;
}

int fake_text(char* out, unsigned length, const char* text) {
  if (out == NULL) return NVML_INVALID_ARGUMENT;
  if (strlen(text) + 1 > length) return NVML_INSUFFICIENT_SIZE;
  strcpy(out, text);
  return NVML_SUCCESS;
}

int fake_number(const uint64_t* field, unsigned* out) {
  if (out == NULL) return NVML_INVALID_ARGUMENT;
  const uint64_t value = LEDGER_GET(*field);
  if (value == LEDGER_ABSENT) return NVML_NOT_SUPPORTED;
  *out = (unsigned)value;
  return NVML_SUCCESS;
}

EXPORT int nvmlInit_v2(void) {
  if (sessions > 0) {
    ++sessions;
    return NVML_SUCCESS;
  }
  char path[4096];
  Dl_info self = {0};
  dladdr((void*)(uintptr_t)&nvmlInit_v2, &self);
  ledger_path(path, sizeof path, self.dli_fname != NULL ? self.dli_fname : "");
  if (fake_ledger == NULL) fake_ledger = ledger_open(path, 0);
  if (fake_ledger == NULL) return NVML_DRIVER_NOT_LOADED;
  const int refused = enter(__func__, LEDGER_ALL_GPUS);
  if (refused == NVML_SUCCESS) sessions = 1;
  return refused;
}
EXPORT int nvmlInit(void) { return nvmlInit_v2(); }
EXPORT int nvmlInitWithFlags(unsigned flags) {
  (void)flags;
  return nvmlInit_v2();
}
EXPORT int nvmlShutdown(void) {
  if (sessions == 0) return NVML_UNINITIALIZED;
  if (--sessions == 0) {
    munmap(fake_ledger, sizeof *fake_ledger);
    fake_ledger = NULL;
  }
  return NVML_SUCCESS;
}

EXPORT const char* nvmlErrorString(int code) {
  switch (code) {
    case 0:
      return "Success";
    case 1:
      return "Uninitialized";
    case 2:
      return "Invalid Argument";
    case 3:
      return "Not Supported";
    case 4:
      return "Insufficient Permissions";
    case 6:
      return "Not Found";
    case 7:
      return "Insufficient Size";
    case 8:
      return "Insufficient External Power";
    case 9:
      return "Driver Not Loaded";
    case 10:
      return "Timeout";
    case 11:
      return "Interrupt Request Issue";
    case 12:
      return "NVML Shared Library Not Found";
    case 13:
      return "Function Not Found";
    case 14:
      return "Corrupted infoROM";
    case 15:
      return "GPU is lost";
    case 16:
      return "GPU requires reset";
    case 17:
      return "The operating system has blocked the request";
    case 18:
      return "Driver/library version mismatch";
    case 19:
      return "In use by another client";
    case 20:
      return "Insufficient Memory";
    case 21:
      return "No data";
    case 25:
      return "Argument version mismatch";
    default:
      return "Unknown Error";
  }
}

EXPORT int nvmlSystemGetDriverVersion(char* version, unsigned length) {
  ENTER_SYSTEM();
  return fake_text(version, length, fake_ledger->driver_version);
}
EXPORT int nvmlSystemGetNVMLVersion(char* version, unsigned length) {
  ENTER_SYSTEM();
  char text[96];
  snprintf(text, sizeof text, "%u.%s", (unsigned)LEDGER_GET(fake_ledger->cuda_version) / 1000,
           fake_ledger->driver_version);
  return fake_text(version, length, text);
}
EXPORT int nvmlSystemGetCudaDriverVersion(int* version) {
  ENTER_SYSTEM();
  if (version == NULL) return NVML_INVALID_ARGUMENT;
  *version = (int)LEDGER_GET(fake_ledger->cuda_version);
  return NVML_SUCCESS;
}
EXPORT int nvmlSystemGetCudaDriverVersion_v2(int* version) {
  return nvmlSystemGetCudaDriverVersion(version);
}
EXPORT int nvmlSystemGetProcessName(unsigned pid, char* name, unsigned length) {
  ENTER_SYSTEM();
  char path[64];
  char text[4096] = "";
  snprintf(path, sizeof path, "/proc/%u/cmdline", pid);
  FILE* file = fopen(path, "r");
  if (file == NULL) return NVML_NOT_FOUND;
  const size_t got = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[got] = '\0';
  return fake_text(name, length, text);
}

EXPORT int nvmlDeviceGetCount_v2(unsigned* count) {
  ENTER_SYSTEM();
  if (count == NULL) return NVML_INVALID_ARGUMENT;
  *count = (unsigned)LEDGER_GET(fake_ledger->count);
  return NVML_SUCCESS;
}
EXPORT int nvmlDeviceGetCount(unsigned* count) { return nvmlDeviceGetCount_v2(count); }

EXPORT int nvmlDeviceGetHandleByIndex_v2(unsigned index, nvmlDevice_t* device) {
  if (sessions == 0) return NVML_UNINITIALIZED;
  if (device == NULL || index >= LEDGER_GET(fake_ledger->count)) return NVML_INVALID_ARGUMENT;
  const int refused = fake_enter(__func__, index);
  if (refused != 0) return refused;
  *device = fake_handle(index);
  return NVML_SUCCESS;
}
EXPORT int nvmlDeviceGetHandleByIndex(unsigned index, nvmlDevice_t* device) {
  return nvmlDeviceGetHandleByIndex_v2(index, device);
}

EXPORT int nvmlDeviceGetHandleByUUID(const char* uuid, nvmlDevice_t* device) {
  ENTER_SYSTEM();
  for (unsigned i = 0; i < LEDGER_GET(fake_ledger->count); ++i) {
    if (strcmp(fake_ledger->gpus[i].uuid, uuid) == 0)
      return nvmlDeviceGetHandleByIndex_v2(i, device);
  }
  return NVML_NOT_FOUND;
}
EXPORT int nvmlDeviceGetHandleByPciBusId_v2(const char* bus_id, nvmlDevice_t* device) {
  ENTER_SYSTEM();
  for (unsigned i = 0; i < LEDGER_GET(fake_ledger->count); ++i) {
    const LedgerGpu* gpu = &fake_ledger->gpus[i];
    unsigned domain = 0, bus = 0, slot = 0;
    if (sscanf(bus_id, "%x:%x:%x", &domain, &bus, &slot) == 3 &&
        domain == LEDGER_GET(gpu->domain) && bus == LEDGER_GET(gpu->bus) &&
        slot == LEDGER_GET(gpu->device)) {
      return nvmlDeviceGetHandleByIndex_v2(i, device);
    }
  }
  return NVML_NOT_FOUND;
}
EXPORT int nvmlDeviceGetHandleByPciBusId(const char* bus_id, nvmlDevice_t* device) {
  return nvmlDeviceGetHandleByPciBusId_v2(bus_id, device);
}
EXPORT int nvmlDeviceGetHandleBySerial(const char* serial, nvmlDevice_t* device) {
  ENTER_SYSTEM();
  for (unsigned i = 0; i < LEDGER_GET(fake_ledger->count); ++i) {
    if (strcmp(fake_ledger->gpus[i].serial, serial) == 0)
      return nvmlDeviceGetHandleByIndex_v2(i, device);
  }
  return NVML_NOT_FOUND;
}
