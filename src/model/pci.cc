// SPDX-License-Identifier: Apache-2.0
#include "model/pci.h"

#include <charconv>
#include <cstdio>

#include "base/text.h"

namespace berth::model {

namespace {

std::optional<unsigned> hexadecimal(std::string_view text) {
  unsigned value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (code != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<PciAddress> parse_pci(std::string_view text) {
  const auto parts = base::split(text, ':');
  if (parts.size() != 3) return std::nullopt;
  const auto dot = parts[2].find('.');
  if (dot == std::string::npos) return std::nullopt;
  const auto domain = hexadecimal(parts[0]);
  const auto bus = hexadecimal(parts[1]);
  const auto device = hexadecimal(parts[2].substr(0, dot));
  const auto function = hexadecimal(parts[2].substr(dot + 1));
  if (!domain || !bus || !device || !function) return std::nullopt;
  return PciAddress{*domain, *bus, *device, *function};
}

std::string to_text(const PciAddress& address) {
  char text[40];
  std::snprintf(text, sizeof text, "%04x:%02x:%02x.%x", address.domain, address.bus, address.device,
                address.function);
  return text;
}

}  // namespace berth::model
