// SPDX-License-Identifier: Apache-2.0
#include "device/nvml/backend.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <tuple>
#include <utility>

#include "base/phrase.h"
#include "base/text.h"
#include "base/time.h"
#include "model/device_words.h"

namespace berth::device::nvml {

namespace words = model::words;

std::string cuda_version_text(int version) {
  return std::to_string(version / 1000) + '.' + std::to_string(version % 1000 / 10);
}

base::Result<std::unique_ptr<NvmlBackend>> NvmlBackend::open(const std::string& library,
                                                             const std::string& root) {
  auto opened = Library::open(library);
  if (!opened) return base::fail(opened.error());
  return std::unique_ptr<NvmlBackend>(new NvmlBackend(std::move(*opened), root));
}

NvmlBackend::NvmlBackend(std::unique_ptr<Library> library, std::string root)
    : library_(std::move(library)), root_(root), processes_(std::move(root)) {}

NvmlBackend::~NvmlBackend() { stop(); }

base::Status NvmlBackend::start() {
  if (started_) return {};
  const int code = library_->functions().init();
  if (code != kSuccess) {
    return base::fail(base::ErrorCode::kUnavailable,
                      base::fill(words::kNvidiaUnusable, {library_->words(code)}));
  }
  started_ = true;
  return {};
}

void NvmlBackend::stop() {
  stop_watching();
  if (started_ && library_->functions().shutdown != nullptr) library_->functions().shutdown();
  started_ = false;
}

base::Status NvmlBackend::reopen() {
  stop();
  return start();
}

std::optional<int> NvmlBackend::count() {
  unsigned count = 0;
  if (!started_ || library_->functions().device_count(&count) != kSuccess) return std::nullopt;
  return static_cast<int>(count);
}

void NvmlBackend::read_versions(model::Inventory& inventory) const {
  const Functions& f = library_->functions();
  std::array<char, kVersionSize> driver{};
  if (f.driver_version != nullptr && f.driver_version(driver.data(), kVersionSize) == kSuccess) {
    inventory.driver_version = text_of(driver);
  }
  int cuda = 0;
  if (f.cuda_driver_version != nullptr && f.cuda_driver_version(&cuda) == kSuccess && cuda > 0) {
    inventory.cuda_version = cuda_version_text(cuda);
  }
}

base::Result<model::Inventory> NvmlBackend::enumerate(const Breadcrumb& begin,
                                                      const SkipList& skip) {
  begin("nvidia");
  if (auto started = start(); !started) return base::fail(started.error());
  unsigned count = 0;
  if (const int code = library_->functions().device_count(&count); code != kSuccess) {
    return base::fail(base::ErrorCode::kUnavailable,
                      base::fill(words::kNvidiaUncounted, {library_->words(code)}));
  }
  model::Inventory inventory;
  read_versions(inventory);

  std::vector<Found> found;
  for (unsigned number = 0; number < count; ++number) {
    const std::string key = "nvidia:" + std::to_string(number);
    if (skip.contains(key)) {
      inventory.hints.push_back(base::fill(words::kNumberLeftAlone, {std::to_string(number)}));
      continue;
    }
    begin(key);
    auto device = identify(number);
    if (!device) {
      inventory.hints.push_back(device.error().message);
      continue;
    }
    device->gpu.readable = !skip.contains(device->device.id.value);
    if (device->gpu.readable) describe(*device);
    found.push_back(std::move(*device));
  }
  std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) {
    return std::tie(a.position, a.device.id) < std::tie(b.position, b.device.id);
  });
  read_links(found, begin);

  const auto before = std::exchange(gpus_, {});
  instances_.clear();
  int index = 0;
  for (Found& entry : found) {
    entry.device.index = index++;
    entry.device.name = "cuda:" + std::to_string(entry.device.index);
    const model::DeviceId id = entry.device.id;
    std::vector<Found> parts;
    if (entry.gpu.readable) {
      begin(id.value);
      parts = divide(entry, skip, inventory.hints);
    }
    if (const auto known = before.find(id); known != before.end()) {
      entry.gpu.xid = known->second.xid;
      entry.gpu.failure = known->second.failure;
    }
    gpus_[id] = std::move(entry.gpu);
    inventory.devices.push_back(std::move(entry.device));
    for (Found& part : parts) {
      gpus_[part.device.id] = std::move(part.gpu);
      inventory.devices.push_back(std::move(part.device));
    }
  }
  watch_events();
  return inventory;
}

