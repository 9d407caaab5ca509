// SPDX-License-Identifier: Apache-2.0
// Processes that compute one result together, one per device ("ranks"): NCCL between GPUs, Gloo
// between processes on the CPU. All of them call the same members in the same order. This header is
// free of torch; tensors are in process_group_tensors.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "protocol/result.h"

namespace berth::runtime {

/// Where a process stands in its group. rank_launcher.h puts it into the environment.
struct GroupPlace {
  int rank = 0, size = 1;
  std::string rendezvous;  ///< a file in which the ranks find each other

  /// From BERTH_RANK, BERTH_WORLD_SIZE and BERTH_RENDEZVOUS; nothing when there is no BERTH_RANK.
  static std::optional<GroupPlace> from_environment();
};

/// What is thrown where ranks do not reach each other; `guarded` makes it kCommunication.
class CommunicationError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class ProcessGroup {
 public:
  /// `device`: this rank's, a torch name. Waits for all ranks. Errors: kBadRequest where this
  /// LibTorch has no backend for the device, kCommunication.
  static protocol::Result<std::shared_ptr<ProcessGroup>> join(const GroupPlace& place,
                                                              const std::string& device);
  ~ProcessGroup();
  ProcessGroup(const ProcessGroup&) = delete;
  ProcessGroup& operator=(const ProcessGroup&) = delete;

  int rank() const;
  int size() const;

  /// Every value becomes the sum over all ranks. As many values on each. Error: kCommunication.
  protocol::Status sum(std::vector<double>* values);
  protocol::Status sum(std::vector<float>* values);
  /// The least of all ranks' values.
  protocol::Result<int64_t> least(int64_t value);

  struct Backend;
  Backend& backend() { return *backend_; }

 private:
  explicit ProcessGroup(std::unique_ptr<Backend> backend);
  std::unique_ptr<Backend> backend_;
};

}  // namespace berth::runtime
