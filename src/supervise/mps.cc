// SPDX-License-Identifier: Apache-2.0
#include "supervise/mps.h"

#include <signal.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/fd.h"
#include "base/text.h"

namespace berth::supervise {

bool mps_runs(const std::string& pipe_directory, uid_t user) {
  struct stat control{};
  if (::stat((pipe_directory + "/control").c_str(), &control) != 0) return false;
  const auto text = base::read_file(pipe_directory + "/nvidia-cuda-mps-control.pid", 64);
  if (!text) return false;
  const auto pid = base::parse_number(std::string(base::trim(*text)));
  if (!pid || *pid <= 0) return false;
  struct stat process{};
  if (::stat(("/proc/" + std::to_string(*pid)).c_str(), &process) != 0) return false;
  return process.st_uid == user || process.st_uid == 0;
}

std::optional<std::string> mps_limits(const std::vector<model::Share>& shares) {
  std::string text;
  int number = 0;
  for (const auto& share : shares) {
    const auto mib = share.reserved.value >> 20;
    if (mib < 1) return std::nullopt;
    if (!text.empty()) text += ',';
    text += std::to_string(number++) + "=" + std::to_string(mib) + "M";
  }
  if (text.empty()) return std::nullopt;
  return text;
}

}  // namespace berth::supervise
