// SPDX-License-Identifier: Apache-2.0
#include "runtime/process_setup.h"

#include <malloc.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdlib>

#include "runtime/numa.h"

namespace berth::runtime {
namespace {

constexpr const char* kPolicy = "OMP_WAIT_POLICY";
constexpr const char* kSpin = "GOMP_SPINCOUNT";
constexpr const char* kSpinCount = "20000";
constexpr int kMostBlock = 32 << 20;  // the most that glibc takes for M_MMAP_THRESHOLD

std::optional<int64_t> number_in_environment(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr || *text == '\0') return std::nullopt;
  char* end = nullptr;
  const long long value = std::strtoll(text, &end, 10);
  // OMP_NUM_THREADS may be a list for nested levels ("4,2"): its first number counts.
  if (end == text || (*end != '\0' && *end != ',') || value <= 0) return std::nullopt;
  return value;
}

}  // namespace

void ensure_passive_openmp(char** argv) {
  if (std::getenv(kPolicy) != nullptr) return;
  if (::setenv(kPolicy, "PASSIVE", 1) != 0 || ::setenv(kSpin, kSpinCount, 0) != 0) return;
  ::execv("/proc/self/exe", argv);
  // Without /proc the process goes on as it is: slower on a busy machine, but right.
}

void keep_freed_memory() {
  ::mallopt(M_MMAP_THRESHOLD, kMostBlock);
  ::mallopt(M_TRIM_THRESHOLD, INT_MAX);
}

int thread_count(std::optional<int64_t> wanted) {
  if (!wanted || *wanted <= 0) wanted = number_in_environment("BERTH_THREADS");
  if (!wanted) wanted = number_in_environment("OMP_NUM_THREADS");
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  const int cpus = ::sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 1;
  if (!wanted) wanted = cpus;
  // Who counted the threads knew nothing of the node.
  if (own_numa_node()) wanted = std::min<int64_t>(*wanted, cpus);
  return static_cast<int>(std::clamp<int64_t>(*wanted, 1, 1024));
}

std::optional<uint64_t> memory_limit() {
  const auto bytes = number_in_environment("BERTH_MEMORY_LIMIT");
  if (!bytes) return std::nullopt;
  return static_cast<uint64_t>(*bytes);
}

}  // namespace berth::runtime
