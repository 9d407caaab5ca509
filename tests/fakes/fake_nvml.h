// SPDX-License-Identifier: Apache-2.0
// Shared by the files of the fake management library. The variants: FAKE_OLD lacks what drivers
// before 510 lack (the newer process calls, memory v2); FAKE_R535 has the 32-byte process entries.
#pragma once

#include "ledger.h"

#define EXPORT __attribute__((visibility("default")))

enum {
  NVML_SUCCESS = 0,
  NVML_UNINITIALIZED = 1,
  NVML_INVALID_ARGUMENT = 2,
  NVML_NOT_SUPPORTED = 3,
  NVML_NO_PERMISSION = 4,
  NVML_NOT_FOUND = 6,
  NVML_INSUFFICIENT_SIZE = 7,
  NVML_DRIVER_NOT_LOADED = 9,
  NVML_TIMEOUT = 10,
  NVML_GPU_IS_LOST = 15,
  NVML_ARGUMENT_VERSION_MISMATCH = 25,
};

/* A handle is the address of one of these. */
typedef struct {
  unsigned number;
} FakeDevice;
typedef FakeDevice* nvmlDevice_t;

extern Ledger* fake_ledger;

/* What every call does first: initialised? lost? a rule? Gives the code to return when not 0. */
int fake_enter(const char* function, unsigned gpu);
/* The same for a handle; sets *gpu. A handle of a MIG instance is refused: few functions take it.
 */
int fake_device(const char* function, nvmlDevice_t device, LedgerGpu** gpu);
/* The same for functions that do; *instance is NULL for a GPU. */
int fake_either(const char* function, nvmlDevice_t device, LedgerGpu** gpu,
                LedgerInstance** instance);
/* The handle of a GPU or an instance. */
nvmlDevice_t fake_handle(unsigned target);
/* Copies a text with its end; INSUFFICIENT_SIZE when it does not fit. */
int fake_text(char* out, unsigned length, const char* text);
/* A reading or NOT_SUPPORTED. */
int fake_number(const uint64_t* field, unsigned* out);

#define ENTER_DEVICE()                                       \
  LedgerGpu* gpu = NULL;                                     \
  do {                                                       \
    const int refused = fake_device(__func__, device, &gpu); \
    if (refused != 0) return refused;                        \
  } while (0)
#define ENTER_EITHER()                                                  \
  LedgerGpu* gpu = NULL;                                                \
  LedgerInstance* instance = NULL;                                      \
  do {                                                                  \
    const int refused = fake_either(__func__, device, &gpu, &instance); \
    if (refused != 0) return refused;                                   \
  } while (0)
#define ENTER_SYSTEM()                                         \
  do {                                                         \
    const int refused = fake_enter(__func__, LEDGER_ALL_GPUS); \
    if (refused != 0) return refused;                          \
  } while (0)
