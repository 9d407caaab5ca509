// SPDX-License-Identifier: Apache-2.0
// One connection to the daemon: where it is, who we are, and how its errors become ours.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "http/client.h"

namespace berth::cli {

/// The exit statuses of docs/cli (contract, section 4).
inline constexpr int kDone = 0;
inline constexpr int kTaskFailed = 1;
inline constexpr int kWrongUsage = 2;
inline constexpr int kNotReachable = 3;
inline constexpr int kNotFound = 4;
inline constexpr int kRefused = 5;
/// `run` and `wait`, whose other statuses are the command's: Berth itself failed, whatever the
/// reason (docker run, env and nohup have this number too).
inline constexpr int kBerthFailed = 125;

/// BERTH_URL, else http://127.0.0.1:8000.
std::string daemon_url();
/// BERTH_TOKEN, else the first readable of $BERTH_STATE_DIR/token, /var/lib/berth/token and
/// ~/.local/state/berth/token; empty when there is none.
std::string daemon_token();

/// What an error answer says, in one or more lines: its "detail", also in pydantic's form.
std::string problem(const http::ClientResponse& response);
/// The answer as an Error whose code has that HTTP status.
base::Error error_of(const http::ClientResponse& response);

/// kNotFound: `first_line`, then the first of `ids`, which all fit.
base::Error ambiguous(std::string first_line, const std::vector<std::string>& ids);

/// Prints "berth: <message>" to standard error; returns the exit status of the error's code.
int report(const base::Error& error);
/// As report(), for `run` and `wait`.
inline int report_own_failure(const base::Error& error) {
  (void)report(error);
  return kBerthFailed;
}

class Session {
 public:
  /// Connects. kNotReachable when nobody answers there.
  static base::Result<Session> open();

  base::Result<base::json::value> get(std::string_view path) { return call("GET", path, {}); }
  base::Result<base::json::value> post(std::string_view path, const base::json::object& body);
  base::Result<base::json::value> post(std::string_view path) { return call("POST", path, "{}"); }
  base::Result<base::json::value> remove(std::string_view path) { return call("DELETE", path, {}); }
  /// get(), the answer being an object.
  base::Result<base::json::object> object(std::string_view path);

  /// The TaskResponse of an id or of an unambiguous beginning of one; of an array's id the array,
  /// of "<beginning>_<index>" one of its tasks. kNotFound when there is none or the beginning fits
  /// several (the message lists them).
  base::Result<base::json::object> task(std::string_view id);

  /// An answer that goes on; see http::Client::stream. `idle` 0: any silence is fine. Events go on
  /// after `last_event_id`.
  base::Result<http::ClientResponse> stream(
      std::string_view path, const std::function<bool(std::string_view)>& on_data,
      std::chrono::milliseconds idle = std::chrono::milliseconds(0),
      std::string_view last_event_id = {});

 private:
  explicit Session(http::Client client) : client_(std::move(client)) {}
  base::Result<base::json::value> call(std::string_view method, std::string_view path,
                                       std::string_view body);

  http::Client client_;
};

/// "/api/v2/tasks/<id><rest>" with the id encoded.
std::string task_path(std::string_view id, std::string_view rest = {});

/// `path` against the current directory, "." and ".." and double slashes resolved without following
/// links.
std::string absolute_path(const std::string& path);

}  // namespace berth::cli
