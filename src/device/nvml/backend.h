// SPDX-License-Identifier: Apache-2.0
// NVIDIA devices through the management library. One session stays open for the object's life.
// Not thread-safe; any call may block in the driver.
#pragma once

#include <array>
#include <chrono>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/text.h"
#include "device/backend.h"
#include "device/nvml/loader.h"
#include "device/process_table.h"

namespace berth::device::nvml {

class NvmlBackend final : public Backend {
 public:
  /// Loads the library without starting a session (enumerate() does). `library` empty: the default
  /// name. `root` precedes /proc, for the names of processes and unified memory.
  static base::Result<std::unique_ptr<NvmlBackend>> open(const std::string& library,
                                                         const std::string& root);
  ~NvmlBackend() override;

  [[nodiscard]] model::Vendor vendor() const override { return model::Vendor::kNvidia; }
  base::Result<model::Inventory> enumerate(const Breadcrumb& begin, const SkipList& skip) override;
  model::Sample sample(const model::DeviceId& id, const Scope& scope) override;
  std::optional<int> count() override;
  bool devices_changed() override;
  base::Status reopen() override;

 private:
  /// An error after which the GPU must be reset.
  struct Failure {
    std::string reason;
    std::chrono::steady_clock::time_point at;
  };
  // What is kept per device between samples.
  struct Gpu {
    DeviceHandle handle = nullptr;
    DeviceHandle parent = nullptr;  // of a MIG instance: its GPU
    bool partitioned = false;
    bool readable = false;  // false: on the skip list
    model::Sample last;
    unsigned expected_processes = 16;  // entries to offer before the driver says that it has more
    std::uint64_t utilization_seen_us = 0;  // the newest sample of processes' utilisation
    std::optional<int> xid;                 // the last that the driver reported
    std::optional<Failure> failure;         // what an XID made of it
  };
  struct Position {
    unsigned domain = 0;
    unsigned bus = 0;
    unsigned device = 0;
    auto operator<=>(const Position&) const = default;
  };
  struct Found {
    Position position;
    model::Device device;
    Gpu gpu;
  };

  NvmlBackend(std::unique_ptr<Library> library, std::string root);
  base::Status start();
  void stop();
  base::Result<Found> identify(unsigned number) const;
  void describe(Found& found) const;
  /// The handle and UUID of each instance, by the driver's number, or nothing when the GPU does not
  /// answer. Empty when it is not in MIG mode.
  struct Instance {
    unsigned number = 0;
    DeviceHandle handle = nullptr;
    model::DeviceId id;
  };
  std::optional<std::vector<Instance>> instances_of(DeviceHandle gpu) const;
  /// Marks a GPU in MIG mode and gives its instances as devices.
  std::vector<Found> divide(Found& gpu, const SkipList& skip, std::vector<std::string>& hints);
  [[nodiscard]] Found describe_instance(const Found& gpu, const Instance& instance,
                                        bool readable) const;
  [[nodiscard]] std::string text_of_uuid(DeviceHandle handle, int& code) const;
  void read_links(std::vector<Found>& found, const Breadcrumb& begin) const;
  [[nodiscard]] std::map<Position, int> nvlinks_of(DeviceHandle handle) const;
  [[nodiscard]] model::Link link_between(const Found& from, const Found& to,
                                         const std::map<Position, int>& nvlinks) const;
  void read_versions(model::Inventory& inventory) const;

  void read_gpu(Gpu& gpu, model::Sample& sample, const Scope& scope);
  void read_instance(Gpu& gpu, model::Sample& sample, const Scope& scope);
  void read_memory(const Gpu& gpu, model::Sample& sample) const;
  /// By more than noise. Then the processes are read with it: whose it is belongs to how much it
  /// is, since what a task of ours has taken is no longer kept free for it.
  static bool memory_moved(const model::Sample& before, const model::Sample& now);
  void read_cheap(DeviceHandle handle, model::Sample& sample) const;
  void read_costly(DeviceHandle handle, model::Sample& sample) const;
  static void read_utilization(const Functions& f, Gpu& gpu,
                               std::vector<model::DeviceProcess>& processes);
  void read_processes(Gpu& gpu, model::Sample& sample, bool verify);
  void watch_events();
  void stop_watching();
  void read_events();
  static void apply_events(Gpu& gpu, model::Sample& sample);
  /// Calls a function that fills in `out`; true when it succeeded. Records a lost or broken device.
  template <class Function, class... Arguments>
  bool ask(model::Sample& sample, Function function, Arguments... arguments) const;
  /// The same for functions that give one unsigned number.
  template <class Function, class... Arguments>
  std::optional<unsigned> number(model::Sample& sample, Function function,
                                 Arguments... arguments) const;
  void note(model::Sample& sample, int code) const;

  std::unique_ptr<Library> library_;
  std::string root_;
  ProcessTable processes_;
  bool started_ = false;
  EventSet events_ = nullptr;
  std::map<model::DeviceId, Gpu> gpus_;                             // and instances
  std::map<model::DeviceId, std::set<model::DeviceId>> instances_;  // of each GPU, as enumerated
  std::vector<unsigned char> buffer_;                               // for process lists
};

/// Of a buffer that the driver has filled, as UTF-8 without blanks around it.
template <std::size_t N>
std::string text_of(const std::array<char, N>& buffer) {
  return base::to_utf8(base::trim(std::string(buffer.data(), ::strnlen(buffer.data(), N))));
}

/// 13000 -> "13.0", 12040 -> "12.4".
std::string cuda_version_text(int version);

}  // namespace berth::device::nvml
