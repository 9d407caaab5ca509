// SPDX-License-Identifier: Apache-2.0
#include "metrics/process.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "base/fd.h"

namespace berth::metrics {

namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

std::optional<double> open_descriptors() {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc/self/fd"), ::closedir);
  if (folder == nullptr) return std::nullopt;
  int count = -3;  // ".", ".." and the descriptor of this listing
  while (::readdir(folder.get()) != nullptr) ++count;
  return count;
}

}  // namespace

void write_process(Text& text, double start_time_seconds) {
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0) {
    text.family("process_cpu_seconds_total", Type::kCounter,
                "Total user and system CPU time spent in seconds.");
    text.sample({}, seconds(usage.ru_utime) + seconds(usage.ru_stime));
  }
  // Pages: all, resident, ...
  if (const auto sizes = base::read_file("/proc/self/statm", 4096)) {
    char* rest = nullptr;
    const double page = static_cast<double>(::sysconf(_SC_PAGESIZE));
    const double all = std::strtod(sizes->c_str(), &rest);
    text.family("process_virtual_memory_bytes", Type::kGauge, "Virtual memory size in bytes.");
    text.sample({}, all * page);
    text.family("process_resident_memory_bytes", Type::kGauge, "Resident memory size in bytes.");
    text.sample({}, std::strtod(rest, nullptr) * page);
  }
  text.family("process_open_fds", Type::kGauge, "Number of open file descriptors.");
  text.sample({}, open_descriptors());
  rlimit most{};
  if (::getrlimit(RLIMIT_NOFILE, &most) == 0) {
    text.family("process_max_fds", Type::kGauge, "Maximum number of open file descriptors.");
    text.sample({}, static_cast<double>(most.rlim_cur));
  }
  text.family("process_start_time_seconds", Type::kGauge,
              "Start time of the process since unix epoch in seconds.");
  text.sample({}, start_time_seconds);
}

}  // namespace berth::metrics
