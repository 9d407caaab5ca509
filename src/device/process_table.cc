// SPDX-License-Identifier: Apache-2.0
#include "device/process_table.h"

#include <sys/stat.h>

#include <algorithm>

#include "base/account.h"
#include "base/text.h"

namespace berth::device {

const ProcessText& ProcessTable::describe(int pid, bool verify) {
  const auto moment = Clock::now();
  forget_unused(moment);
  const auto [place, fresh] = entries_.try_emplace(pid);
  Entry& entry = place->second;
  entry.used = moment;
  if (!fresh && !verify) return entry.text;
  std::string now = identity(pid);
  if (fresh || now != entry.identity) {
    entry.identity = std::move(now);
    entry.text = entry.identity.empty() ? ProcessText{} : read(pid);
  }
  return entry.text;
}

void ProcessTable::forget_unused(Clock::time_point now) {
  static constexpr std::chrono::seconds kKeep{30};
  if (now - tidied_ < kKeep) return;
  tidied_ = now;
  std::erase_if(entries_, [now](const auto& item) { return now - item.second.used > kKeep; });
}

/// "<start time> <short name>" of /proc/<pid>/stat; empty when there is no such process.
std::string ProcessTable::identity(int pid) const {
  const auto stat = base::read_file(proc_ + std::to_string(pid) + "/stat", 8192);
  if (!stat) return {};
  // The short name may hold spaces and brackets: fields are counted from the last bracket. The
  // start time is field 22, the 20th after the name.
  const auto open = stat->find('(');
  const auto close = stat->rfind(')');
  if (open == std::string::npos || close == std::string::npos || close < open) return {};
  const auto fields = base::split(base::trim(std::string_view(*stat).substr(close + 1)), ' ');
  if (fields.size() < 20) return {};
  return fields[19] + ' ' + stat->substr(open + 1, close - open - 1);
}

ProcessText ProcessTable::read(int pid) {
  ProcessText text;
  const std::string folder = proc_ + std::to_string(pid);
  if (auto command = base::read_file(folder + "/cmdline", 1U << 20U)) {
    std::replace(command->begin(), command->end(), '\0', ' ');
    command->resize(std::min(command->size(), kCommandLimit));
    text.command = base::to_utf8(base::trim(*command));
  }
  struct stat status{};
  if (::stat(folder.c_str(), &status) == 0) text.user = user_name(status.st_uid);
  return text;
}

const std::string& ProcessTable::user_name(uid_t uid) {
  const auto [place, fresh] = users_.try_emplace(uid);
  if (fresh) place->second = base::user_name(uid);
  return place->second;
}

}  // namespace berth::device
