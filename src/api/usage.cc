// SPDX-License-Identifier: Apache-2.0
// GET /api/v2/resources/usage: what tasks have used of the devices, as JSON or CSV.
#include <array>
#include <cmath>
#include <map>
#include <string>

#include "api/routes.h"
#include "api/schema.h"
#include "api/task_codec.h"
#include "api/time_range.h"
#include "base/text.h"

namespace berth::api {

namespace {

using base::json::array;
using base::json::object;
using base::json::value;

constexpr std::array<std::string_view, 14> kColumns{
    "task_id",        "name",           "user",        "kind",        "status",
    "device",         "submitted_at",   "started_at",  "finished_at", "run_s",
    "peak_memory_gb", "mean_memory_gb", "utilization", "energy_j"};

bool falls_in(const model::TaskRecord& task, const TimeRange& range) {
  if (!task.started) return false;
  const std::int64_t begin = base::to_ms(*task.started) / 1000;
  return begin < range.to && (!task.finished || base::to_ms(*task.finished) / 1000 >= range.from);
}

double run_seconds(const model::TaskRecord& task, base::Time now) {
  const auto time = task.finished.value_or(now) - *task.started;
  return static_cast<double>(time.count()) / 1000;
}

object row_of(const model::TaskRecord& task, base::Time now) {
  object row{{"task_id", task.id().value},
             {"name", task.name},
             {"user", task.request.user},
             {"kind", model::to_text(task.request.kind)},
             {"status", model::to_text(task.state)},
             {"device", task.device},
             {"submitted_at", base::iso8601(task.created)},
             {"started_at", time_or_null(task.started)},
             {"finished_at", time_or_null(task.finished)},
             {"run_s", run_seconds(task, now)}};
  for (const auto name : {"peak_memory_gb", "mean_memory_gb", "utilization", "energy_j"})
    row[name] = nullptr;
  if (task.usage) {
    const object usage = model::to_json(*task.usage);
    for (const auto name : {"peak_memory_gb", "mean_memory_gb", "utilization", "energy_j"})
      row[name] = usage.at(name);
  }
  return row;
}

std::string cell(const value& content) {
  if (content.is_null()) return "";
  std::string text =
      content.is_string() ? std::string(content.as_string()) : base::to_text(content);
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

std::string as_csv(const array& rows) {
  std::string text;
  for (const auto name : kColumns) text += (text.empty() ? "" : ",") + std::string(name);
  text += "\r\n";
  for (const value& row : rows) {
    std::string line;
    for (const auto name : kColumns)
      line += (name == kColumns.front() ? "" : ",") + cell(row.as_object().at(name));
    text += line + "\r\n";
  }
  return text;
}

// What every user has used in all.
object totals(const array& rows) {
  struct Sum {
    std::int64_t tasks = 0;
    double run_s = 0, energy_j = 0;
  };
  std::map<std::string, Sum> sums;
  for (const value& row : rows) {
    Sum& sum = sums[base::string_or(row.as_object(), "user")];
    ++sum.tasks;
    sum.run_s += base::double_or(row.as_object(), "run_s");
    sum.energy_j += base::double_or(row.as_object(), "energy_j");
  }
  object result;
  for (const auto& [user, sum] : sums)
    result[user] = object{{"tasks", sum.tasks},
                          {"run_s", std::round(sum.run_s * 1000) / 1000},
                          {"energy_j", std::round(sum.energy_j * 10) / 10}};
  return result;
}

http::Response usage(const Service& service, const http::Request& request, const TimeRange& range,
                     bool csv) {
  const std::string user(request.query.get("user"));
  array rows;
  for (const auto& [sequence, task] : service.records()) {
    if (falls_in(*task, range) && (user.empty() || task->request.user == user))
      rows.push_back(row_of(*task, service.now()));
  }
  if (csv) {
    http::Response response;
    response.content_type = "text/csv; charset=utf-8";
    response.body = as_csv(rows);
    return response;
  }
  const auto text = [](std::int64_t seconds) {
    return base::iso8601(base::from_ms(seconds * 1000));
  };
  object users = totals(rows);
  return json_response(object{{"from", text(range.from)},
                              {"to", text(range.to)},
                              {"users", std::move(users)},
                              {"tasks", std::move(rows)}});
}

}  // namespace

void add_usage_routes(http::Router& router, Service& service) {
  router.add("GET", "/api/v2/resources/usage",
             [&service](const http::Request& request, http::Exchange exchange) {
               const auto range =
                   read_time_range(request, service.now(), std::chrono::hours(24 * 30));
               if (!range) return exchange.fail(range.error());
               const auto csv = wants_csv(request);
               if (!csv) return exchange.fail(csv.error());
               exchange.respond(usage(service, request, *range, *csv));
             });
}

}  // namespace berth::api
