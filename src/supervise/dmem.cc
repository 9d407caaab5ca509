// SPDX-License-Identifier: Apache-2.0
#include "supervise/dmem.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/fd.h"
#include "base/text.h"

namespace berth::supervise {

namespace {

using base::fail;

constexpr std::size_t kSmallFile = 1U << 16U;

bool has_word(const std::string& path, std::string_view word) {
  const auto text = base::read_file(path, kSmallFile);
  if (!text) return false;
  const auto words = base::split(base::trim(*text), ' ');
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Never makes a file: what is no cgroup stays as it was.
base::Status write_line(const std::string& path, std::string_view line) {
  const base::Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.valid()) return fail(base::errno_error("cannot open " + path, errno));
  if (::write(fd.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()))
    return fail(base::errno_error("cannot write " + path, errno));
  return {};
}

/// "drm/0000:03:00.0/vram0 8514437120", "nvidia/0000:17:00.0/vidmem 25769803776".
std::optional<Dmem::Region> parse_region(std::string_view line) {
  const auto blank = line.find(' ');
  if (blank == std::string_view::npos) return std::nullopt;
  const auto name = line.substr(0, blank);
  const auto parts = base::split(name, '/');
  if (parts.size() != 3) return std::nullopt;
  const bool drm = parts[0] == "drm" && parts[2].starts_with("vram");
  const bool nvidia = parts[0] == "nvidia" && parts[2] == "vidmem";
  if (!drm && !nvidia) return std::nullopt;  // memory of the machine: "stolen", "mapped"
  const auto gpu = model::parse_pci(parts[1]);
  const auto capacity = base::parse_number(std::string(base::trim(line.substr(blank + 1))));
  if (!gpu || !capacity) return std::nullopt;
  return Dmem::Region{std::string(name), *gpu, base::Bytes{*capacity}, nvidia};
}

/// Hands the controller down to the children of `cgroup`.
base::Status switch_on(const std::string& cgroup) {
  const std::string control = cgroup + "/cgroup.subtree_control";
  if (has_word(control, "dmem")) return {};
  return write_line(control, "+dmem");
}

}  // namespace

Dmem Dmem::detect(const std::string& mount, const std::string& parent) {
  Dmem dmem;
  const auto refuse = [&](std::string why) {
    dmem.text_ = std::move(why);
    return dmem;
  };
  if (parent.empty()) return refuse("no cgroup v2 for the tasks");
  if (!has_word(mount + "/cgroup.controllers", "dmem"))
    return refuse("this kernel has no dmem controller in cgroup v2");
  const auto capacity = base::read_file(mount + "/dmem.capacity", kSmallFile);
  if (!capacity) return refuse(capacity.error().message);
  std::vector<Region> regions;
  for (const auto& line : base::split(*capacity, '\n')) {
    if (auto region = parse_region(line)) regions.push_back(std::move(*region));
  }
  if (regions.empty()) return refuse("no driver here has its memory under the dmem controller");
  // Our own cgroup must have been given the controller: whoever manages the ones above (systemd)
  // does not want others to write there.
  const std::string own = parent.substr(0, parent.rfind('/'));
  if (!has_word(own + "/cgroup.controllers", "dmem"))
    return refuse("the dmem controller is not delegated to " + own);
  for (const auto& cgroup : {own, parent}) {
    // The kernel refuses the first (EBUSY) while processes, such as this daemon, live in it and it
    // is not the root: systemd's Delegate= with DelegateSubgroup= keeps them out of it.
    if (auto status = switch_on(cgroup); !status) return refuse(status.error().message);
  }
  dmem.regions_ = std::move(regions);
  dmem.text_ = "dmem";
  return dmem;
}

bool Dmem::knows(const model::PciAddress& gpu) const {
  return std::any_of(regions_.begin(), regions_.end(),
                     [&](const Region& region) { return region.gpu == gpu && !region.by_driver; });
}

base::Status Dmem::limit(const std::string& cgroup, const model::PciAddress& gpu,
                         base::Bytes limit) const {
  for (const auto& region : regions_) {
    if (region.gpu != gpu || region.by_driver) continue;
    auto status = write_line(cgroup + "/dmem.max", region.name + " " + std::to_string(limit.value));
    if (!status) return status;
  }
  return {};
}

}  // namespace berth::supervise
