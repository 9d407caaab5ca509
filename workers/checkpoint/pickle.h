// SPDX-License-Identifier: Apache-2.0
// Python's pickle format, read as inert records. A pickle is a program that may call anything; this
// reader never calls. Where Python would import a name it notes the name, where Python would call
// or build an object it notes the callee, its arguments and the state. Protocols 0 to 5, without
// out-of-band buffers and copyreg's extension codes. Source of the opcodes: the documentation of
// Python's module pickletools.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/result.h"

namespace berth::checkpoint {

/// What a pickle may at most ask for. The values are generous for checkpoints and keep what a
/// hostile file can make us allocate below 1 GB.
struct PickleLimits {
  size_t bytes = 256u << 20;      ///< of the pickle itself
  size_t values = 2'000'000;      ///< records made
  size_t references = 8'000'000;  ///< members of lists, dicts and the like, all together
  size_t memo = 2'000'000;        ///< entries of the memo
  size_t depth = 10'000;          ///< MARKs open at a time
  size_t text = 64u << 20;        ///< bytes of one text
};

using ValueId = uint32_t;

enum class ValueKind {
  kNone,
  kBool,
  kInt,
  kBigInt,  ///< an integer beyond 64 bits; `text` is its decimal form, empty beyond 128 bits
  kFloat,
  kText,  ///< bytes as the file has them: Python 2's strings need not be UTF-8
  kBytes,
  kTuple,
  kList,
  kSet,
  kDict,
  kGlobal,      ///< a name that Python would import: `text` is "module.name"
  kObject,      ///< what Python would make by calling `callee` with `arguments`
  kPersistent,  ///< an object outside of the pickle; `arguments` is its id
};

struct Value {
  static Value of(ValueKind kind) {
    Value value;
    value.kind = kind;
    return value;
  }

  ValueKind kind = ValueKind::kNone;
  ValueId callee = 0, arguments = 0;  ///< of an object
  ValueId state = 0;                  ///< what BUILD gave an object; 0, which is None: nothing
  int64_t integer = 0;
  double real = 0;
  std::string_view text;
  std::vector<ValueId> items;                        ///< of a tuple, list, set or object
  std::vector<std::pair<ValueId, ValueId>> entries;  ///< of a dict or object, as they were set
};

/// One pickle. The bytes it was read from must live as long as it does. Records refer to each other
/// by number and may form cycles; whoever walks them must bound depth and work.
class Pickle {
 public:
  /// Reads up to STOP; what follows is left alone (`consumed`). Error: kCheckpointMismatch; the
  /// message begins with `what` ("x.pth: data.pkl") and says at which byte what is wrong.
  static protocol::Result<Pickle> read(std::string_view bytes, const std::string& what,
                                       const PickleLimits& limits = {});

  ValueId root() const { return root_; }
  const Value& at(ValueId id) const { return values_[id]; }
  const Value& root_value() const { return values_[root_]; }
  size_t consumed() const { return consumed_; }
  /// The number of records; every id is below.
  size_t size() const { return values_.size(); }

  /// "module.name" of what an object is an instance or result of; empty if `value` is no object.
  std::string_view class_of(const Value& value) const;
  /// The entry of a dict-like value, the last one set; nullptr if there is none.
  const Value* find(const Value& value, std::string_view key) const;

 private:
  friend class PickleReader;
  std::vector<Value> values_;
  std::deque<std::string> owned_;  // texts that are not in the file as they read
  ValueId root_ = 0;
  size_t consumed_ = 0;
};

}  // namespace berth::checkpoint
