// SPDX-License-Identifier: Apache-2.0
// What AMD's management library, libamd_smi.so of ROCm, tells beyond sysfs. It is opened at run
// time where it is installed. Not thread-safe; any call may block in the driver.
//
// Its structs have grown and moved from release to release without telling their version. Only
// those fields are read that lie at one place in all of ROCm 5.7, 6.0, 6.1, 6.2, 6.3, 6.4 and 7.0
// (by the layouts of the packages `amdsmi` 5.7.0 to 7.0.2) and in the header of version 26.5, as
// far as a release has them. A field that a release lacks reads as not known.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "device/amd/throttle.h"
#include "model/pci.h"

namespace berth::device::amd {

class Smi {
 public:
  using Handle = void*;

  /// Of amdsmi_get_gpu_metrics_info, which answers from the driver's table at once.
  struct Metrics {
    std::optional<std::uint64_t> throttle_bits;  ///< reasons_of(); up to the MI200 series
    std::optional<Residency> residency;          ///< from the MI300 series on
    std::optional<int> memory_temperature_c;
  };

  /// Loads and starts it. `path` empty: by the dynamic linker's rules, else where ROCm has it.
  static base::Result<std::unique_ptr<Smi>> open(const std::string& path);
  ~Smi();
  Smi(const Smi&) = delete;
  Smi& operator=(const Smi&) = delete;

  /// Those that were there when it was started.
  [[nodiscard]] std::map<model::PciAddress, Handle> gpus() const;
  /// As it is sold: "AMD Instinct MI210".
  [[nodiscard]] std::optional<std::string> market_name(Handle gpu) const;
  [[nodiscard]] std::optional<Metrics> metrics(Handle gpu) const;
  /// Of amdsmi_get_violation_status, which looks twice and waits a tenth of a second between.
  [[nodiscard]] std::optional<Residency> later_residency(Handle gpu) const;
  /// Since the driver was loaded.
  [[nodiscard]] std::optional<std::int64_t> energy_mj(Handle gpu) const;

 private:
  struct Functions {
    int (*init)(std::uint64_t flags) = nullptr;
    int (*shut_down)() = nullptr;
    int (*sockets)(std::uint32_t* count, Handle* list) = nullptr;
    int (*processors)(Handle socket, std::uint32_t* count, Handle* list) = nullptr;
    int (*pci_address)(Handle gpu, std::uint64_t* address) = nullptr;
    int (*asic_info)(Handle gpu, void* out) = nullptr;
    int (*metrics)(Handle gpu, void* out) = nullptr;
    int (*violations)(Handle gpu, void* out) = nullptr;
    int (*energy)(Handle gpu, std::uint64_t* count, float* microjoules_each,
                  std::uint64_t* nanoseconds) = nullptr;
  };

  explicit Smi(void* library) : library_(library) {}
  void find_all();

  void* library_;
  Functions functions_;
  bool started_ = false;
};

}  // namespace berth::device::amd
