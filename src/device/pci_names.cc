// SPDX-License-Identifier: Apache-2.0
#include "device/pci_names.h"

#include <cstdio>
#include <string_view>

#include "base/fd.h"
#include "base/text.h"

namespace berth::device {

std::optional<std::string> pci_name(const std::string& root, unsigned vendor, unsigned product) {
  char vendor_line[16], product_line[16];
  std::snprintf(vendor_line, sizeof vendor_line, "%04x  ", vendor);
  std::snprintf(product_line, sizeof product_line, "\t%04x  ", product);
  for (const char* path : {"/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids"}) {
    const auto text = base::read_file(root + path);
    if (!text) continue;
    bool inside = false;
    std::string_view rest = *text;
    while (!rest.empty()) {
      const auto end = rest.find('\n');
      const auto line = rest.substr(0, end);
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
      if (line.empty() || line.starts_with('#')) continue;
      if (!line.starts_with('\t')) {
        if (inside) break;
        inside = line.starts_with(vendor_line);
      } else if (inside && line.starts_with(product_line)) {
        return base::to_utf8(base::trim(line.substr(7)));
      }
    }
  }
  return std::nullopt;
}

std::string pci_ids(unsigned vendor, unsigned product) {
  char text[16];
  std::snprintf(text, sizeof text, "%04x:%04x", vendor & 0xFFFFU, product & 0xFFFFU);
  return text;
}

}  // namespace berth::device
