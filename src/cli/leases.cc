// SPDX-License-Identifier: Apache-2.0
#include "cli/lease_text.h"
#include "cli/members.h"
#include "cli/screen.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "cli/words.h"
#include "http/client.h"

namespace berth::cli {

namespace json = base::json;
using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

constexpr std::string_view kRoute = "/api/v2/leases";

std::string lease_path(const std::string& id, std::string_view rest = {}) {
  return std::string(kRoute) + "/" + http::percent_encode(id) + std::string(rest);
}

// The lease's id in full, of the beginning of one.
Result<std::string> full_id(Session& session, const std::string& id) {
  const auto answer = session.object(kRoute);
  if (!answer) return fail(answer.error());
  std::vector<std::string> found;
  const json::array* leases = array_in(*answer, "leases");
  for (std::size_t i = 0; leases != nullptr && i < leases->size(); ++i) {
    const std::string full = base::string_or((*leases)[i].as_object(), "lease_id");
    if (full == id) return full;
    if (!id.empty() && full.starts_with(id)) found.push_back(full);
  }
  if (found.size() == 1) return found.front();
  if (!found.empty())
    return fail(ambiguous(
        tr("\"{}\" fits {} leases; give more of the id:", {id, std::to_string(found.size())}),
        found));
  return fail(ErrorCode::kNotFound,
              tr("no lease's id is or begins with \"{}\" (berth leases lists them)", {id}));
}

Result<json::value> renew(Session& session, const std::string& id,
                          const std::optional<base::Duration>& time) {
  json::object body;
  if (time) body["ttl_s"] = static_cast<double>(time->count()) / 1000;
  return session.post(lease_path(id, "/renew"), body);
}

int renew_lease(Session& session, const LeasesOptions& options) {
  const auto id = full_id(session, options.ids.front());
  const auto lease = id ? renew(session, *id, options.time) : fail(id.error());
  if (!lease) return report(lease.error());
  print(options.json || !lease->is_object() ? base::to_text(*lease)
                                            : lease_text(lease->as_object(), base::now()));
  print("\n");
  return kDone;
}

// Goes on after a failure and ends with the first one's status.
int end_leases(Session& session, const LeasesOptions& options) {
  int status = kDone;
  for (const std::string& given : options.ids) {
    const auto id = full_id(session, given);
    const auto answer = id ? session.remove(lease_path(*id)) : fail(id.error());
    if (answer) {
      print(options.json ? base::to_text(*answer) + "\n" : tr("lease {} ended", {*id}) + "\n");
    } else {
      const int own = report(answer.error());
      if (status == kDone) status = own;
    }
  }
  return status;
}

int list_leases(Session& session, const LeasesOptions& options) {
  const auto answer = session.object(kRoute);
  if (!answer) return report(answer.error());
  if (options.json) {
    print(base::to_text(*answer) + "\n");
    return kDone;
  }
  const std::string text = render_leases(*answer, base::now(), screen_of(1));
  if (!text.empty())
    print(text);
  else
    print_error(tr("nothing is leased (berth pick --hold TIME takes a lease)") + "\n");
  return kDone;
}

}  // namespace

int leases(const LeasesOptions& options) {
  auto session = Session::open();
  if (!session) return report(session.error());
  switch (options.change) {
    case LeaseChange::kRenew:
      return renew_lease(*session, options);
    case LeaseChange::kEnd:
      return end_leases(*session, options);
    case LeaseChange::kNone:
      break;
  }
  return list_leases(*session, options);
}

}  // namespace berth::cli
