// SPDX-License-Identifier: Apache-2.0
#include "device/drm/fdinfo.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/fd.h"
#include "base/text.h"

namespace berth::device::drm {

namespace {

namespace fs = std::filesystem;

/// "1024 KiB" in bytes, "12 ns" as it is.
std::optional<std::int64_t> amount(std::string_view text) {
  text = base::trim(text);
  const auto blank = text.find(' ');
  const auto number = base::parse_number(text.substr(0, blank));
  if (!number) return std::nullopt;
  const auto unit = blank == std::string_view::npos ? "" : base::trim(text.substr(blank));
  if (unit == "KiB") return *number << 10;
  if (unit == "MiB") return *number << 20;
  if (unit == "GiB") return *number << 30;
  return number;
}

/// The card's own memory: amdgpu's and xe's "vram", "vram0", i915's "local0".
bool on_card(std::string_view region) {
  return region.starts_with("vram") || region.starts_with("local");
}

std::optional<int> busiest(const std::map<std::string, double>& shares) {
  std::optional<int> most;
  for (const auto& [name, share] : shares) {
    const int percent = static_cast<int>(std::lround(100 * std::min(1.0, share)));
    most = std::max(most.value_or(0), percent);
  }
  return most;
}

std::vector<int> all_processes(const std::string& proc) {
  std::vector<int> pids;
  std::error_code error;
  for (fs::directory_iterator entry(proc, error), end; !error && entry != end;
       entry.increment(error)) {
    if (const auto pid = base::parse_number(entry->path().filename().string()))
      pids.push_back(static_cast<int>(*pid));
  }
  return pids;
}

}  // namespace

void FdinfoReader::look(bool all, Clock::time_point now) {
  if (looked_ != Clock::time_point{} && now - looked_ < kFresh && (!all || looked_at_all_)) return;
  looked_ = now;
  looked_at_all_ = all;
  auto pids = all ? all_processes(proc_) : std::vector<int>(known_.begin(), known_.end());
  std::sort(pids.begin(), pids.end());
  std::map<Key, Client> found;
  known_.clear();
  for (const int pid : pids) look_at(pid, now, found);
  for (auto& [key, client] : found) {
    const auto before = clients_.find(key);
    if (before != clients_.end()) compare(before->second, client);
  }
  clients_ = std::move(found);
}

void FdinfoReader::look_at(int pid, Clock::time_point now, std::map<Key, Client>& found) {
  const std::string folder = proc_ + std::to_string(pid);
  std::error_code error;
  for (fs::directory_iterator entry(folder + "/fd", error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code gone;
    if (!fs::read_symlink(entry->path(), gone).native().starts_with("/dev/dri/")) continue;
    const auto text =
        base::read_kernel_file(folder + "/fdinfo/" + entry->path().filename().string());
    auto client = text ? parse(*text) : std::nullopt;
    if (!client) continue;
    known_.insert(pid);
    client->second.pid = pid;
    client->second.read = now;
    found.insert(std::move(*client));  // the first stays: the same client of a lower pid, or a dup
  }
}

std::optional<std::pair<FdinfoReader::Key, FdinfoReader::Client>> FdinfoReader::parse(
    const std::string& text) {
  std::optional<model::PciAddress> card;
  std::optional<std::int64_t> number;
  Client client;
  // Of each region what is resident, else what is allocated, else the older key for it.
  std::map<std::string, std::pair<int, std::int64_t>> regions;
  for (const auto& line : base::split(text, '\n')) {
    const auto colon = line.find(':');
    if (colon == std::string::npos || !line.starts_with("drm-")) continue;
    const std::string_view value = base::trim(std::string_view(line).substr(colon + 1));
    const std::string key = line.substr(4, colon - 4);
    const auto rest = [&](std::string_view prefix) {
      return key.starts_with(prefix) ? std::optional(key.substr(prefix.size())) : std::nullopt;
    };
    if (key == "pdev") {
      card = model::parse_pci(value);
    } else if (key == "client-id") {
      number = base::parse_number(value);
    } else if (const auto capacity = rest("engine-capacity-")) {
      client.engines[*capacity].capacity = std::max<std::int64_t>(1, amount(value).value_or(1));
    } else if (const auto engine = rest("engine-")) {
      client.engines[*engine].busy = amount(value).value_or(0);
    } else if (const auto all = rest("total-cycles-")) {
      client.engines[*all].total = amount(value);
    } else if (const auto cycles = rest("cycles-")) {
      client.engines[*cycles].busy = amount(value).value_or(0);
    } else {
      int rank = 0;
      for (const std::string_view prefix : {"memory-", "total-", "resident-"}) {
        ++rank;
        const auto region = rest(prefix);
        const auto bytes = region && on_card(*region) ? amount(value) : std::nullopt;
        if (bytes) regions[*region] = std::max(regions[*region], {rank, *bytes});
      }
    }
  }
  if (!card || !number) return std::nullopt;
  for (const auto& [region, entry] : regions) {
    client.memory = client.memory.value_or(base::Bytes{}) + base::Bytes{entry.second};
  }
  return std::pair(Key{*card, *number}, std::move(client));
}

void FdinfoReader::compare(const Client& before, Client& now) {
  const double wall = std::chrono::duration<double, std::nano>(now.read - before.read).count();
  for (auto& [name, engine] : now.engines) {
    const auto place = before.engines.find(name);
    if (place == before.engines.end()) continue;
    // The counters may go back for a moment.
    engine.busy = std::max(engine.busy, place->second.busy);
    const double passed = engine.total && place->second.total
                              ? static_cast<double>(*engine.total - *place->second.total)
                              : wall;
    if (passed <= 0) {
      engine.share = place->second.share;
      continue;
    }
    engine.share = static_cast<double>(engine.busy - place->second.busy) / passed /
                   static_cast<double>(engine.capacity);
  }
}

std::vector<ProcessUse> FdinfoReader::on(const model::PciAddress& card) const {
  struct Sum {
    std::optional<base::Bytes> memory;
    std::map<std::string, double> shares;
  };
  std::map<int, Sum> sums;
  for (const auto& [key, client] : clients_) {
    if (key.first != card) continue;
    Sum& sum = sums[client.pid];
    if (client.memory) sum.memory = sum.memory.value_or(base::Bytes{}) + *client.memory;
    for (const auto& [name, engine] : client.engines) {
      if (engine.share) sum.shares[name] += *engine.share;
    }
  }
  std::vector<ProcessUse> uses;
  for (const auto& [pid, sum] : sums) uses.push_back({pid, sum.memory, busiest(sum.shares)});
  return uses;
}

std::optional<int> FdinfoReader::busy(const model::PciAddress& card) const {
  std::map<std::string, double> shares;
  for (const auto& [key, client] : clients_) {
    for (const auto& [name, engine] : client.engines) {
      if (key.first == card && engine.share) shares[name] += *engine.share;
    }
  }
  return busiest(shares);
}

}  // namespace berth::device::drm
