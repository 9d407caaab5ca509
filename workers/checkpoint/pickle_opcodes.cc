// SPDX-License-Identifier: Apache-2.0
// What each opcode does.
#include <cstring>
#include <utility>

#include "checkpoint/pickle_reader.h"
#include "checkpoint/pickle_text.h"

namespace berth::checkpoint {
namespace {

constexpr unsigned char kProtocol = 0x80, kFrame = 0x95;
constexpr uint64_t kNewestProtocol = 5;

std::string hexadecimal(unsigned char byte) {
  constexpr const char* kDigits = "0123456789abcdef";
  return {'0', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
}

}  // namespace

bool PickleReader::step(unsigned char opcode) {
  if (stack_.size() > limits_.values) return wrong("its stack is too large");
  const auto among = [&](std::string_view opcodes) {
    return opcodes.find(static_cast<char>(opcode)) != std::string_view::npos;
  };
  if (among("FGIJKLMN\x88\x89\x8a\x8b")) return step_number(opcode);
  if (among("BCSTUVX\x8c\x8d\x8e\x96")) return step_text(opcode);
  if (among("(012")) return step_stack(opcode);
  if (among("])}adelstu\x85\x86\x87\x8f\x90\x91")) return step_container(opcode);
  if (among("ghjpqr\x94")) return step_memo(opcode);
  if (among("PQRbcio\x81\x92\x93")) return step_object(opcode);
  if (among("\x82\x83\x84")) {
    return wrong("it uses a class number of copyreg, which only means something to its writer");
  }
  if (among("\x97\x98")) return wrong("it refers to a buffer outside of the file");
  uint64_t number = 0;
  if (opcode == kFrame) return take_unsigned(8, &number);  // matters to readers of a socket only
  if (opcode != kProtocol) return wrong("unknown opcode " + hexadecimal(opcode));
  if (!take_unsigned(1, &number)) return false;
  return number <= kNewestProtocol ||
         wrong("its protocol is " + std::to_string(number) + ", the newest known one is 5");
}

bool PickleReader::step_number(unsigned char opcode) {
  uint64_t bits = 0;
  std::string_view text;
  switch (opcode) {
    case 'N':
      stack_.push_back(kNoneId);
      return true;
    case 0x88:
      stack_.push_back(kTrueId);
      return true;
    case 0x89:
      stack_.push_back(kFalseId);
      return true;
    case 'K':
      return take_unsigned(1, &bits) && push_integer(ValueKind::kInt, static_cast<int64_t>(bits));
    case 'M':
      return take_unsigned(2, &bits) && push_integer(ValueKind::kInt, static_cast<int64_t>(bits));
    case 'J':
      return take_unsigned(4, &bits) && push_integer(ValueKind::kInt, static_cast<int32_t>(bits));
    case 0x8a:
      return take_unsigned(1, &bits) && take(bits, &text) && push_long(text);
    case 0x8b:
      if (!take_unsigned(4, &bits)) return false;
      if (bits > INT32_MAX) return wrong("an integer has a negative length");
      return take(bits, &text) && push_long(text);
    case 'G': {
      std::string_view bytes;
      if (!take(sizeof(double), &bytes)) return false;
      for (const char byte : bytes) bits = bits << 8 | static_cast<unsigned char>(byte);
      Value value = Value::of(ValueKind::kFloat);
      std::memcpy(&value.real, &bits, sizeof bits);
      return push(std::move(value));
    }
    case 'F': {
      if (!take_line(&text)) return false;
      const auto real = real_number(text);
      if (!real) return wrong("a floating-point number is malformed");
      Value value = Value::of(ValueKind::kFloat);
      value.real = *real;
      return push(std::move(value));
    }
    default: {  // 'I', 'L'
      if (!take_line(&text)) return false;
      if (opcode == 'I' && (text == "00" || text == "01")) {
        stack_.push_back(text == "01" ? kTrueId : kFalseId);
        return true;
      }
      if (!text.empty() && text.back() == 'L') text.remove_suffix(1);
      if (const auto integer = decimal(text)) return push_integer(ValueKind::kInt, *integer);
      const size_t sign = text.substr(0, 1) == "-" ? 1 : 0;
      if (text.size() == sign || text.find_first_not_of("0123456789", sign) != text.npos) {
        return wrong("an integer is malformed");
      }
      constexpr size_t kDigitsOf128Bits = 39;
      return push_text(ValueKind::kBigInt, text.size() - sign <= kDigitsOf128Bits ? text : "");
    }
  }
}

bool PickleReader::step_text(unsigned char opcode) {
  std::string_view line;
  switch (opcode) {
    case 'S': {
      if (!take_line(&line)) return false;
      auto text = unquoted(line);
      return text ? push_owned(ValueKind::kText, std::move(*text)) : wrong("a text is malformed");
    }
    case 'V': {
      if (!take_line(&line)) return false;
      auto text = unescaped_unicode(line);
      return text ? push_owned(ValueKind::kText, std::move(*text)) : wrong("a text is malformed");
    }
    case 'T':
    case 'X':
      return push_counted(ValueKind::kText, 4);
    case 'U':
    case 0x8c:
      return push_counted(ValueKind::kText, 1);
    case 0x8d:
      return push_counted(ValueKind::kText, 8);
    case 'B':
      return push_counted(ValueKind::kBytes, 4);
    case 'C':
      return push_counted(ValueKind::kBytes, 1);
    default:  // BINBYTES8, BYTEARRAY8
      return push_counted(ValueKind::kBytes, 8);
  }
}

bool PickleReader::step_stack(unsigned char opcode) {
  ValueId id = 0;
  std::vector<ValueId> items;
  switch (opcode) {
    case '(':
      if (marks_.size() >= limits_.depth) {
        return wrong("it is nested more than " + std::to_string(limits_.depth) + " deep");
      }
      marks_.push_back(stack_.size());
      return true;
    case '0':  // POP takes a MARK away where one is on top.
      if (!marks_.empty() && stack_.size() == marks_.back()) {
        marks_.pop_back();
        return true;
      }
      return pop(&id);
    case '1':
      return pop_mark(&items);
    default:  // DUP
      if (stack_.size() <= floor()) return wrong("the stack is empty");
      stack_.push_back(stack_.back());
      return true;
  }
}

bool PickleReader::step_container(unsigned char opcode) {
  std::vector<ValueId> items(opcode == 's' ? 2 : 1);
  switch (opcode) {
    case ']':
      return push(Value::of(ValueKind::kList));
    case '}':
      return push(Value::of(ValueKind::kDict));
    case 0x8f:
      return push(Value::of(ValueKind::kSet));
    case ')':
      return push(Value::of(ValueKind::kTuple));
    case 'l':
      return push_marked(ValueKind::kList);
    case 't':
      return push_marked(ValueKind::kTuple);
    case 0x91:
      return push_marked(ValueKind::kSet);
    case 'd':
      return pop_mark(&items) && push(Value::of(ValueKind::kDict)) && set_items(items);
    case 0x85:
    case 0x86:
    case 0x87:
      return push_tuple(static_cast<size_t>(opcode - 0x84));
    case 'a':
      return pop(&items[0]) && append(std::move(items));
    case 's':
      return pop(&items[1]) && pop(&items[0]) && set_items(items);
    case 'u':
      return pop_mark(&items) && set_items(items);
    default:  // APPENDS, ADDITEMS
      return pop_mark(&items) && append(std::move(items));
  }
}

bool PickleReader::step_memo(unsigned char opcode) {
  uint64_t index = 0;
  const auto from_line = [&] {
    std::string_view line;
    if (!take_line(&line)) return false;
    const auto number = decimal(line);
    if (!number || *number < 0) return wrong("the number of a remembered object is malformed");
    index = static_cast<uint64_t>(*number);
    return true;
  };
  switch (opcode) {
    case 'g':
      return from_line() && recall(index);
    case 'h':
      return take_unsigned(1, &index) && recall(index);
    case 'j':
      return take_unsigned(4, &index) && recall(index);
    case 'p':
      return from_line() && remember(index);
    case 'q':
      return take_unsigned(1, &index) && remember(index);
    case 'r':
      return take_unsigned(4, &index) && remember(index);
    default:  // MEMOIZE
      return remember(memo_.size());
  }
}

bool PickleReader::step_object(unsigned char opcode) {
  std::string_view module, name;
  std::vector<ValueId> items;
  ValueId callee = 0, arguments = 0, named = 0;
  switch (opcode) {
    case 'c':
      return take_line(&module) && take_line(&name) && push_global(module, name);
    case 0x93:
      return pop_text(&name) && pop_text(&module) && push_global(module, name);
    case 'R':
    case 0x81:
      return pop(&arguments) && pop(&callee) && push_object(callee, arguments);
    case 0x92:  // NEWOBJ_EX: keyword arguments matter to no class that is understood here.
      return pop(&named) && pop(&arguments) && pop(&callee) && push_object(callee, arguments);
    case 'i': {
      if (!take_line(&module) || !take_line(&name) || !push_marked(ValueKind::kTuple)) return false;
      return pop(&arguments) && push_global(module, name) && pop(&callee) &&
             push_object(callee, arguments);
    }
    case 'o': {
      if (!pop_mark(&items)) return false;
      if (items.empty()) return wrong("an object has no class");
      Value value = Value::of(ValueKind::kTuple);
      value.items.assign(items.begin() + 1, items.end());
      return count_references(value.items.size()) && push(std::move(value)) && pop(&arguments) &&
             push_object(items[0], arguments);
    }
    case 'b': {
      if (!pop(&arguments)) return false;
      if (stack_.size() <= floor()) return wrong("the stack is empty");
      Value& object = out_->values_[stack_.back()];
      if (object.kind != ValueKind::kObject) return wrong("a state is given to what is no object");
      object.state = arguments;
      return true;
    }
    case 'P': {
      if (!take_line(&name) || !push_text(ValueKind::kText, name)) return false;
      break;
    }
    default:
      break;
  }
  if (!pop(&arguments)) return false;  // PERSID, BINPERSID
  Value value = Value::of(ValueKind::kPersistent);
  value.arguments = arguments;
  return push(std::move(value));
}

}  // namespace berth::checkpoint
