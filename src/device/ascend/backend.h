// SPDX-License-Identifier: Apache-2.0
// Huawei's Ascend NPUs by DCMI. A card may carry several chips, each of which is a device. Not
// thread-safe; any call may block in the driver.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "device/ascend/dcmi.h"
#include "device/backend.h"
#include "device/process_table.h"

namespace berth::device::ascend {

class AscendBackend final : public Backend {
 public:
  /// Loads the library without starting it (enumerate() does). `library` empty: where it usually
  /// is. `root` precedes /proc.
  static base::Result<std::unique_ptr<Backend>> open(const std::string& library,
                                                     const std::string& root);

  [[nodiscard]] model::Vendor vendor() const override { return model::Vendor::kAscend; }
  base::Result<model::Inventory> enumerate(const Breadcrumb& begin, const SkipList& skip) override;
  model::Sample sample(const model::DeviceId& id, const Scope& scope) override;
  std::optional<int> count() override;
  bool devices_changed() override;
  base::Status reopen() override;

 private:
  /// What the library knows a chip by: numbers of cards have holes where one is missing.
  struct Chip {
    int card = 0;
    int number = 0;  // on the card
    auto operator<=>(const Chip&) const = default;
  };
  struct Npu {
    Chip chip;
    bool readable = false;  // false: on the skip list
    model::Sample last;
  };

  AscendBackend(std::unique_ptr<Library> library, std::string root)
      : library_(std::move(library)), processes_(std::move(root)) {}
  base::Status start();
  [[nodiscard]] std::optional<std::vector<Chip>> chips() const;
  [[nodiscard]] model::Device identify(const Chip& chip, int position) const;
  void describe(const Chip& chip, model::Device& device) const;
  void read_memory(const Chip& chip, model::Sample& sample) const;
  void read_health(const Chip& chip, model::Sample& sample) const;
  void read_values(const Chip& chip, model::Sample& sample) const;
  void read_processes(const Chip& chip, model::Sample& sample, bool verify);

  std::unique_ptr<Library> library_;
  ProcessTable processes_;
  bool started_ = false;
  std::vector<Chip> listed_;
  std::map<model::DeviceId, Npu> npus_;
};

}  // namespace berth::device::ascend
