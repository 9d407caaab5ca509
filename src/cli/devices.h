// SPDX-License-Identifier: Apache-2.0
// The devices of this machine in the form of GET /api/v2/resources/gpu: from the daemon when one
// answers, else read here, in this process. Only gpus, top, pick and check use this.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/session.h"

namespace berth::device {
struct Readout;
}

namespace berth::cli {

/// The answer's shape for a reading taken here: no task counts, no reservations, and "hints".
base::json::object gpu_report(const device::Readout& readout, base::Time now);

class DeviceSource {
 public:
  DeviceSource();
  ~DeviceSource();
  DeviceSource(const DeviceSource&) = delete;
  DeviceSource& operator=(const DeviceSource&) = delete;

  /// Asks the daemon when it answers, also for what is drained ("drain", as GET
  /// /api/v2/resources/drain) and leased ("leases", the list of GET /api/v2/leases); reads the
  /// drivers otherwise. An error only when a daemon is there and refuses (a wrong token).
  base::Result<base::json::object> read();

  /// "berthd at http://127.0.0.1:8000", or "read without a daemon".
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool daemon() const { return session_.has_value(); }

 private:
  struct Here;
  base::json::object read_here();

  std::optional<Session> session_;
  std::unique_ptr<Here> here_;
};

}  // namespace berth::cli
