// SPDX-License-Identifier: Apache-2.0
// Memory and processes of Intel's GPUs by Level Zero's management functions: values and struct
// layouts from its specification (oneapi-src.github.io/level-zero-spec, Sysman). The loader,
// libze_loader.so.1, is opened at run time. Not thread-safe; any call may block in the driver.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/units.h"
#include "model/pci.h"

namespace berth::device::intel {

using Handle = void*;

class Sysman {
 public:
  struct Memory {
    base::Bytes total, free;
  };

  /// `path` empty: the loader by the dynamic linker's rules.
  static base::Result<std::unique_ptr<Sysman>> open(const std::string& path);
  ~Sysman();
  Sysman(const Sysman&) = delete;
  Sysman& operator=(const Sysman&) = delete;

  /// Starts the driver, once, and gives its devices.
  base::Result<std::map<model::PciAddress, Handle>> devices();
  /// Of the card's own memory, all parts together; nothing for one that has none.
  [[nodiscard]] std::optional<Memory> memory(Handle device) const;
  /// Memory on the card by pid.
  [[nodiscard]] std::optional<std::map<int, base::Bytes>> processes(Handle device) const;
  /// Whether the last call said that the device is lost.
  [[nodiscard]] bool lost() const { return lost_; }

 private:
  struct PciProperties;
  struct MemoryProperties;
  struct MemoryState;
  struct ProcessState;
  struct Functions {
    int (*init)(std::uint32_t flags) = nullptr;
    int (*drivers)(std::uint32_t* count, Handle* list) = nullptr;
    int (*devices)(Handle driver, std::uint32_t* count, Handle* list) = nullptr;
    int (*pci)(Handle device, PciProperties* out) = nullptr;
    int (*memories)(Handle device, std::uint32_t* count, Handle* list) = nullptr;
    int (*memory_properties)(Handle memory, MemoryProperties* out) = nullptr;
    int (*memory_state)(Handle memory, MemoryState* out) = nullptr;
    int (*processes)(Handle device, std::uint32_t* count, ProcessState* list) = nullptr;
  };

  explicit Sysman(void* library) : library_(library) {}
  bool succeeded(int code) const;

  void* library_;
  Functions functions_;
  bool started_ = false;
  mutable bool lost_ = false;
};

}  // namespace berth::device::intel
