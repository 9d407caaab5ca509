// SPDX-License-Identifier: Apache-2.0
#include "runtime/torch_session.h"

#include <ATen/Parallel.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#include <chrono>
#include <cstdlib>
#include <new>

#include "runtime/cpu_memory.h"
#include "runtime/process_group.h"
#include "runtime/process_setup.h"
#include "runtime/torch_compat.h"

namespace berth::runtime {
namespace {

using protocol::ErrorCode;
using protocol::EventWriter;
using protocol::failed;
using protocol::Result;
using protocol::Status;

// Debian's reference BLAS reaches 3.5 GFLOP/s, OpenBLAS 95 on one core (both measured on an EPYC).
constexpr double kSlowGflops = 10;

Result<std::string> usable_device(const std::string& name) {
  if (name == "cpu") return name;
  c10::Device device(c10::kCPU);
  try {
    device = c10::Device(name);
  } catch (const std::exception&) {
    return failed(ErrorCode::kBadRequest,
                  "device \"" + name + "\" is not understood; use cpu or cuda:N");
  }
  if (device.is_cpu()) return std::string("cpu");
  if (!device.is_cuda()) {
    return failed(ErrorCode::kBadRequest,
                  "device \"" + name + "\" is not supported by this worker; use cpu or cuda:N");
  }
  if (!cuda_built()) {
    return failed(ErrorCode::kBadRequest,
                  "device \"" + name + "\" cannot be used: LibTorch " + torch_version() +
                      " of this worker was built without CUDA; use cpu, or build the workers with "
                      "TORCH_ROOT set to a CUDA build");
  }
  const int index = device.has_index() ? device.index() : 0;
  const int count = cuda_device_count();
  if (index >= count) {
    return failed(ErrorCode::kBadRequest, "device \"" + name +
                                              "\" is not there: this process sees " +
                                              std::to_string(count) + " CUDA device(s)");
  }
  return "cuda:" + std::to_string(index);
}

Result<std::string> choose_device(std::string wanted, EventWriter* events) {
  const char* given = std::getenv("BERTH_DEVICE");
  if (given != nullptr && *given != '\0') return usable_device(given);
  if (wanted.empty() || wanted == "auto") {
    if (cuda_device_count() == 0) return std::string("cpu");
    wanted = "cuda:0";
  }
  auto device = usable_device(wanted);
  if (!device) {
    events->warning(device.error().message + "; going on with cpu");
    return std::string("cpu");
  }
  return device;
}

bool is_cpu_allocation_failure(const std::string& text) {
  return text.find("DefaultCPUAllocator") != std::string::npos ||
         text.find("not enough memory") != std::string::npos ||
         text.find("CUDA out of memory") != std::string::npos ||
         text.find("could not allocate memory") != std::string::npos ||
         text.find("CUBLAS_STATUS_ALLOC_FAILED") != std::string::npos;
}

/// Torch's messages carry a C++ stack; the first line is what people need.
std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

double measure_matmul_gflops() {
  const c10::NoGradGuard no_grad;
  constexpr int64_t kSide = 512;
  const at::Tensor matrix = at::ones({kSide, kSide});
  double best = 0;
  for (int i = 0; i < 3; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    const at::Tensor product = at::matmul(matrix, matrix);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    best = std::max(best, 2.0 * kSide * kSide * kSide / took.count() / 1e9);
  }
  return best;
}

void be_deterministic() {
  ::setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
  at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/true);
  at::globalContext().setDeterministicCuDNN(true);
  at::globalContext().setBenchmarkCuDNN(false);
}

int cuda_devices() { return cuda_device_count(); }

bool computes_bf16(const std::string& device) {
  if (device != "cpu") return cuda_capability(c10::Device(device)) >= 80;
#ifdef __x86_64__
  return __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

Status guarded(const std::string& doing, const std::function<Status()>& step) {
  try {
    return step();
  } catch (const CommunicationError& error) {
    return failed(ErrorCode::kCommunication, error.what());
  } catch (const c10::OutOfMemoryError& error) {
    return failed(ErrorCode::kOutOfMemory,
                  doing + ": " + first_line(error.what_without_backtrace()));
  } catch (const std::bad_alloc&) {
    return failed(ErrorCode::kOutOfMemory, doing + ": the system gave no more memory");
  } catch (const c10::Error& error) {
    const std::string text = error.what_without_backtrace();
    const auto code =
        is_cpu_allocation_failure(text) ? ErrorCode::kOutOfMemory : ErrorCode::kInternal;
    return failed(code, doing + ": " + first_line(text));
  } catch (const std::exception& error) {
    const std::string text = error.what();
    const auto code =
        is_cpu_allocation_failure(text) ? ErrorCode::kOutOfMemory : ErrorCode::kInternal;
    return failed(code, doing + ": " + first_line(text));
  }
}

Result<std::string> start_torch(const std::string& wanted, int threads, EventWriter* events) {
  std::string name;
  const Status outcome = guarded("starting torch", [&]() -> Status {
    at::set_num_threads(threads);
    // The calls between layers are serial; a second pool would only compete for the same cores.
    at::set_num_interop_threads(1);
    auto device = choose_device(wanted, events);
    if (!device) return forward_error(device);
    name = *device;
    const auto limit = memory_limit();
    if (name == "cpu") {
      if (limit) limit_cpu_memory(*limit);
      const double gflops = measure_matmul_gflops();
      if (gflops < kSlowGflops) {
        events->warning("matrix products run at " + std::to_string(gflops) +
                        " GFLOP/s, far below what this machine can do: install the package "
                        "libopenblas0-openmp (apt-get install libopenblas0-openmp)");
      }
      return {};
    }
    at::globalContext().setAllowTF32CuBLAS(true);
    at::globalContext().setAllowTF32CuDNN(true);
    at::globalContext().setBenchmarkCuDNN(true);
    if (limit && !limit_cuda_memory(c10::Device(name), *limit)) {
      events->warning("BERTH_MEMORY_LIMIT cannot be enforced on " + name +
                      ": this worker was built without CUDA's headers");
    }
    return {};
  });
  if (!outcome) return tl::unexpected<protocol::Error>(outcome.error());
  return name;
}

TorchFacts torch_facts() {
  TorchFacts facts;
  facts.version = torch_version();
  facts.cuda_built = cuda_built();
  facts.cuda_version = cuda_version();
  return facts;
}

}  // namespace berth::runtime
