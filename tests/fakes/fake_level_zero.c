/* SPDX-License-Identifier: Apache-2.0
 * A stand-in for Level Zero's loader with one card of two memory modules at 0000:4d:00.0.
 * FAKE_LEVEL_ZERO, words apart by commas, changes what it says: "noinit", "noprivilege" (no state
 * of memory, no processes), "lost". */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { OK = 0, LOST = 0x70000001, NOT_PERMITTED = 0x70010000, UNINITIALIZED = 0x78000001 };

struct pci_properties {
  uint32_t kind;
  void* next;
  uint32_t domain, bus, device, function;
  int32_t generation, width;
  int64_t bandwidth;
  uint8_t counters[3];
};
struct memory_properties {
  uint32_t kind;
  void* next;
  uint32_t type;
  uint8_t on_subdevice;
  uint32_t subdevice, location;
  uint64_t size;
  int32_t bus_width, channels;
};
struct memory_state {
  uint32_t kind;
  const void* next;
  uint32_t health;
  uint64_t free, size;
};
struct process_state {
  uint32_t kind;
  const void* next;
  uint32_t pid;
  uint64_t memory, shared;
  uint32_t engines;
};

static int started;
static char driver, card, memories[3];

static int said(const char* word) {
  const char* words = getenv("FAKE_LEVEL_ZERO");
  return words != NULL && strstr(words, word) != NULL;
}

int zesInit(uint32_t flags) {
  if (flags != 0 || said("noinit")) return UNINITIALIZED;
  started = 1;
  return OK;
}

/* Of `all` items as many as asked for; how many there are when none is. */
static int list(uint32_t* count, void** out, uint32_t all, char* items) {
  if (!started) return UNINITIALIZED;
  if (*count == 0 || *count > all) *count = all;
  for (uint32_t i = 0; out != NULL && i < *count; ++i) out[i] = items + i;
  return OK;
}

int zesDriverGet(uint32_t* count, void** drivers) { return list(count, drivers, 1, &driver); }

int zesDeviceGet(void* of, uint32_t* count, void** devices) {
  return of == &driver ? list(count, devices, 1, &card) : UNINITIALIZED;
}

int zesDevicePciGetProperties(void* device, struct pci_properties* out) {
  if (device != &card || out->kind != 0x2) return UNINITIALIZED;
  out->domain = out->device = out->function = 0;
  out->bus = 0x4d;
  return OK;
}

int zesDeviceEnumMemoryModules(void* device, uint32_t* count, void** modules) {
  if (said("lost")) return LOST;
  return device == &card ? list(count, modules, 3, memories) : UNINITIALIZED;
}

int zesMemoryGetProperties(void* module, struct memory_properties* out) {
  if (out->kind != 0xb) return UNINITIALIZED;
  out->location = module == &memories[2] ? 0 : 1; /* the last is the machine's */
  return OK;
}

int zesMemoryGetState(void* module, struct memory_state* out) {
  if (said("noprivilege")) return NOT_PERMITTED;
  if (out->kind != 0x1e) return UNINITIALIZED;
  out->size = 24ULL << 30;
  out->free = module == &memories[0] ? 20ULL << 30 : 23ULL << 30;
  return OK;
}

int zesDeviceProcessesGetState(void* device, uint32_t* count, struct process_state* out) {
  if (device != &card || said("noprivilege")) return NOT_PERMITTED;
  if (*count == 0 || *count > 1) *count = 1;
  if (out == NULL) return OK;
  if (out->kind != 0x16) return UNINITIALIZED;
  out->pid = 5000;
  out->memory = 3ULL << 30;
  return OK;
}
