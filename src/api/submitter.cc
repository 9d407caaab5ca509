// SPDX-License-Identifier: Apache-2.0
#include "api/submitter.h"

#include <sys/resource.h>
#include <unistd.h>

#include <optional>

#include "base/account.h"

namespace berth::api {

namespace {

constexpr const char* kServiceUser = "berth";

struct Submitter {
  std::string name;
  std::optional<model::RunAs> run_as;
};

bool is_root() { return ::geteuid() == 0; }

// What the process may use. One that has ended meanwhile has no limits to hand on.
std::map<int, std::pair<std::uint64_t, std::uint64_t>> limits_of(pid_t pid) {
  std::map<int, std::pair<std::uint64_t, std::uint64_t>> limits;
  for (int resource = 0; resource < static_cast<int>(RLIM_NLIMITS); ++resource) {
    rlimit limit{};
    if (::prlimit(pid, static_cast<__rlimit_resource>(resource), nullptr, &limit) != 0) return {};
    rlimit ours{};
    ::getrlimit(static_cast<__rlimit_resource>(resource), &ours);
    if (limit.rlim_cur != ours.rlim_cur || limit.rlim_max != ours.rlim_max)
      limits[resource] = {limit.rlim_cur, limit.rlim_max};
  }
  return limits;
}

Submitter submitter_of(const http::Request& request) {
  const http::Peer& peer = request.peer;
  if (peer.unix_socket && peer.uid) {
    Submitter who{base::user_name(*peer.uid), std::nullopt};
    if (!is_root() || *peer.uid == 0) return who;
    who.run_as = model::RunAs{*peer.uid, peer.gid.value_or(*peer.uid), {}};
    if (peer.pid) who.run_as->limits = limits_of(*peer.pid);
    return who;
  }
  if (!request.authenticated && is_root()) {
    if (const auto account = base::account_named(kServiceUser))
      return {account->name, model::RunAs{account->uid, account->gid, {}}};
  }
  return {base::user_name(::geteuid()), std::nullopt};
}

}  // namespace

std::string user_of(const http::Request& request) { return submitter_of(request).name; }

void set_submitter(const http::Request& request, model::TaskRecord& record) {
  Submitter who = submitter_of(request);
  record.request.user = std::move(who.name);
  record.run_as = std::move(who.run_as);
}

}  // namespace berth::api
