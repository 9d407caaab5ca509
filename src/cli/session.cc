// SPDX-License-Identifier: Apache-2.0
#include "cli/session.h"

#include <cstdlib>
#include <filesystem>
#include <map>

#include "base/fd.h"
#include "base/text.h"
#include "cli/array_text.h"
#include "cli/screen.h"
#include "cli/width.h"
#include "cli/words.h"

namespace berth::cli {

namespace json = base::json;
using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

// The client words a failed connection in English, its cause in the middle.
base::Error in_our_words(base::Error error) {
  if (error.code != ErrorCode::kNotReachable) return error;
  const std::string url = error.context.empty() ? daemon_url() : error.context.front().second;
  const std::string begin = "cannot reach the Berth daemon at " + url + ": ";
  const auto end = error.message.find(". Start it with");
  if (!error.message.starts_with(begin) || end == std::string::npos) return error;
  const std::string cause = error.message.substr(begin.size(), end - begin.size());
  error.message =
      tr("cannot reach the Berth daemon at {}: {}. Start it with 'systemctl start berth' or "
         "'berthd', or set BERTH_URL to where it listens",
         {url, tr(cause)});
  return error;
}

// What of `task` the beginning of an id names: the task, or the array that it is one of; empty for
// neither. "0f3c8a11_3" is task 3 of an array whose id begins so.
std::string named_by(const json::object& task, std::string_view id) {
  const std::string full = base::string_or(task, "task_id");
  const std::string array = array_of(task);
  if (array.empty()) return full.starts_with(id) ? full : "";
  if (array.starts_with(id)) return array;
  const auto mark = id.rfind('_');
  const bool one = mark != std::string_view::npos && array.starts_with(id.substr(0, mark)) &&
                   full.substr(array.size()) == id.substr(mark);
  return one || full.starts_with(id) ? full : "";
}

}  // namespace

std::string daemon_url() {
  const std::string url = environment("BERTH_URL");
  return url.empty() ? "http://127.0.0.1:8000" : url;
}

std::string daemon_token() {
  if (std::string token = environment("BERTH_TOKEN"); !token.empty()) return token;
  std::vector<std::string> places;
  if (const std::string dir = environment("BERTH_STATE_DIR"); !dir.empty())
    places.push_back(dir + "/token");
  places.emplace_back("/var/lib/berth/token");
  if (const std::string home = environment("HOME"); !home.empty())
    places.push_back(home + "/.local/state/berth/token");
  for (const std::string& place : places) {
    if (const auto text = base::read_file(place, 4096)) {
      const std::string token(base::trim(*text));
      if (!token.empty()) return token;
    }
  }
  return {};
}

std::string problem(const http::ClientResponse& response) {
  const auto body = base::parse_json(response.body);
  const json::value* detail =
      body && body->is_object() ? body->as_object().if_contains("detail") : nullptr;
  if (detail == nullptr || !detail->is_array()) return response.detail();
  std::vector<std::string> lines;
  for (const json::value& item : detail->as_array()) {
    if (!item.is_object()) continue;
    std::vector<std::string> place;
    if (const json::value* loc = item.as_object().if_contains("loc");
        loc != nullptr && loc->is_array()) {
      for (const json::value& part : loc->as_array()) {
        if (part.is_string() && !(place.empty() && part.as_string() == "body"))
          place.emplace_back(part.as_string());
        else if (part.is_int64())
          place.push_back(std::to_string(part.as_int64()));
      }
    }
    const std::string where = base::join(place, ".");
    lines.push_back((where.empty() ? "" : where + ": ") + base::string_or(item.as_object(), "msg"));
  }
  return lines.empty() ? response.detail() : base::join(lines, "\n       ");
}

base::Error error_of(const http::ClientResponse& response) {
  ErrorCode code = response.status >= 500 ? ErrorCode::kInternal : ErrorCode::kBadRequest;
  for (const auto& row : base::kErrorCodes) {
    // 400, 403, 409, 500 and 503 stand for several codes with the same exit status; the first will
    // do.
    if (row.http_status == response.status) {
      code = row.code;
      break;
    }
  }
  std::string message = problem(response);
  if (message.empty())
    message = tr("the daemon answered with status {}", {std::to_string(response.status)});
  return base::Error{code, std::move(message), {}};
}

