// SPDX-License-Identifier: Apache-2.0
#include "device/drm/cards.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "base/fd.h"
#include "base/text.h"

namespace berth::device::drm {

namespace {

namespace fs = std::filesystem;

template <typename Number>
std::optional<Number> number_of(std::string_view text, int base) {
  Number value{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (code != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::string driver_of(const std::string& device) {
  const auto text = read_text(device + "/uevent");
  for (const auto& line : base::split(text.value_or(""), '\n')) {
    if (line.starts_with("DRIVER=")) return line.substr(7);
  }
  return {};
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  return names;
}

}  // namespace

std::vector<Card> cards(const std::string& root, unsigned vendor) {
  std::vector<Card> found;
  const std::string all = root + "/sys/class/drm/";
  for (const auto& name : names_in(all)) {
    // "card0-HDMI-A-1" and the like are connectors.
    const auto number =
        name.starts_with("card") ? number_of<unsigned>(name.substr(4), 10) : std::nullopt;
    if (!number) continue;
    Card card;
    card.number = *number;
    card.folder = all + name;
    card.device = card.folder + "/device";
    std::error_code error;
    const auto place = fs::read_symlink(card.device, error);
    const auto address =
        error ? std::nullopt : model::parse_pci(place.filename().string());  // else no PCI device
    if (!address || read_id(card.device + "/vendor") != vendor) continue;
    card.address = *address;
    card.vendor = vendor;
    card.product = read_id(card.device + "/device").value_or(0);
    card.driver = driver_of(card.device);
    if (!card.driver.empty()) found.push_back(std::move(card));
  }
  std::sort(found.begin(), found.end(),
            [](const Card& a, const Card& b) { return a.address < b.address; });
  return found;
}

std::optional<std::string> read_text(const std::string& path) {
  const auto text = base::read_kernel_file(path);
  return text ? std::optional(base::to_utf8(base::trim(*text))) : std::nullopt;
}

std::optional<unsigned> read_id(const std::string& path) {
  const auto text = read_text(path);
  return text && text->starts_with("0x") ? number_of<unsigned>(text->substr(2), 16) : std::nullopt;
}

std::optional<std::int64_t> read_number(const std::string& path) {
  const auto text = read_text(path);
  return text ? number_of<std::int64_t>(*text, 10) : std::nullopt;
}

std::optional<std::int64_t> read_number(const std::string& path, std::string_view key) {
  const auto text = read_text(path);
  for (const auto& line : base::split(text.value_or(""), '\n')) {
    std::string_view rest = line;
    if (!rest.starts_with(key)) continue;
    rest.remove_prefix(key.size());
    if (rest.starts_with(':')) rest.remove_prefix(1);
    if (!rest.starts_with(' ') && !rest.starts_with('\t')) continue;
    return number_of<std::int64_t>(base::trim(rest), 10);
  }
  return std::nullopt;
}

std::string hwmon_folder(const std::string& device) {
  std::vector<std::string> names = names_in(device + "/hwmon");
  std::sort(names.begin(), names.end());
  const auto first = std::find_if(names.begin(), names.end(),
                                  [](const auto& name) { return name.starts_with("hwmon"); });
  return first == names.end() ? std::string() : device + "/hwmon/" + *first;
}

std::optional<std::int64_t> read_hwmon(const std::string& folder, std::string_view kind,
                                       const std::vector<std::string_view>& labels) {
  if (folder.empty()) return std::nullopt;
  constexpr int kMost = 16;
  const std::string stem = folder + '/' + std::string(kind);
  std::optional<std::size_t> rank;
  std::optional<std::int64_t> value;
  for (int i = 1; i <= kMost; ++i) {
    const auto label = read_text(stem + std::to_string(i) + "_label");
    if (!label) continue;
    const auto place = std::find(labels.begin(), labels.end(), *label);
    const auto nearer = static_cast<std::size_t>(place - labels.begin());
    if (place == labels.end() || (rank && *rank <= nearer)) continue;
    if (const auto read = read_number(stem + std::to_string(i) + "_input")) {
      rank = nearer;
      value = read;
    }
  }
  return value;
}

}  // namespace berth::device::drm
