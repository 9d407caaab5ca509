// SPDX-License-Identifier: Apache-2.0
// Strings that name different things are different types.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>

namespace berth::base {

template <class Tag>
struct Id {
  std::string value;

  Id() = default;
  explicit Id(std::string text) : value(std::move(text)) {}
  auto operator<=>(const Id&) const = default;
  [[nodiscard]] bool empty() const { return value.empty(); }
};

/// A random UUID (version 4) in its usual form, from the kernel's generator.
std::string random_uuid();

}  // namespace berth::base

template <class Tag>
struct std::hash<berth::base::Id<Tag>> {
  std::size_t operator()(const berth::base::Id<Tag>& id) const noexcept {
    return std::hash<std::string>{}(id.value);
  }
};
