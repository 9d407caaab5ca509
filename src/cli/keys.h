// SPDX-License-Identifier: Apache-2.0
// What was typed, out of the bytes that a terminal sends.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace berth::cli {

enum class Key : std::uint8_t {
  kText,  // a character, in UTF-8
  kUp,
  kDown,
  kPageUp,
  kPageDown,
  kHome,
  kEnd,
  kEnter,
  kEscape,
  kTab,
  kBackspace,
  kInterrupt,  // Ctrl-C
};

struct Pressed {
  Key key = Key::kText;
  std::string text = {};  // of kText
  bool operator==(const Pressed&) const = default;
};

/// Takes whole keys from the front of `bytes`; the begin of one stays, unless nothing more has come
/// for a while (`complete`): then an escape alone is the key of that name. Sequences that mean
/// nothing here are passed over.
std::vector<Pressed> take_keys(std::string& bytes, bool complete);

}  // namespace berth::cli
