// SPDX-License-Identifier: Apache-2.0
// What a client asks for: which device, how much of it, how urgently.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "base/units.h"
#include "model/device.h"

namespace berth::model {

struct TaskTag;
using TaskId = base::Id<TaskTag>;

/// What limits count by. Preprocessing runs as a command on the CPU.
enum class Kind : std::uint8_t { kTraining, kInference, kCommand };
std::string_view to_text(Kind kind);
std::optional<Kind> kind_from_text(std::string_view text);

enum class Policy : std::uint8_t { kBalanced, kMostFree, kLeastLoaded, kPack, kSpread, kFastest };
std::string_view to_text(Policy policy);
std::optional<Policy> policy_from_text(std::string_view text);

/// A device string of a request, understood but not yet looked up.
struct Selector {
  enum class Mode : std::uint8_t { kAuto, kVendor, kNamed, kCpu };
  struct Named {
    std::optional<Vendor> vendor;  // with index
    int index = 0;
    std::optional<int> instance;  // of MIG: the number of one of that GPU's
    std::string uuid_prefix;      // lower case; instead of vendor and index
  };

  Mode mode = Mode::kAuto;
  Vendor vendor = Vendor::kNvidia;  // kVendor
  std::vector<Named> named;         // kNamed
  std::string text;                 // as given
};

/// The grammar of device strings: "auto", "", "cuda", "cuda:0", "rocm:1", "hip:1", "xpu:0",
/// "npu:0", "cpu", "GPU-<uuid prefix>", "MIG-<uuid prefix>", "cuda:0:1" (the MIG instance 1 of
/// cuda:0), lists of these with commas; any case.
/// kSchemaViolation for anything else.
base::Result<Selector> parse_selector(std::string_view text);

/// Ways for an attempt to end badly.
enum class FailureKind : std::uint8_t {
  kExit,         // an exit status other than 0, or a signal
  kOutOfMemory,  // of a device: as the worker, the program's last words or the watchdog say
  kTimeout,      // the time limit
  kDeviceLost,   // the device went away under it
  kLaunch,       // the process could not be started
  kLost          // nobody knows how it ended
};
std::string_view to_text(FailureKind kind);
std::optional<FailureKind> failure_kind_from_text(std::string_view text);

/// When a task that ended badly is started again.
struct Retry {
  int max = 0;                    // times; 0: never
  base::Duration backoff{5'000};  // before the first; doubled each time, an hour at most
  std::set<FailureKind> on;       // empty: any but kTimeout
  int more_memory_percent = 0;    // what is added to the reservation after kOutOfMemory
  [[nodiscard]] bool covers(FailureKind kind) const;
  bool operator==(const Retry&) const = default;
};

/// The most times a task may ask to be tried again.
inline constexpr int kMostRetries = 1000;

/// A task that has to end first; well, unless `any` end will do.
struct Dependency {
  TaskId task;
  bool any = false;
  bool operator==(const Dependency&) const = default;
};

/// Of a task that was submitted with others like it.
struct ArrayPlace {
  std::string array;  // what they have in common
  int index = 0;
  int size = 1;     // tasks of the array
  int at_once = 0;  // of them that may run at a time; 0: any number
  bool operator==(const ArrayPlace&) const = default;
};

struct Request {
  TaskId id;
  Kind kind = Kind::kCommand;
  Selector selector;
  int gpus = 1;
  std::optional<base::Bytes> memory;  // per device
  int memory_percent = 0;  // instead: so much of what each device can give; 0: not asked for
  std::optional<base::Bytes> memory_estimate;  // what a task without history is thought to need
  std::string gpu_type;                        // part of the model name, any case; empty: any
  bool exclusive = false;
  bool builtin = false;  // runs in one of our workers, so their build decides on GPUs
  Policy policy = Policy::kBalanced;
  int priority = 5;                          // 1 most urgent .. 10
  std::string signature;                     // tasks with the same one are much alike; may be empty
  bool memory_by_history = true;             // without a figure it gets what tasks like it used
  std::optional<base::Duration> time_limit;  // of one attempt; the supervisor sees to it
  std::string user;                          // who asked; empty: unknown
  std::string pool;                          // of the configuration; empty: any that admits it
  bool group_by_kind = false;                // rather beside tasks of its kind than beside others
  bool hold = false;                         // waits until it is released
  Retry retry;
  std::vector<Dependency> after;
  std::optional<ArrayPlace> array;
  /// On the processor when no GPU was free for so long. std::nullopt: never.
  std::optional<base::Duration> cpu_after;
};

base::json::object to_json(const Request& request);
base::Result<Request> request_from_json(const base::json::object& object);

}  // namespace berth::model
