// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/pickle_reader.h"

#include <utility>

#include "checkpoint/pickle_text.h"

namespace berth::checkpoint {

PickleReader::PickleReader(std::string_view bytes, const PickleLimits& limits, Pickle* out)
    : bytes_(bytes.substr(0, limits.bytes)), limits_(limits), out_(out) {
  out_->values_.resize(3);
  out_->values_[kTrueId].kind = out_->values_[kFalseId].kind = ValueKind::kBool;
  out_->values_[kTrueId].integer = 1;
}

std::optional<std::string> PickleReader::run() {
  for (;;) {
    const size_t begin = at_;
    std::string_view opcode;
    if (!take(1, &opcode)) return "it ends at byte " + std::to_string(at_) + " without a STOP";
    if (opcode[0] == '.') break;
    if (!step(static_cast<unsigned char>(opcode[0]))) {
      return problem_ + " (at byte " + std::to_string(begin) + ")";
    }
  }
  if (!pop(&out_->root_)) return "it ends without a value";
  out_->consumed_ = at_;
  return std::nullopt;
}

bool PickleReader::wrong(std::string problem) {
  problem_ = std::move(problem);
  return false;
}

bool PickleReader::take(size_t count, std::string_view* bytes) {
  if (count > bytes_.size() - at_) {
    return wrong("an opcode wants " + std::to_string(count) + " bytes, " +
                 std::to_string(bytes_.size() - at_) + " are left");
  }
  *bytes = bytes_.substr(at_, count);
  at_ += count;
  return true;
}

bool PickleReader::take_line(std::string_view* line) {
  const std::string_view rest = bytes_.substr(at_, limits_.text);
  const size_t end = rest.find('\n');
  if (end == std::string_view::npos) return wrong("a line has no end");
  *line = rest.substr(0, end);
  at_ += end + 1;
  if (!line->empty() && line->back() == '\r') line->remove_suffix(1);
  return true;
}

bool PickleReader::take_unsigned(size_t width, uint64_t* number) {
  std::string_view bytes;
  if (!take(width, &bytes)) return false;
  *number = 0;
  for (size_t i = width; i-- > 0;) {
    *number = *number << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return true;
}

bool PickleReader::push(Value value) {
  if (out_->values_.size() >= limits_.values) {
    return wrong("it makes more than " + std::to_string(limits_.values) + " objects");
  }
  stack_.push_back(static_cast<ValueId>(out_->values_.size()));
  out_->values_.push_back(std::move(value));
  return true;
}

bool PickleReader::push_text(ValueKind kind, std::string_view text) {
  if (text.size() > limits_.text) {
    return wrong("a text has " + std::to_string(text.size()) + " bytes, more than " +
                 std::to_string(limits_.text));
  }
  Value value = Value::of(kind);
  value.text = text;
  return push(std::move(value));
}

bool PickleReader::push_owned(ValueKind kind, std::string text) {
  // Names are joined from texts that may be recalled again and again.
  owned_ += text.size();
  if (owned_ > limits_.text) return wrong("its texts are too large");
  return push_text(kind, out_->owned_.emplace_back(std::move(text)));
}

bool PickleReader::push_integer(ValueKind kind, int64_t integer) {
  Value value = Value::of(kind);
  value.integer = integer;
  return push(std::move(value));
}

bool PickleReader::push_long(std::string_view little_endian) {
  if (little_endian.size() > sizeof(int64_t)) {
    return push_owned(ValueKind::kBigInt, wide_decimal(little_endian));
  }
  const bool negative =
      !little_endian.empty() && static_cast<signed char>(little_endian.back()) < 0;
  uint64_t bits = negative ? ~uint64_t{0} : 0;
  for (size_t i = little_endian.size(); i-- > 0;) {
    bits = bits << 8 | static_cast<unsigned char>(little_endian[i]);
  }
  return push_integer(ValueKind::kInt, static_cast<int64_t>(bits));
}

/// A text behind its length of `width` bytes.
bool PickleReader::push_counted(ValueKind kind, size_t width) {
  uint64_t length = 0;
  std::string_view text;
  return take_unsigned(width, &length) && take(length, &text) && push_text(kind, text);
}

bool PickleReader::push_tuple(size_t count) {
  if (stack_.size() - floor() < count) return wrong("the stack has too few values");
  if (!count_references(count)) return false;
  Value value = Value::of(ValueKind::kTuple);
  value.items.assign(stack_.end() - static_cast<ptrdiff_t>(count), stack_.end());
  stack_.resize(stack_.size() - count);
  return push(std::move(value));
}

bool PickleReader::push_global(std::string_view module, std::string_view name) {
  return push_owned(ValueKind::kGlobal, std::string(module) + "." + std::string(name));
}

bool PickleReader::push_object(ValueId callee, ValueId arguments) {
  Value value = Value::of(ValueKind::kObject);
  value.callee = callee;
  value.arguments = arguments;
  // Python 2 has an OrderedDict's items as arguments: OrderedDict([[key, value], ...]).
  const auto& given = out_->values_[arguments].items;
  if (given.size() == 1 && out_->values_[callee].text == "collections.OrderedDict") {
    for (const ValueId id : out_->values_[given[0]].items) {
      const auto& pair = out_->values_[id].items;
      if (pair.size() == 2) value.entries.emplace_back(pair[0], pair[1]);
    }
    if (!count_references(2 * value.entries.size())) return false;
  }
  return push(std::move(value));
}

bool PickleReader::push_marked(ValueKind kind) {
  Value value = Value::of(kind);
  return pop_mark(&value.items) && count_references(value.items.size()) && push(std::move(value));
}

bool PickleReader::pop(ValueId* id) {
  if (stack_.size() <= floor()) return wrong("the stack is empty");
  *id = stack_.back();
  stack_.pop_back();
  return true;
}

bool PickleReader::pop_text(std::string_view* text) {
  ValueId id = 0;
  if (!pop(&id)) return false;
  if (out_->values_[id].kind != ValueKind::kText) return wrong("a name is not a text");
  *text = out_->values_[id].text;
  return true;
}

bool PickleReader::pop_mark(std::vector<ValueId>* items) {
  if (marks_.empty()) return wrong("there is no MARK");
  const auto begin = stack_.begin() + static_cast<ptrdiff_t>(marks_.back());
  items->assign(begin, stack_.end());
  stack_.erase(begin, stack_.end());
  marks_.pop_back();
  return true;
}

bool PickleReader::count_references(size_t count) {
  references_ += count;
  if (references_ <= limits_.references) return true;
  return wrong("its lists have more than " + std::to_string(limits_.references) + " members");
}

bool PickleReader::append(std::vector<ValueId> items) {
  if (stack_.size() <= floor()) return wrong("the stack is empty");
  Value& target = out_->values_[stack_.back()];
  if (target.kind != ValueKind::kList && target.kind != ValueKind::kSet &&
      target.kind != ValueKind::kObject) {
    return wrong("something is appended to what is no list");
  }
  target.items.insert(target.items.end(), items.begin(), items.end());
  return count_references(items.size());
}

bool PickleReader::set_items(const std::vector<ValueId>& items) {
  if (stack_.size() <= floor()) return wrong("the stack is empty");
  Value& target = out_->values_[stack_.back()];
  if (target.kind != ValueKind::kDict && target.kind != ValueKind::kObject) {
    return wrong("an item is set in what is no dictionary");
  }
  if (items.size() % 2 != 0) return wrong("a key has no value");
  for (size_t i = 0; i < items.size(); i += 2) target.entries.emplace_back(items[i], items[i + 1]);
  return count_references(items.size());
}

bool PickleReader::remember(uint64_t index) {
  if (stack_.size() <= floor()) return wrong("the stack is empty");
  memo_[index] = stack_.back();
  return memo_.size() <= limits_.memo ||
         wrong("it remembers more than " + std::to_string(limits_.memo) + " objects");
}

bool PickleReader::recall(uint64_t index) {
  const auto found = memo_.find(index);
  if (found == memo_.end()) {
    return wrong("it recalls object " + std::to_string(index) + ", which it never remembered");
  }
  stack_.push_back(found->second);
  return true;
}

}  // namespace berth::checkpoint
