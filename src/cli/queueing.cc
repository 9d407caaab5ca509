// SPDX-License-Identifier: Apache-2.0
#include "cli/queueing.h"

#include "base/text.h"
#include "cli/words.h"

namespace berth::cli {

namespace json = base::json;
using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

constexpr std::int64_t kMostPercent = 900;

double seconds(base::Duration duration) { return static_cast<double>(duration.count()) / 1000; }

json::object to_json(const model::Retry& retry) {
  json::object result{{"max", retry.max},
                      {"backoff_s", seconds(retry.backoff)},
                      {"more_memory", 1 + retry.more_memory_percent / 100.0}};
  json::array on;
  for (const auto kind : retry.on) on.emplace_back(model::to_text(kind));
  if (!on.empty()) result["on"] = std::move(on);
  return result;
}

base::Status add_ids(json::object& body, const char* field, const char* option,
                     const std::vector<std::string>& ids) {
  if (ids.empty()) return {};
  auto session = Session::open();
  if (!session) return fail(session.error());
  json::array full;
  for (const std::string& id : ids) {
    auto task = session->task(id);
    if (!task) {
      base::Error error = task.error();
      if (error.code == ErrorCode::kNotFound) error.message = tr("{}: {}", {option, error.message});
      return fail(std::move(error));
    }
    full.emplace_back(base::string_or(*task, "task_id"));
  }
  body[field] = std::move(full);
  return {};
}

}  // namespace

Result<std::set<model::FailureKind>> parse_failures(const std::string& text) {
  std::set<model::FailureKind> kinds;
  for (const std::string& part : base::split(text, ',')) {
    const std::string word(base::trim(part));
    const auto kind = model::failure_kind_from_text(word);
    if (!kind) {
      return fail(
          ErrorCode::kSchemaViolation,
          "\"" + word +
              "\" is none of exit, out_of_memory, timeout, device_lost, launch_failed, lost");
    }
    kinds.insert(*kind);
  }
  return kinds;
}

Result<int> parse_more_memory(const std::string& text) {
  const auto percent = text.ends_with('%')
                           ? base::parse_number(std::string_view(text).substr(0, text.size() - 1))
                           : std::nullopt;
  if (!percent || *percent < 0 || *percent > kMostPercent) {
    return fail(
        ErrorCode::kSchemaViolation,
        "\"" + text + "\" is no percentage from 0% to 900%: write 50% for half as much again");
  }
  return static_cast<int>(*percent);
}

Result<std::vector<std::string>> parse_ids(const std::string& text) {
  std::vector<std::string> ids;
  for (const std::string& part : base::split(text, ',')) {
    ids.emplace_back(base::trim(part));
    if (ids.back().empty()) {
      return fail(ErrorCode::kSchemaViolation,
                  "\"" + text + "\" has an empty id: write one id, or several with commas");
    }
  }
  return ids;
}

base::Status add_queueing(json::object& body, const Queueing& queueing) {
  if (queueing.retry.max > 0) body["retry"] = to_json(queueing.retry);
  if (queueing.hold) body["hold"] = true;
  if (!queueing.pool.empty()) body["pool"] = queueing.pool;
  if (queueing.group_by_kind) body["group_by_kind"] = true;
  if (queueing.cpu_after)
    body["fallback"] = json::object{{"to", "cpu"}, {"after_s", seconds(*queueing.cpu_after)}};
  if (auto added = add_ids(body, "after", "--after", queueing.after); !added) return added;
  return add_ids(body, "after_any", "--after-any", queueing.after_any);
}

}  // namespace berth::cli