/// Handle, UUID and place on the bus; without these there is nothing to call a device by.
base::Result<NvmlBackend::Found> NvmlBackend::identify(unsigned number) const {
  const Functions& f = library_->functions();
  const auto refuse = [&](int code) {
    return base::fail(
        base::ErrorCode::kUnavailable,
        base::fill(code == kNoPermission ? words::kNumberForbidden : words::kNumberUnusable,
                   {std::to_string(number), library_->words(code)}));
  };
  Found found;
  if (const int code = f.handle_by_index(number, &found.gpu.handle); code != kSuccess)
    return refuse(code);
  int named = kSuccess;
  const std::string uuid = text_of_uuid(found.gpu.handle, named);
  if (named != kSuccess) return refuse(named);

  model::Device& device = found.device;
  device.id = model::DeviceId(uuid);
  device.vendor = model::Vendor::kNvidia;
  PciAddress pci{};
  if (f.pci_info != nullptr && f.pci_info(found.gpu.handle, &pci) == kSuccess) {
    found.position = {pci.domain, pci.bus, pci.device};
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%08X:%02X:%02X.0", pci.domain, pci.bus, pci.device);
    device.pci_bus_id = text.data();
  } else {
    found.position = {~0U, number, 0};  // the driver's own order, after those whose place is known
  }
  return found;
}

std::string NvmlBackend::text_of_uuid(DeviceHandle handle, int& code) const {
  const Functions& f = library_->functions();
  std::array<char, kUuidSize> uuid{};
  code = f.uuid != nullptr ? f.uuid(handle, uuid.data(), kUuidSize) : kFunctionNotFound;
  return code == kSuccess ? text_of(uuid) : std::string();
}

namespace {

// Fused multiply-adds of FP16 numbers, with FP32 sums, that an SM does in a clock, through tensor
// cores where it has them, by the SM's CUDA cores. From NVIDIA's architecture white papers (V100,
// Turing, A100, GA102, Ada, H100, Blackwell: dense FP16 rate / SMs / boost clock / 2) and the table
// of arithmetic throughput in the CUDA C++ Programming Guide.
int fma_per_core(int major, int minor) {
  switch (major) {
    case 6:
      return minor == 0 ? 2 : 1;
    case 7:
      return 8;  // 512 by 64
    case 8:
      return minor == 0 ? 16 : 4;  // 1024 by 64, 512 by 128
    case 9:
      return 16;  // 2048 by 128
    case 10:
      return 32;  // 4096 by 128
    case 12:
      return 4;
    default:
      return major < 6 ? 1 : 16;
  }
}

}  // namespace

void NvmlBackend::describe(Found& found) const {
  const Functions& f = library_->functions();
  const DeviceHandle handle = found.gpu.handle;
  model::Device& device = found.device;
  std::array<char, kNameSize> name{};
  if (f.name != nullptr && f.name(handle, name.data(), kNameSize) == kSuccess)
    device.model = text_of(name);
  int major = 0;
  int minor = 0;
  if (f.compute_capability != nullptr && f.compute_capability(handle, &major, &minor) == kSuccess) {
    device.compute_capability = std::to_string(major) + '.' + std::to_string(minor);
  }
  unsigned mhz = 0;
  if (f.max_clock != nullptr && f.max_clock(handle, kClockSm, &mhz) == kSuccess && mhz > 0) {
    device.max_clock_mhz = static_cast<int>(mhz);
  }
  unsigned cores = 0;
  if (device.max_clock_mhz && major > 0 && f.cores != nullptr &&
      f.cores(handle, &cores) == kSuccess && cores > 0) {
    device.peak_gflops = std::int64_t{cores} * fma_per_core(major, minor) * 2 * mhz / 1000;
  }
  unsigned bits = 0;
  if (f.memory_bus != nullptr && f.memory_bus(handle, &bits) == kSuccess &&
      f.max_clock != nullptr && f.max_clock(handle, kClockMemory, &mhz) == kSuccess) {
    // Twice a clock: double data rate, which holds for HBM and, as the driver counts, for GDDR5
    // to 7.
    const std::int64_t gbps = std::int64_t{2} * mhz * bits / 8 / 1000;
    if (gbps > 0) device.memory_gbps = static_cast<int>(gbps);
  }
  model::Sample sample;
  read_memory(found.gpu, sample);
  device.total_memory = sample.total_memory;
}

}  // namespace berth::device::nvml
