// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace berth::prepare {

/// A number for a name, the same on every machine (FNV-1a, 64 bits), to make seeds from: what
/// happens to a file depends on its name, not on how many others there are.
inline uint64_t name_hash(const std::string& name) {
  uint64_t hash = 0xCBF29CE484222325u;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  return hash;
}

}  // namespace berth::prepare
