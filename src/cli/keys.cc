// SPDX-License-Identifier: Apache-2.0
#include "cli/keys.h"

#include <array>
#include <optional>
#include <string_view>
#include <utility>

namespace berth::cli {

namespace {

// Behind ESC [ or ESC O, as xterm and the Linux console send them.
constexpr std::array<std::pair<std::string_view, Key>, 14> kSequences{{
    {"A", Key::kUp},
    {"B", Key::kDown},
    {"H", Key::kHome},
    {"F", Key::kEnd},
    {"1~", Key::kHome},
    {"7~", Key::kHome},
    {"4~", Key::kEnd},
    {"8~", Key::kEnd},
    {"5~", Key::kPageUp},
    {"6~", Key::kPageDown},
    {"M", Key::kEnter},
    {"a", Key::kUp},
    {"b", Key::kDown},
    {"3~", Key::kBackspace},
}};

std::size_t utf8_length(unsigned char first) {
  return first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1;
}

// How long the sequence at the front is; nothing while it is not whole.
std::optional<std::size_t> sequence_length(std::string_view bytes) {
  if (bytes.size() < 2) return std::nullopt;
  if (bytes[1] == 'O') return bytes.size() < 3 ? std::nullopt : std::optional<std::size_t>(3);
  if (bytes[1] != '[') return 1;
  for (std::size_t i = 2; i < bytes.size(); ++i) {
    if (bytes[i] >= 0x40 && bytes[i] <= 0x7E) return i + 1;  // ECMA-48's final byte
  }
  return std::nullopt;
}

std::optional<Pressed> control(char byte) {
  switch (byte) {
    case '\r':
    case '\n':
      return Pressed{Key::kEnter};
    case '\t':
      return Pressed{Key::kTab};
    case 0x7F:
    case 0x08:
      return Pressed{Key::kBackspace};
    case 0x03:
      return Pressed{Key::kInterrupt};
    default:
      return std::nullopt;
  }
}

}  // namespace

std::vector<Pressed> take_keys(std::string& bytes, bool complete) {
  std::vector<Pressed> keys;
  while (!bytes.empty()) {
    std::size_t length = 1;
    if (bytes[0] == '\x1b') {
      const auto whole = sequence_length(bytes);
      if (!whole && !complete) break;
      length = whole.value_or(bytes.size());
      if (length == 1) {
        keys.push_back({Key::kEscape});
      } else {
        const std::string_view rest = std::string_view(bytes).substr(2, length - 2);
        for (const auto& [sequence, key] : kSequences) {
          if (rest == sequence) keys.push_back({key});
        }
      }
    } else if (static_cast<unsigned char>(bytes[0]) < 0x20 || bytes[0] == 0x7F) {
      if (const auto key = control(bytes[0])) keys.push_back(*key);
    } else {
      length = utf8_length(static_cast<unsigned char>(bytes[0]));
      if (length > bytes.size()) {
        if (!complete) break;
        length = bytes.size();
      }
      keys.push_back({Key::kText, bytes.substr(0, length)});
    }
    bytes.erase(0, length);
  }
  return keys;
}

}  // namespace berth::cli
