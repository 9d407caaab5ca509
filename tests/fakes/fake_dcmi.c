/* SPDX-License-Identifier: Apache-2.0
 * A stand-in for Huawei's libdcmi.so: three Ascend chips, on the cards 2 and 5 (with two chips).
 * FAKE_DCMI, words apart by commas, changes what it says: "noinit", "nohbm" (chips without HBM),
 * "noprocesses" (not allowed), "gone" and "alarm" (of the first chip), "one" (card 5 alone),
 * "nodie". */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { OK = 0, UNSUPPORTED = -8255, NOT_PERMITTED = -8002 };

struct chip_info {
  unsigned char type[32], name[32], version[32];
  unsigned cores;
};
struct hbm_info {
  unsigned long long size;
  unsigned mhz;
  unsigned long long used;
  int temperature;
  unsigned bandwidth;
};
struct memory_info {
  unsigned long long size, available;
  unsigned mhz;
  unsigned long page_size, pages, pages_free;
  unsigned percent;
  unsigned char reserved[60];
};
struct pcie_info {
  unsigned vendor, subvendor, device, subdevice;
  int domain;
  unsigned bus, device_number, function;
  unsigned char reserved[32];
};
struct die_id {
  unsigned words[5];
};
struct process_memory {
  int pid;
  unsigned long bytes;
};

static int said(const char* word) {
  const char* words = getenv("FAKE_DCMI");
  return words != NULL && strstr(words, word) != NULL;
}

int dcmi_init(void) { return said("noinit") ? NOT_PERMITTED : OK; }

int dcmi_get_card_list(int* count, int* list, int most) {
  const int both = !said("one");
  if (most < 2) return UNSUPPORTED;
  *count = both ? 2 : 1;
  list[0] = both ? 2 : 5;
  list[1] = 5;
  return OK;
}

int dcmi_get_device_num_in_card(int card, int* count) {
  *count = card == 5 ? 2 : 1;
  return OK;
}

/* The driver numbers the chips of card 5 first. */
int dcmi_get_device_logic_id(int* logical, int card, int chip) {
  *logical = card == 5 ? chip : 2;
  return OK;
}

int dcmi_get_driver_version(char* text, unsigned size) {
  strncpy(text, "24.1.rc3", size);
  return OK;
}

int dcmi_get_device_chip_info(int card, int chip, struct chip_info* info) {
  (void)card, (void)chip;
  strcpy((char*)info->type, "Ascend");
  strcpy((char*)info->name, "910B3");
  info->cores = 20;
  return OK;
}

int dcmi_get_device_pcie_info_v2(int card, int chip, struct pcie_info* info) {
  info->domain = 0;
  info->bus = card == 5 ? 0xc1 + (unsigned)chip : 0x81;
  return OK;
}

int dcmi_get_device_die_v2(int card, int chip, int kind, struct die_id* id) {
  if (kind != 1 || said("nodie")) return UNSUPPORTED;
  for (unsigned i = 0; i < 5; ++i)
    id->words[i] = 0xa0000000U + (unsigned)card * 256 + (unsigned)chip * 16 + i;
  return OK;
}

int dcmi_get_device_hbm_info(int card, int chip, struct hbm_info* info) {
  (void)chip;
  if (said("nohbm")) return UNSUPPORTED;
  info->size = 65536;
  info->used = card == 5 ? 3100 : 40000;
  info->mhz = 1600;
  info->temperature = 47;
  info->bandwidth = 12;
  return OK;
}

int dcmi_get_device_memory_info_v3(int card, int chip, struct memory_info* info) {
  (void)card, (void)chip;
  info->size = 24576;
  info->available = 20000;
  info->mhz = 2400;
  return OK;
}

int dcmi_get_device_utilization_rate(int card, int chip, int kind, unsigned* percent) {
  (void)chip;
  if (kind != 2) return UNSUPPORTED;
  *percent = card == 5 ? 0 : 93;
  return OK;
}

int dcmi_get_device_temperature(int card, int chip, int* celsius) {
  (void)card, (void)chip;
  *celsius = 51;
  return OK;
}

int dcmi_get_device_power_info(int card, int chip, int* tenths) {
  (void)card, (void)chip;
  *tenths = 1985;
  return OK;
}

int dcmi_get_device_health(int card, int chip, unsigned* level) {
  (void)chip;
  *level = card != 2 ? 0 : said("gone") ? 0xFFFFFFFFU : said("alarm") ? 2 : 0;
  return OK;
}

int dcmi_get_device_resource_info(int card, int chip, struct process_memory* list, int* count) {
  (void)chip;
  if (said("noprocesses")) return NOT_PERMITTED;
  *count = card == 5 ? 0 : 2;
  if (card == 5) return OK;
  list[0].pid = 7002;
  list[0].bytes = 1UL << 30;
  list[1].pid = 7001;
  list[1].bytes = 35UL << 30;
  return OK;
}
