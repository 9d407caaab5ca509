// SPDX-License-Identifier: Apache-2.0
#include "device/process_table.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/account.h"
#include "base/text.h"

namespace berth::device {

const ProcessText& ProcessTable::describe(int pid, bool verify) {
  const auto moment = Clock::now();
  forget_unused(moment);
  const auto [place, fresh] = entries_.try_emplace(pid);
  Entry& entry = place->second;
  entry.used = moment;
  if (!fresh && (!verify || moment - entry.verified < fresh_)) return entry.text;
  entry.verified = moment;
  auto now = stat(pid);
  std::string identity = now ? now->identity : std::string();
  if (fresh || identity != entry.identity) {
    entry.identity = std::move(identity);
    entry.text = now ? read(pid) : ProcessText{};
  }
  if (now) entry.text.state = state_of(pid, *now, moment);
  return entry.text;
}

void ProcessTable::forget_unused(Clock::time_point now) {
  static constexpr std::chrono::seconds kKeep{30};
  if (now - tidied_ < kKeep) return;
  tidied_ = now;
  std::erase_if(entries_, [now](const auto& item) { return now - item.second.used > kKeep; });
  leaders_.clear();
}

/// Of /proc/<pid>/stat: std::nullopt when there is no such process.
std::optional<ProcessTable::Stat> ProcessTable::stat(int pid) const {
  const auto text = base::read_kernel_file(proc_ + std::to_string(pid) + "/stat");
  if (!text) return std::nullopt;
  // The short name may hold spaces and brackets: fields are counted from the last bracket. The
  // start time is field 22, the 20th after the name.
  const auto open = text->find('(');
  const auto close = text->rfind(')');
  if (open == std::string::npos || close == std::string::npos || close < open) return std::nullopt;
  // Read for every process at every look: no list of strings is made of it.
  std::array<std::string_view, 20> fields;
  std::string_view rest = base::trim(std::string_view(*text).substr(close + 1));
  for (auto& field : fields) {
    const auto end = std::min(rest.find(' '), rest.size());
    field = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (fields.back().empty()) return std::nullopt;
  const auto number = [&](std::size_t field) {
    return static_cast<int>(base::parse_number(fields.at(field)).value_or(0));
  };
  return Stat{fields[0][0], number(1), number(2), number(3),
              std::string(fields[19]) + ' ' + text->substr(open + 1, close - open - 1)};
}

// The shell's job, or the program that forked its helpers, leads the group. Where it is gone and
// the parent is of another session (init, or who else takes in orphans), nobody waits for this one.
model::ProcessState ProcessTable::state_of(int pid, const Stat& process, Clock::time_point now) {
  using model::ProcessState;
  if (process.state == 'Z' || process.state == 'X') return ProcessState::kZombie;
  if (process.group == pid || process.group == 0 || leads(process.group, now))
    return ProcessState::kAlive;
  const auto parent = process.parent > 1 ? stat(process.parent) : std::nullopt;
  return parent && parent->session == process.session ? ProcessState::kAlive
                                                      : ProcessState::kOrphan;
}

/// Whether the leader of the group is there; asked once for all its members in a look.
bool ProcessTable::leads(int group, Clock::time_point now) {
  const auto [place, fresh] = leaders_.try_emplace(group);
  Leader& leader = place->second;
  if (fresh || now - leader.asked >= fresh_) {
    leader.asked = now;
    leader.there = ::access((proc_ + std::to_string(group)).c_str(), F_OK) == 0;
  }
  return leader.there;
}

ProcessText ProcessTable::read(int pid) {
  ProcessText text;
  const std::string folder = proc_ + std::to_string(pid);
  if (auto command = base::read_kernel_file(folder + "/cmdline")) {
    std::replace(command->begin(), command->end(), '\0', ' ');
    command->resize(std::min(command->size(), kCommandLimit));
    text.command = base::to_utf8(base::trim(*command));
  }
  text.container = container_of(pid);
  struct stat status{};
  if (::stat(folder.c_str(), &status) == 0) text.user = user_name(status.st_uid);
  return text;
}

/// Container engines name a process's cgroup after the container's id, of 64 hexadecimal digits:
/// ".../docker-<id>.scope", "/docker/<id>", ".../cri-containerd-<id>.scope", "libpod-<id>".
std::string ProcessTable::container_of(int pid) const {
  constexpr std::size_t kDigits = 64, kShown = 12;
  const auto text = base::read_kernel_file(proc_ + std::to_string(pid) + "/cgroup");
  if (!text) return {};
  std::size_t run = 0;
  for (std::size_t i = 0; i < text->size(); ++i) {
    const char c = (*text)[i];
    const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    run = digit ? run + 1 : 0;
    if (run == kDigits) return text->substr(i + 1 - kDigits, kShown);
  }
  return {};
}

const std::string& ProcessTable::user_name(uid_t uid) {
  const auto [place, fresh] = users_.try_emplace(uid);
  if (fresh) place->second = base::user_name(uid);
  return place->second;
}

}  // namespace berth::device
