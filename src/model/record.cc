// SPDX-License-Identifier: Apache-2.0
#include "model/record.h"

#include <cmath>

#include "base/json_parts.h"

namespace berth::model {

namespace {

using base::maybe_time;
using base::part;
using base::json::array;
using base::json::object;
using base::json::value;

value time_or_null(const std::optional<base::Time>& time) {
  return time ? value(base::to_ms(*time)) : value(nullptr);
}

object to_json(const Failure& failure) {
  object result{{"code", failure.code}, {"message", failure.message}, {"file", failure.file}};
  if (failure.suggested_memory) result["suggested_memory"] = failure.suggested_memory->value;
  return result;
}

Failure failure_from_json(const object& from) {
  return Failure{base::string_or(from, "code"), base::string_or(from, "message"),
                 base::string_or(from, "file"), base::maybe_bytes(from, "suggested_memory")};
}

object to_json(const RunAs& user) {
  array limits;
  for (const auto& [resource, limit] : user.limits)
    limits.push_back(array{resource, limit.first, limit.second});
  return object{{"uid", user.uid}, {"gid", user.gid}, {"limits", std::move(limits)}};
}

std::uint64_t number(const value& from) {
  if (from.is_uint64()) return from.as_uint64();
  return from.is_int64() ? static_cast<std::uint64_t>(from.as_int64()) : 0;
}

RunAs run_as_from_json(const object& from) {
  RunAs user;
  user.uid = static_cast<std::uint32_t>(base::int_or(from, "uid"));
  user.gid = static_cast<std::uint32_t>(base::int_or(from, "gid"));
  for (const value& item : base::list(from, "limits")) {
    if (!item.is_array() || item.as_array().size() != 3) continue;
    const auto& limit = item.as_array();
    user.limits[static_cast<int>(number(limit[0]))] = {number(limit[1]), number(limit[2])};
  }
  return user;
}

object stored(const Usage& usage) {
  return object{{"seconds", usage.seconds},
                {"peak_memory", base::or_null(usage.peak_memory)},
                {"mean_memory", base::or_null(usage.mean_memory)},
                {"utilization", base::or_null(usage.utilization)},
                {"energy_j", base::or_null(usage.energy_j)}};
}

Usage usage_from_json(const object& from) {
  return Usage{base::double_or(from, "seconds"), base::maybe_bytes(from, "peak_memory"),
               base::maybe_bytes(from, "mean_memory"), base::maybe_double(from, "utilization"),
               base::maybe_double(from, "energy_j")};
}

value rounded(const std::optional<double>& number, double steps) {
  return number ? value(std::round(*number * steps) / steps) : value(nullptr);
}

value gib(const std::optional<base::Bytes>& bytes) {
  return rounded(bytes ? std::optional(bytes->gib()) : std::nullopt, 100);
}

}  // namespace

object to_json(const Usage& usage) {
  return object{{"seconds", rounded(usage.seconds, 10)},
                {"peak_memory_gb", gib(usage.peak_memory)},
                {"mean_memory_gb", gib(usage.mean_memory)},
                {"utilization", rounded(usage.utilization, 10)},
                {"energy_j", rounded(usage.energy_j, 10)}};
}

object to_json(const TaskRecord& record) {
  array argv;
  for (const auto& word : record.argv) argv.push_back(value(word));
  object env;
  for (const auto& [key, text] : record.env) env[key] = text;
  object result{{"request", to_json(record.request)},
                {"type", record.type},
                {"name", record.name},
                {"description", record.description},
                {"sequence", record.sequence},
                {"parameters", record.parameters},
                {"argv", std::move(argv)},
                {"env", std::move(env)},
                {"cwd", record.cwd},
                {"state", to_text(record.state)},
                {"cancelling", record.cancelling},
                {"device", record.device},
                {"fallback", record.fallback},
                {"created", base::to_ms(record.created)},
                {"updated", base::to_ms(record.updated)},
                {"started", time_or_null(record.started)},
                {"finished", time_or_null(record.finished)},
                {"attempt", record.attempt},
                {"retries", record.retries},
                {"not_before", time_or_null(record.not_before)},
                {"held", record.held},
                {"progress", record.progress},
                {"current_epoch", base::or_null(record.current_epoch)},
                {"total_epochs", base::or_null(record.total_epochs)},
                {"latest_metrics", record.latest_metrics},
                {"result", record.result},
                {"save_path", record.save_path},
                {"log_closed", record.log_closed},
                {"kept_bytes", record.kept_bytes}};
  if (record.items_total) {
    result["items_done"] = record.items_done.value_or(0);
    result["items_total"] = *record.items_total;
  }
  if (record.run_as) result["run_as"] = to_json(*record.run_as);
  if (record.placement) result["placement"] = to_json(*record.placement);
  if (record.usage) result["usage"] = stored(*record.usage);
  if (record.exit) result["exit"] = to_json(*record.exit);
  if (record.failure) result["failure"] = to_json(*record.failure);
  if (record.last_failure) result["last_failure"] = to_json(*record.last_failure);
  return result;
}

base::Result<TaskRecord> record_from_json(const object& from) {
  TaskRecord record;
  auto request = request_from_json(part(from, "request"));
  if (!request) return base::fail(request.error());
  record.request = std::move(*request);
  record.type = base::string_or(from, "type");
  record.name = base::string_or(from, "name");
  record.description = base::string_or(from, "description");
  record.sequence = static_cast<std::uint64_t>(base::int_or(from, "sequence"));
  record.parameters = part(from, "parameters");
  if (const value* argv = from.if_contains("argv"); argv != nullptr && argv->is_array()) {
    for (const value& word : argv->as_array()) {
      if (word.is_string()) record.argv.emplace_back(word.as_string());
    }
  }
  for (const auto& entry : part(from, "env")) {
    if (entry.value().is_string()) record.env.emplace(entry.key(), entry.value().as_string());
  }
  record.cwd = base::string_or(from, "cwd");
  const auto state = task_state_from_text(base::string_or(from, "state"));
  if (!state) return base::fail(base::ErrorCode::kStoreError, "a task record without state");
  record.state = *state;
  record.cancelling = base::bool_or(from, "cancelling");
  record.device = base::string_or(from, "device");
  record.fallback = base::string_or(from, "fallback");
  record.created = base::from_ms(base::int_or(from, "created"));
  record.updated = base::from_ms(base::int_or(from, "updated"));
  record.started = maybe_time(from, "started");
  record.finished = maybe_time(from, "finished");
  record.attempt = static_cast<int>(base::int_or(from, "attempt"));
  record.retries = static_cast<int>(base::int_or(from, "retries"));
  record.not_before = maybe_time(from, "not_before");
  record.held = base::bool_or(from, "held");
  record.progress = base::double_or(from, "progress");
  record.current_epoch = base::maybe_int(from, "current_epoch");
  record.total_epochs = base::maybe_int(from, "total_epochs");
  record.items_done = base::maybe_int(from, "items_done");
  record.items_total = base::maybe_int(from, "items_total");
  record.latest_metrics = part(from, "latest_metrics");
  record.result = part(from, "result");
  record.save_path = base::string_or(from, "save_path");
  record.log_closed = base::bool_or(from, "log_closed");
  record.kept_bytes = static_cast<std::uint64_t>(base::int_or(from, "kept_bytes"));
  if (from.contains("usage")) record.usage = usage_from_json(part(from, "usage"));
  if (from.contains("placement")) {
    auto placement = placement_from_json(part(from, "placement"));
    if (!placement) return base::fail(placement.error());
    record.placement = std::move(*placement);
  }
  if (from.contains("run_as")) record.run_as = run_as_from_json(part(from, "run_as"));
  if (from.contains("exit")) record.exit = exit_from_json(part(from, "exit"));
  if (from.contains("failure")) record.failure = failure_from_json(part(from, "failure"));
  if (from.contains("last_failure"))
    record.last_failure = failure_from_json(part(from, "last_failure"));
  return record;
}

}  // namespace berth::model
