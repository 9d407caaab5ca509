// SPDX-License-Identifier: Apache-2.0
#include "api/submitter.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "base/account.h"
#include "base/fd.h"
#include "base/text.h"

namespace berth::api {

namespace {

constexpr const char* kServiceUser = "berth";

struct Submitter {
  std::string name;
  std::optional<model::RunAs> run_as;
};

const std::string& own_name() {
  static const std::string name = base::user_name(::geteuid());
  return name;
}

bool is_root() { return ::geteuid() == 0; }

// One figure of /proc/PID/limits.
std::uint64_t limit_of(std::string_view text) {
  const std::string_view word = base::trim(text);
  if (word == "unlimited") return RLIM_INFINITY;
  return static_cast<std::uint64_t>(base::parse_number(word).value_or(0));
}

// What the process may use, where that differs from us. Not by prlimit(2), which takes a right that
// a container may lack; the file has fixed columns and is in the order of the resources' numbers.
// One that has ended meanwhile has no limits to hand on.
std::map<int, std::pair<std::uint64_t, std::uint64_t>> limits_of(pid_t pid) {
  constexpr std::size_t kSoft = 26, kHard = 47, kWidth = 20;
  std::map<int, std::pair<std::uint64_t, std::uint64_t>> limits;
  const auto text = base::read_file("/proc/" + std::to_string(pid) + "/limits", 16U << 10);
  if (!text) return limits;
  const auto lines = base::split(*text, '\n');
  const int count = std::min(static_cast<int>(lines.size()) - 1, static_cast<int>(RLIM_NLIMITS));
  for (int resource = 0; resource < count; ++resource) {
    const std::string& line = lines[static_cast<std::size_t>(resource) + 1];
    if (line.size() < kHard) continue;
    const std::pair theirs{limit_of(line.substr(kSoft, kWidth)),
                           limit_of(line.substr(kHard, kWidth))};
    rlimit ours{};
    ::getrlimit(static_cast<__rlimit_resource>(resource), &ours);
    if (theirs != std::pair<std::uint64_t, std::uint64_t>{ours.rlim_cur, ours.rlim_max})
      limits[resource] = theirs;
  }
  return limits;
}

Submitter submitter_of(const http::Request& request) {
  const http::Peer& peer = request.peer;
  if (peer.unix_socket && peer.uid) {
    Submitter who{base::user_name(*peer.uid), std::nullopt};
    if (!is_root() || *peer.uid == 0) return who;
    who.run_as = model::RunAs{*peer.uid, peer.gid.value_or(*peer.uid), {}};
    return who;
  }
  if (!request.authenticated && is_root()) {
    static const auto service_user = base::account_named(kServiceUser);
    if (service_user)
      return {service_user->name, model::RunAs{service_user->uid, service_user->gid, {}}};
  }
  return {own_name(), std::nullopt};
}

}  // namespace

std::string user_of(const http::Request& request) { return submitter_of(request).name; }

void set_submitter(const http::Request& request, model::TaskRecord& record) {
  Submitter who = submitter_of(request);
  record.request.user = std::move(who.name);
  record.run_as = std::move(who.run_as);
  if (record.run_as && request.peer.pid) record.run_as->limits = limits_of(*request.peer.pid);
}

}  // namespace berth::api
