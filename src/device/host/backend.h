// SPDX-License-Identifier: Apache-2.0
// The processor as a device: id "CPU", name "cpu". Reads /proc and /sys under a root; never blocks
// on a driver. Not thread-safe.
#pragma once

#include <string>
#include <vector>

#include "device/backend.h"
#include "device/host/load.h"

namespace berth::device::host {

class HostBackend final : public Backend {
 public:
  /// `root` precedes /proc and /sys; empty: the machine itself.
  explicit HostBackend(std::string root) : root_(root), meter_(std::move(root)) {}

  [[nodiscard]] model::Vendor vendor() const override { return model::Vendor::kCpu; }
  base::Result<model::Inventory> enumerate(const Breadcrumb& begin, const SkipList& skip) override;
  model::Sample sample(const model::DeviceId& id, const Scope& scope) override;
  std::optional<int> count() override { return 1; }
  base::Status reopen() override { return {}; }

 private:
  std::string root_;
  LoadMeter meter_;
  std::vector<int> allowed_;  // processors; read with the costly readings
};

/// Always the same: "CPU".
model::DeviceId cpu_id();

/// The processors in this process's affinity mask, from <root>/proc/self/status.
std::vector<int> allowed_processors(const std::string& root);

/// "0-3,8" -> {0,1,2,3,8}; what is no such list gives an empty one.
std::vector<int> parse_processor_list(std::string_view text);

}  // namespace berth::device::host
