/* SPDX-License-Identifier: Apache-2.0
 * A stand-in for AMD SMI with GPUs at 0000:63:00.0 and 0000:c3:00.0, the later one first, among
 * sockets and processors that are of no use. FAKE_AMD_SMI, words apart by commas, changes what it
 * says: "noinit", "nogpus" (on no card's address), "unsupported" and "nopermission" (of every
 * reading), "unknown" (every bit of a number set), "old" (the struct of ROCm 5.7, which ends before
 * what is read), "counters" (of the MI300 series, growing at each look, in place of throttle bits),
 * "cold" (they stand still), "short" (no second look). Built with FAKE_BARE it has only what finds
 * GPUs. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { OK = 0, INVALID = 1, NOT_SUPPORTED = 2, NO_PERMISSION = 10, NOT_INITIALIZED = 32 };
enum { GPUS_ONLY = 2 };

struct counters {
  uint64_t cycles, processor_hot, power, socket_heat, regulator_heat, memory_heat;
};
/* ROCm 7.0's, as far as it is filled here. */
struct metrics {
  uint16_t size;
  uint8_t format, content;
  uint16_t temperature_edge, temperature_hotspot, temperature_memory;
  uint8_t unused_1[102];
  uint64_t throttle_bits;
  uint8_t unused_2[304];
  struct counters counters;
  uint8_t unused_3[4072];
};
_Static_assert(sizeof(struct metrics) == 4544, "as in ROCm 7.0");
struct violations {
  uint64_t times[2];
  struct counters counters;
  uint8_t unused[5952];
};
_Static_assert(sizeof(struct violations) == 6016, "as in ROCm 7.0");

static int started;
static char sockets[4], processors[5];

static int said(const char* word) {
  const char* words = getenv("FAKE_AMD_SMI");
  return words != NULL && strstr(words, word) != NULL;
}

int amdsmi_init(uint64_t flags) {
  if (flags != GPUS_ONLY || said("noinit")) return NOT_INITIALIZED;
  started = 1;
  return OK;
}

/* Of `all` items as many as asked for; how many there are when there is no place for them. */
static int list(uint32_t* count, void** out, uint32_t all, char* items) {
  if (!started || count == NULL) return NOT_INITIALIZED;
  if (out == NULL || *count > all) *count = all;
  for (uint32_t i = 0; out != NULL && i < *count; ++i) out[i] = items + i;
  return OK;
}

int amdsmi_get_socket_handles(uint32_t* count, void** out) { return list(count, out, 4, sockets); }

/* The second socket is empty and the third cannot be asked. */
int amdsmi_get_processor_handles(void* socket, uint32_t* count, void** out) {
  if (socket == &sockets[0]) return list(count, out, 2, processors);
  if (socket == &sockets[1]) return list(count, out, 0, processors);
  if (socket == &sockets[3]) return list(count, out, 3, processors + 2);
  return INVALID;
}

static uint64_t address(uint64_t domain, uint64_t bus) { return domain << 16 | bus << 8; }

int amdsmi_get_gpu_device_bdf(void* gpu, uint64_t* out) {
  if (gpu == &processors[0]) {
    *out = address(said("nogpus") ? 5 : 0, 0xc3);
  } else if (gpu == &processors[1]) {
    *out = address(1, 0x63); /* of another domain */
  } else if (gpu == &processors[3]) {
    *out = address(said("nogpus") ? 5 : 0, 0x63);
  } else if (gpu == &processors[4]) {
    *out = address(0, 0xc3); /* a partition of the first */
    if (said("nogpus")) return NOT_SUPPORTED;
  } else {
    return NOT_SUPPORTED;
  }
  return OK;
}

#ifndef FAKE_BARE

int amdsmi_shut_down(void) {
  started = 0;
  return OK;
}

/* What every reading begins with. */
static int refusal(const void* gpu) {
  if (!started) return NOT_INITIALIZED;
  if (gpu != &processors[0] && gpu != &processors[3]) return INVALID;
  return said("unsupported") ? NOT_SUPPORTED : said("nopermission") ? NO_PERMISSION : OK;
}

int amdsmi_get_gpu_asic_info(void* gpu, void* out) {
  const int code = refusal(gpu);
  if (code != OK) return code;
  memset(out, 0, 896);
  strcpy(out, said("unknown") ? "0x740f" : "AMD Instinct MI210 (sold)");
  return OK;
}

/* A hundred cycles pass from one look to the next. In all of them the card at c3 holds its clocks
 * down for its power, and in some for the heat of its memory. */
static unsigned looks;
static void look(const void* gpu, struct counters* out) {
  const uint64_t count = said("cold") ? 1 : ++looks;
  const int busy = gpu == &processors[0];
  out->cycles = 1000 + 100 * count;
  out->power = busy ? 500 + 100 * count : 500;
  out->memory_heat = busy ? 7 * count : 0;
  out->regulator_heat = 0;
  out->socket_heat = UINT64_MAX;
  out->processor_hot = UINT32_MAX;
}

int amdsmi_get_gpu_metrics_info(void* gpu, struct metrics* out) {
  const int code = refusal(gpu);
  if (code != OK) return code;
  memset(out, 0xff, said("old") ? 96 : sizeof *out);
  if (said("unknown")) return OK;
  out->temperature_memory = 71;
  if (said("old")) return OK;
  if (said("counters")) {
    look(gpu, &out->counters);
  } else {
    /* TEMP_HOTSPOT and PPT0. */
    out->throttle_bits = gpu == &processors[0] ? 1ULL << 36 | 1 : 0;
  }
  return OK;
}

int amdsmi_get_violation_status(void* gpu, struct violations* out) {
  const int code = refusal(gpu);
  if (code != OK) return code;
  if (!said("counters") || said("short")) return NOT_SUPPORTED;
  memset(out, 0xff, sizeof *out);
  look(gpu, &out->counters);
  return OK;
}

int amdsmi_get_energy_count(void* gpu, uint64_t* count, float* microjoules_each, uint64_t* when) {
  const int code = refusal(gpu);
  if (code != OK) return code;
  *count = said("unknown") ? UINT64_MAX : said("cold") ? 0 : 2000000;
  *microjoules_each = 15.25F;
  *when = 1;
  return OK;
}

#endif
