// SPDX-License-Identifier: Apache-2.0
// Tests of the scheduler that read like a script:
//
//   Box box(Fleet().gpus(8, "A100", 80_GiB).cpu(16));
//   box.take(submit("a").training().on("cuda").memory(8));
//   EXPECT_EQ(box.where("a"), "cuda:0");
//
// Every step of a Box checks the invariants.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/explain.h"
#include "core/input.h"
#include "core/output.h"
#include "core/state.h"

namespace berth::core::script {

constexpr Bytes operator""_GiB(unsigned long long gib) {
  return Bytes{static_cast<std::int64_t>(gib) << 30};
}
inline Bytes operator""_GiB(long double gib) { return Bytes::from_gib(static_cast<double>(gib)); }
constexpr Bytes operator""_MiB(unsigned long long mib) {
  return Bytes{static_cast<std::int64_t>(mib) << 20};
}

/// The devices of a machine. UUIDs ascend with the index ("GPU-0000aaaa...", "GPU-0001aaaa...").
class Fleet {
 public:
  Fleet& gpus(int count, std::string_view model, std::optional<Bytes> total,
              model::Vendor vendor = model::Vendor::kNvidia);
  Fleet& gpu(std::string_view model, std::optional<Bytes> total) { return gpus(1, model, total); }
  Fleet& amd(int count) { return gpus(count, "AMD Instinct MI210", 64_GiB, model::Vendor::kAmd); }
  Fleet& intel(int count) {
    return gpus(count, "Intel Data Center GPU Max", 48_GiB, model::Vendor::kIntel);
  }
  Fleet& ascend(int count) { return gpus(count, "Ascend 910B", 64_GiB, model::Vendor::kAscend); }
  Fleet& capability(std::string_view version, int clock_mhz);  // of the device added last
  Fleet& speed(std::int64_t peak_gflops, int memory_gbps);
  Fleet& uuid(std::string_view id);  // of the device added last
  /// Divides the GPU added last into MIG instances: "cuda:0:0" and so on.
  Fleet& mig(const std::vector<std::string>& profiles);
  /// Between "cuda:<a>" and "cuda:<b>", both ways.
  Fleet& link(int a, int b, model::Closeness closeness, int nvlinks = 0);
  Fleet& cpu(int cores, Bytes memory = 64_GiB);
  Fleet& without(std::string_view name);  // the others keep their numbers

  std::vector<model::Device> devices;
};

/// What a client asks for.
class Ask {
 public:
  explicit Ask(std::string id) { request.id = TaskId(std::move(id)); }
  Ask& training() { return kind(Kind::kTraining); }
  Ask& inference() { return kind(Kind::kInference); }
  Ask& command() { return kind(Kind::kCommand); }
  Ask& kind(Kind kind);
  Ask& on(std::string_view device);
  Ask& memory(double gib);
  Ask& gpus(int count);
  Ask& type(std::string_view text);
  Ask& exclusive();
  Ask& builtin();
  Ask& policy(model::Policy policy);
  Ask& priority(int priority);
  Ask& signature(std::string_view text);
  Ask& retry(int times, int backoff_s = 0);
  Ask& more_memory(int percent);
  Ask& after(const std::string& id, bool any = false);
  Ask& hold();
  Ask& user(std::string_view name);
  Ask& pool(std::string_view name);
  Ask& limit(int seconds);     // of time
  Ask& percent(int percent);   // of the device's memory
  Ask& estimate(Bytes bytes);  // of a built-in task
  Ask& array(std::string_view name, int index, int at_once);
  Ask& cpu_after(int seconds);

  model::Request request;
};
inline Ask submit(std::string id) { return Ask(std::move(id)); }

/// A machine with a scheduler: keeps what its devices would really report.
class Box {
 public:
  /// Configures, announces the devices and samples them once.
  explicit Box(const Fleet& fleet, const Config& config = {});
  /// Nothing announced yet.
  static Box empty();

  // ---- inputs; each returns what the step answered ----
  const std::vector<Output>& take(const Ask& ask) { return input(Submit{ask.request}); }
  const std::vector<Output>& cancel(const std::string& id) { return input(Cancel{TaskId(id)}); }
  const std::vector<Output>& limits(std::vector<LimitChange> changes) {
    return input(SetLimits{std::move(changes)});
  }
  const std::vector<Output>& announce(const Fleet& fleet);
  const std::vector<Output>& sample();  // all devices present, as they are now
  const std::vector<Output>& exits(const std::string& id, int code = 0,
                                   std::optional<Bytes> peak = {});
  const std::vector<Output>& exited(const std::string& id, int attempt, int code);
  const std::vector<Output>& launch_failed(const std::string& id, bool again);
  const std::vector<Output>& runs_out_of_memory(const std::string& id, std::optional<Bytes> peak);
  const std::vector<Output>& drain(std::vector<std::string> devices, bool on = true,
                                   std::string reason = {});
  const std::vector<Output>& lease(const Ask& ask, int seconds) {
    return input(Lease{ask.request, base::Duration{seconds * 1000}});
  }
  /// Time passes and nothing else.
  const std::vector<Output>& after(base::Duration time) {
    now += time;
    return input(Tick{});
  }
  const std::vector<Output>& after_s(int seconds) { return after(base::Duration{seconds * 1000}); }
  const std::vector<Output>& input(const Input& input);

  // ---- what the devices report at the next sample() ----
  struct Truth {
    Bytes foreign;
    std::optional<Bytes> reserved;
    std::optional<int> utilization;
    bool throttled = false;
    bool reads_memory = true;
    model::Health health = model::Health::kHealthy;
    std::string reason;
    std::map<std::string, Bytes> used;
  };
  Truth& truth(std::string_view name) { return truth_[id_of(name)]; }

  // ---- what the scheduler thinks ----
  /// "cuda:0", "cuda:0,cuda:1", "queued", or the final state: "completed"; "none" when never heard
  /// of.
  [[nodiscard]] std::string where(const std::string& id) const;
  [[nodiscard]] model::Placement placement(const std::string& id) const;
  [[nodiscard]] Bytes reserved(const std::string& id) const {
    return placement(id).shares.front().reserved;
  }
  [[nodiscard]] int count(std::string_view device) const;  // tasks running there
  [[nodiscard]] Explanation explain(const std::string& id) const;
  [[nodiscard]] std::string verdict(const std::string& id,
                                    std::string_view device) const;  // code or "fits"
  [[nodiscard]] base::Error refusal()
      const;  // of the last step; fails the test when there was none
  [[nodiscard]] DeviceId id_of(std::string_view name) const;
  template <class T>
  [[nodiscard]] T only() const {  // the one output of this kind in the last step
    EXPECT_EQ(seen<T>(), 1);
    for (const auto& output : outputs) {
      if (const auto* one = std::get_if<T>(&output)) return *one;
    }
    return {};
  }
  template <class T>
  [[nodiscard]] int seen() const {  // outputs of this kind in the last step
    int count = 0;
    for (const auto& output : outputs) count += std::holds_alternative<T>(output) ? 1 : 0;
    return count;
  }

  State state;
  Time now = base::from_ms(1'700'000'000'000);
  std::vector<Output> outputs;  // of the last step

 private:
  Box() = default;
  std::map<DeviceId, Truth> truth_;
  std::map<TaskId, std::string> ended_;
  std::map<TaskId, int> attempts_;
};

}  // namespace berth::core::script
