// SPDX-License-Identifier: Apache-2.0
// The child's side of the requests that sampler.h describes.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "model/device.h"

namespace berth::device {

class SamplerRequests {
 public:
  struct Look {
    std::uint64_t number = 0;
    std::set<model::DeviceId> devices;
  };

  /// The descriptor stays the caller's.
  explicit SamplerRequests(int fd) : fd_(fd) {}

  /// To wait on; -1 once nobody can ask any more.
  [[nodiscard]] int fd() const { return fd_; }
  /// The next request that is here in full. Never blocks. What cannot be understood is passed over.
  std::optional<Look> next();

 private:
  void read();

  int fd_;
  std::string text_;
};

}  // namespace berth::device
