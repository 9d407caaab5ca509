// SPDX-License-Identifier: Apache-2.0
#include "runtime/cpu_memory.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>
#include <c10/util/Exception.h>
#include <malloc.h>

#include <atomic>
#include <cinttypes>
#include <cstdio>

#include "runtime/torch_compat.h"

namespace berth::runtime {
namespace {

std::atomic<uint64_t> limit{0}, used{0};

void give_back(void* memory) {
  if (memory == nullptr) return;
  used -= ::malloc_usable_size(memory);
  c10::free_cpu(memory);
}

class CountingAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t size) BERTH_ALLOCATE_CONST override {
    const uint64_t most = limit, before = used;
    if (most > 0 && before + size > most) {
      TORCH_CHECK_WITH(OutOfMemoryError, false, "the tensors may take ", most, " bytes, have ",
                       before, " and need ", size, " more");
    }
    void* memory = c10::alloc_cpu(size);
    used += ::malloc_usable_size(memory);
    return {memory, memory, &give_back, c10::Device(c10::kCPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &give_back; }
#ifdef BERTH_ALLOCATOR_COPIES
  void copy_data(void* to, const void* from, size_t size) const override {
    default_copy_data(to, from, size);
  }
#endif
};

}  // namespace

void limit_cpu_memory(uint64_t bytes) {
  static CountingAllocator allocator;
  static const bool installed = [] {
    c10::SetCPUAllocator(&allocator, /*priority=*/1);
    return true;
  }();
  (void)installed;
  limit = bytes;
}

uint64_t available_cpu_memory() {
  std::FILE* file = std::fopen("/proc/meminfo", "re");
  if (file == nullptr) return 0;
  uint64_t kib = 0;
  char line[128];
  while (std::fgets(line, sizeof line, file) != nullptr &&
         std::sscanf(line, "MemAvailable: %" SCNu64 " kB", &kib) != 1) {
  }
  std::fclose(file);
  return kib * 1024;
}

}  // namespace berth::runtime
