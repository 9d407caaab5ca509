// SPDX-License-Identifier: Apache-2.0
// The binary interface of Huawei's Device Control Management Interface as far as Berth calls it:
// values and struct layouts from the DCMI API reference (hiascend.com). The library comes with the
// driver and is opened at run time. Not thread-safe; any call may block in the driver.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"

namespace berth::device::ascend {

constexpr int kOk = 0;
constexpr int kMostCards = 64;
constexpr int kMostChips = 16;      // on a card
constexpr int kMostProcesses = 64;  // the reference says 32 per device, newer headers more
constexpr int kAiCore = 2;          // of dcmi_get_device_utilization_rate
constexpr int kVectorDie = 1;       // of dcmi_get_device_die_v2: the chip's own number

struct ChipInfo {
  unsigned char type[32];
  unsigned char name[32];
  unsigned char version[32];
  std::uint32_t cores;
};
static_assert(sizeof(ChipInfo) == 100);

struct HbmInfo {
  std::uint64_t size;  // MiB
  std::uint32_t mhz;
  std::uint64_t used;  // MiB
  std::int32_t temperature;
  std::uint32_t bandwidth_percent;
};
static_assert(sizeof(HbmInfo) == 32);

/// Of dcmi_get_device_memory_info_v3, for chips without HBM.
struct MemoryInfo {
  std::uint64_t size;       // MiB
  std::uint64_t available;  // MiB
  std::uint32_t mhz;
  std::uint64_t huge_page_size, huge_pages, huge_pages_free;
  std::uint32_t percent;
  unsigned char reserved[60];
};
static_assert(sizeof(MemoryInfo) == 112);

struct PcieInfo {
  std::uint32_t vendor, subvendor, device, subdevice;
  std::int32_t domain;
  std::uint32_t bus, device_number, function;
  unsigned char reserved[32];
};
static_assert(sizeof(PcieInfo) == 64);

struct DieId {
  std::uint32_t words[5];
};

struct ProcessMemory {
  std::int32_t pid;  // of the machine, not of a container
  std::uint64_t bytes;
};
static_assert(sizeof(ProcessMemory) == 16);

struct Functions {
  int (*init)() = nullptr;
  int (*cards)(int* count, int* list, int most) = nullptr;
  int (*chips_on)(int card, int* count) = nullptr;
  int (*logical_id)(int* logical, int card, int chip) = nullptr;
  int (*driver_version)(char* text, unsigned size) = nullptr;
  int (*chip_info)(int card, int chip, ChipInfo* info) = nullptr;
  int (*pcie_info)(int card, int chip, PcieInfo* info) = nullptr;
  int (*die)(int card, int chip, int kind, DieId* id) = nullptr;
  int (*hbm)(int card, int chip, HbmInfo* info) = nullptr;
  int (*memory)(int card, int chip, MemoryInfo* info) = nullptr;
  int (*utilization)(int card, int chip, int kind, unsigned* percent) = nullptr;
  int (*temperature)(int card, int chip, int* celsius) = nullptr;
  int (*power)(int card, int chip, int* tenths) = nullptr;  // of a watt
  int (*health)(int card, int chip, unsigned* level) = nullptr;
  int (*processes)(int card, int chip, ProcessMemory* list, int* count) = nullptr;
};

class Library {
 public:
  /// `path` empty: libdcmi.so by the dynamic linker's rules, else in the driver's usual place.
  static base::Result<std::unique_ptr<Library>> open(const std::string& path);
  ~Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  [[nodiscard]] const Functions& functions() const { return functions_; }

 private:
  explicit Library(void* handle) : handle_(handle) {}
  void find_all();

  void* handle_;
  Functions functions_;
};

}  // namespace berth::device::ascend
