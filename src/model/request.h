// SPDX-License-Identifier: Apache-2.0
// What a client asks for: which device, how much of it, how urgently.
#pragma once

#include <optional>
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
    std::string uuid_prefix;  // lower case; instead of vendor and index
  };

  Mode mode = Mode::kAuto;
  Vendor vendor = Vendor::kNvidia;  // kVendor
  std::vector<Named> named;         // kNamed
  std::string text;                 // as given
};

/// The grammar of device strings: "auto", "", "cuda", "cuda:0", "rocm:1", "hip:1", "xpu:0",
/// "npu:0", "cpu", "GPU-<uuid prefix>", "MIG-<uuid prefix>", lists of these with commas; any case.
/// kSchemaViolation for anything else.
base::Result<Selector> parse_selector(std::string_view text);

struct Request {
  TaskId id;
  Kind kind = Kind::kCommand;
  Selector selector;
  int gpus = 1;
  std::optional<base::Bytes> memory;  // per device
  std::string gpu_type;               // part of the model name, any case; empty: any
  bool exclusive = false;
  bool builtin = false;  // runs in one of our workers, so their build decides on GPUs
  Policy policy = Policy::kBalanced;
  int priority = 5;       // 1 most urgent .. 10
  std::string signature;  // tasks with the same one use about the same memory; may be empty
};

base::json::object to_json(const Request& request);
base::Result<Request> request_from_json(const base::json::object& object);

}  // namespace berth::model
