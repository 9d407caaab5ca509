// SPDX-License-Identifier: Apache-2.0
#include "base/account.h"

#include <grp.h>
#include <pwd.h>

#include <array>
#include <functional>

#include "base/text.h"

namespace berth::base {

namespace {

using Lookup = std::function<int(passwd*, char*, std::size_t, passwd**)>;

std::optional<Account> look_up(const Lookup& lookup) {
  std::array<char, 16384> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (lookup(&entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
    return std::nullopt;
  const auto text = [](const char* from) { return std::string(from == nullptr ? "" : from); };
  return Account{to_utf8(text(found->pw_name)), found->pw_uid, found->pw_gid, text(found->pw_dir),
                 text(found->pw_shell)};
}

}  // namespace

std::optional<Account> account_of(uid_t uid) {
  return look_up([uid](passwd* entry, char* buffer, std::size_t size, passwd** found) {
    return ::getpwuid_r(uid, entry, buffer, size, found);
  });
}

std::optional<Account> account_named(const std::string& name) {
  return look_up([&](passwd* entry, char* buffer, std::size_t size, passwd** found) {
    return ::getpwnam_r(name.c_str(), entry, buffer, size, found);
  });
}

std::string user_name(uid_t uid) {
  const auto account = account_of(uid);
  return account ? account->name : std::to_string(uid);
}

std::string group_name(gid_t gid) {
  std::array<char, 65536> buffer{};
  group entry{};
  group* found = nullptr;
  const bool known =
      ::getgrgid_r(gid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr;
  return known ? to_utf8(found->gr_name) : std::to_string(gid);
}

std::vector<gid_t> groups_of(const Account& account) {
  int count = 64;
  std::vector<gid_t> groups(static_cast<std::size_t>(count));
  // The second call, with room for as many as the first one counted, is enough.
  for (int tries = 0; tries < 2; ++tries) {
    if (::getgrouplist(account.name.c_str(), account.gid, groups.data(), &count) >= 0) break;
    groups.resize(static_cast<std::size_t>(count));
  }
  groups.resize(static_cast<std::size_t>(count));
  return groups;
}

}  // namespace berth::base
