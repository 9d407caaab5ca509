// SPDX-License-Identifier: Apache-2.0
// The machine that runs a pickle's opcodes into records. Used by pickle.cc alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "checkpoint/pickle.h"

namespace berth::checkpoint {

// Always there, in this order; all other records follow.
constexpr ValueId kNoneId = 0, kTrueId = 1, kFalseId = 2;

class PickleReader {
 public:
  PickleReader(std::string_view bytes, const PickleLimits& limits, Pickle* out);

  /// What is wrong with the pickle; nothing if it was read up to its STOP.
  std::optional<std::string> run();

 private:
  // Every step returns whether it could be done; if not, `problem_` says why.
  bool step(unsigned char opcode);
  bool step_number(unsigned char opcode);
  bool step_text(unsigned char opcode);
  bool step_stack(unsigned char opcode);
  bool step_container(unsigned char opcode);
  bool step_memo(unsigned char opcode);
  bool step_object(unsigned char opcode);
  bool wrong(std::string problem);

  // Input.
  bool take(size_t count, std::string_view* bytes);
  bool take_line(std::string_view* line);
  bool take_unsigned(size_t width, uint64_t* number);

  // Records.
  bool push(Value value);
  bool push_text(ValueKind kind, std::string_view text);
  bool push_owned(ValueKind kind, std::string text);
  bool push_integer(ValueKind kind, int64_t integer);
  bool push_long(std::string_view little_endian);
  bool push_counted(ValueKind kind, size_t width);
  bool push_tuple(size_t count);
  bool push_global(std::string_view module, std::string_view name);
  bool push_object(ValueId callee, ValueId arguments);
  bool push_marked(ValueKind kind);

  // The stack.
  bool pop(ValueId* id);
  bool pop_text(std::string_view* text);
  bool pop_mark(std::vector<ValueId>* items);
  bool append(std::vector<ValueId> items);
  bool set_items(const std::vector<ValueId>& items);
  bool remember(uint64_t index);
  bool recall(uint64_t index);
  size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  bool count_references(size_t count);

  std::string_view bytes_;
  PickleLimits limits_;
  Pickle* out_;
  size_t at_ = 0;
  size_t references_ = 0, owned_ = 0;
  std::vector<ValueId> stack_;
  std::vector<size_t> marks_;
  std::unordered_map<uint64_t, ValueId> memo_;
  std::string problem_;
};

}  // namespace berth::checkpoint
