// SPDX-License-Identifier: Apache-2.0
// The only place that knows which LibTorch (1.13 or 2.x) and whether a CUDA build is in use.
#pragma once

#include <ATen/Context.h>
#include <ATen/autocast_mode.h>
#include <c10/core/Device.h>
#include <torch/cuda.h>
#include <torch/version.h>

#include <cstdint>
#include <optional>
#include <string>

#if defined(BERTH_TORCH_CUDA) && defined(BERTH_CUDA_HEADERS)
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <cuda_runtime_api.h>
#define BERTH_CUDA_ALLOCATOR 1
#endif

// What c10::Allocator asks of its children.
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 3)
#define BERTH_ALLOCATE_CONST
#define BERTH_ALLOCATOR_COPIES 1
#else
#define BERTH_ALLOCATE_CONST const
#endif

namespace berth::runtime {

inline std::string torch_version() { return TORCH_VERSION; }

/// Whether this LibTorch has CUDA code in it (a GPU need not be there).
inline bool cuda_built() {
#ifdef BERTH_TORCH_CUDA
  return true;
#else
  return false;
#endif
}

/// "13.0" for a LibTorch built with CUDA 13.0; nothing for one without CUDA or of unknown version.
inline std::optional<std::string> cuda_version() {
#if defined(BERTH_CUDA_VERSION)
  return BERTH_CUDA_VERSION;
#elif defined(CUDART_VERSION)  // 1000 * major + 10 * minor
  return std::to_string(CUDART_VERSION / 1000) + "." + std::to_string(CUDART_VERSION % 1000 / 10);
#else
  return std::nullopt;
#endif
}

/// Usable CUDA devices; 0 without CUDA. May start the CUDA driver.
inline int cuda_device_count() {
  return cuda_built() ? static_cast<int>(torch::cuda::device_count()) : 0;
}

/// 80 for compute capability 8.0; 0: not known.
inline int cuda_capability(const c10::Device& device) {
#ifdef BERTH_CUDA_ALLOCATOR
  cudaDeviceProp properties{};
  const int index = device.index() < 0 ? 0 : device.index();
  if (cudaGetDeviceProperties(&properties, index) == cudaSuccess)
    return 10 * properties.major + properties.minor;
#else
  (void)device;
#endif
  return 0;
}

/// Limits what torch's own allocator takes of a CUDA device (not the context, nor cuDNN's
/// workspaces). False: this build cannot, or the device's size is not known.
inline bool limit_cuda_memory(const c10::Device& device, uint64_t bytes) {
#ifdef BERTH_CUDA_ALLOCATOR
  const auto index = device.index() < 0 ? static_cast<c10::DeviceIndex>(0) : device.index();
  cudaDeviceProp properties{};
  if (cudaGetDeviceProperties(&properties, index) != cudaSuccess) return false;
  const double total = static_cast<double>(properties.totalGlobalMem);
  const double fraction = static_cast<double>(bytes) / total;
  c10::cuda::set_device(index);
  // The allocator of 2.x must be initialised before it takes a limit.
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 6)
  at::globalContext().lazyInitDevice(c10::DeviceType::CUDA);
#else
  at::globalContext().lazyInitCUDA();
#endif
  c10::cuda::CUDACachingAllocator::setMemoryFraction(fraction < 1.0 ? fraction : 1.0, index);
  return true;
#else
  (void)device;
  (void)bytes;
  return false;
#endif
}

/// Gives back the device memory that torch keeps for later.
inline void release_cached_memory() {
#ifdef BERTH_CUDA_ALLOCATOR
  c10::cuda::CUDACachingAllocator::emptyCache();
#endif
}

/// Whether that choice is on, for this thread.
inline bool autocast_on(const c10::Device& device) {
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
  return at::autocast::is_autocast_enabled(device.type());
#else
  return device.is_cpu() ? at::autocast::is_cpu_enabled() : at::autocast::is_enabled();
#endif
}

/// Turns torch's choice of a smaller float type for each operation on or off, for this thread.
inline void set_autocast(const c10::Device& device, bool on, at::ScalarType type) {
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
  at::autocast::set_autocast_enabled(device.type(), on);
  if (on) at::autocast::set_autocast_dtype(device.type(), type);
#else
  if (device.is_cpu()) {
    at::autocast::set_cpu_enabled(on);
    if (on) at::autocast::set_autocast_cpu_dtype(type);
  } else {
    at::autocast::set_enabled(on);
    if (on) at::autocast::set_autocast_gpu_dtype(type);
  }
#endif
  if (!on) at::autocast::clear_cache();
}

}  // namespace berth::runtime
