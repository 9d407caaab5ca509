// SPDX-License-Identifier: Apache-2.0
// Users and groups of the machine, from its account database (which may ask the network).
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace berth::base {

struct Account {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
  std::string home;
  std::string shell;
};

/// std::nullopt for a user that the database does not know.
std::optional<Account> account_of(uid_t uid);
std::optional<Account> account_named(const std::string& name);

/// The name, or the number where there is none.
std::string user_name(uid_t uid);

std::string group_name(gid_t gid);

/// All groups of the user, its own among them.
std::vector<gid_t> groups_of(const Account& account);

}  // namespace berth::base