base::Error ambiguous(std::string first_line, const std::vector<std::string>& ids) {
  constexpr std::size_t kMost = 5;
  for (std::size_t i = 0; i < ids.size() && i < kMost; ++i) first_line += "\n  " + ids[i];
  if (ids.size() > kMost) first_line += "\n  ...";
  return base::Error{ErrorCode::kNotFound, std::move(first_line), {}};
}

int report(const base::Error& error) {
  std::string text;
  for (const std::string& line : base::split(error.message, '\n')) {
    text += (text.empty() ? "berth: " : "\n") + printable(line);
  }
  print_error(text + "\n");
  return base::row(error.code).exit_status;
}

Result<Session> Session::open() {
  http::ClientOptions options;
  options.token = daemon_token();
  auto client = http::Client::connect(daemon_url(), options);
  if (!client) return fail(in_our_words(client.error()));
  return Session(std::move(*client));
}

Result<json::value> Session::call(std::string_view method, std::string_view path,
                                  std::string_view body) {
  http::HeaderList headers{{"Accept-Language", std::string(language_code())}};
  if (!body.empty()) headers.emplace_back("Content-Type", "application/json");
  const auto response = client_.request(method, path, headers, body);
  if (!response) return fail(in_our_words(response.error()));
  if (!response->ok()) return fail(error_of(*response));
  auto value = base::parse_json(response->body);
  if (!value) {
    return fail(ErrorCode::kInternal, tr("{} answered with what is no JSON; is that berthd?",
                                         {client_.url() + std::string(path)}));
  }
  return value;
}

Result<json::value> Session::post(std::string_view path, const json::object& body) {
  return call("POST", path, base::to_text(body));
}

Result<json::object> Session::object(std::string_view path) {
  auto value = get(path);
  if (!value) return fail(value.error());
  if (!value->is_object()) {
    return fail(ErrorCode::kInternal, tr("{} did not answer with an object; is that berthd?",
                                         {client_.url() + std::string(path)}));
  }
  return std::move(value->as_object());
}

Result<json::object> Session::task(std::string_view id) {
  if (id.empty()) return fail(ErrorCode::kNotFound, tr("an empty task id"));
  auto exact = object(task_path(id));
  if (exact || exact.error().code != ErrorCode::kNotFound) return exact;

  constexpr int kPage = 500;
  std::map<std::string, json::object> found;
  for (std::int64_t offset = 0;; offset += kPage) {
    auto page = object("/api/v2/tasks?limit=" + std::to_string(kPage) +
                       "&offset=" + std::to_string(offset));
    if (!page) return fail(page.error());
    const json::value* tasks = page->if_contains("tasks");
    if (tasks == nullptr || !tasks->is_array() || tasks->as_array().empty()) break;
    for (const json::value& task : tasks->as_array()) {
      if (!task.is_object()) continue;
      const std::string named = named_by(task.as_object(), id);
      if (!named.empty()) found.try_emplace(named, task.as_object());
    }
    if (offset + kPage >= base::int_or(*page, "total")) break;
  }
  if (found.empty()) {
    return fail(
        ErrorCode::kNotFound,
        tr("no task's id is or begins with \"{}\" (berth ps --all lists them)", {std::string(id)}));
  }
  if (found.size() == 1) {
    auto& [full, task] = *found.begin();
    if (base::string_or(task, "task_id") == full) return std::move(task);
    return object(task_path(full));
  }
  std::vector<std::string> ids;
  for (const auto& [full, task] : found) ids.push_back(full);
  return fail(ambiguous(tr("\"{}\" fits {} tasks; give more of the id:",
                           {std::string(id), std::to_string(ids.size())}),
                        ids));
}

Result<http::ClientResponse> Session::stream(std::string_view path,
                                             const std::function<bool(std::string_view)>& on_data,
                                             std::chrono::milliseconds idle,
                                             std::string_view last_event_id) {
  http::HeaderList headers{{"Accept-Language", std::string(language_code())}};
  if (!last_event_id.empty()) headers.emplace_back("Last-Event-ID", std::string(last_event_id));
  auto answer = client_.stream("GET", path, headers, on_data, {}, idle);
  if (!answer) return fail(in_our_words(answer.error()));
  return answer;
}

std::string task_path(std::string_view id, std::string_view rest) {
  return "/api/v2/tasks/" + http::percent_encode(id) + std::string(rest);
}

std::string absolute_path(const std::string& path) {
  std::error_code code;
  const auto full = std::filesystem::absolute(path, code);
  if (code) return path;
  std::string text = full.lexically_normal().string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

}  // namespace berth::cli
