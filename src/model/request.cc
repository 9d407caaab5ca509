// SPDX-License-Identifier: Apache-2.0
#include "model/request.h"

#include <array>

#include "base/text.h"

namespace berth::model {

namespace {

constexpr std::array<std::string_view, 3> kKinds{"training", "inference", "command"};
constexpr std::array<std::string_view, 6> kPolicies{"balanced", "most_free", "least_loaded",
                                                    "pack",     "spread",    "fastest"};

constexpr std::array<std::string_view, 6> kFailureKinds{"exit",        "out_of_memory", "timeout",
                                                        "device_lost", "launch_failed", "lost"};

struct Prefix {
  std::string_view text;
  Vendor vendor;
};
constexpr std::array<Prefix, 5> kPrefixes{{{"cuda", Vendor::kNvidia},
                                           {"rocm", Vendor::kAmd},
                                           {"hip", Vendor::kAmd},
                                           {"xpu", Vendor::kIntel},
                                           {"npu", Vendor::kAscend}}};

base::Result<Selector::Named> parse_named(const std::string& part, std::string_view whole) {
  Selector::Named named;
  if (part.rfind("gpu-", 0) == 0 || part.rfind("mig-", 0) == 0) {
    if (part.size() > 4) {
      named.uuid_prefix = part;
      return named;
    }
  }
  const auto colon = part.find(':');
  if (colon != std::string::npos) {
    for (const Prefix& prefix : kPrefixes) {
      if (part.compare(0, colon, prefix.text) != 0) continue;
      const std::string_view numbers = std::string_view(part).substr(colon + 1);
      const auto second = numbers.find(':');
      const auto index = base::parse_number(numbers.substr(0, second));
      if (!index || *index > 100'000) break;
      named.vendor = prefix.vendor;
      named.index = static_cast<int>(*index);
      if (second == std::string_view::npos) return named;
      // As NVIDIA's own tools write a MIG device: GPU 0, instance 1.
      const auto instance = base::parse_number(numbers.substr(second + 1));
      if (prefix.vendor != Vendor::kNvidia || !instance || *instance > 1'000) break;
      named.instance = static_cast<int>(*instance);
      return named;
    }
  }
  return base::fail(base::ErrorCode::kSchemaViolation,
                    "\"" + std::string(whole) +
                        "\" is not a device: write auto, cpu, cuda, cuda:N, rocm:N, xpu:N, "
                        "npu:N, GPU-<uuid>, cuda:N:M or MIG-<uuid> for a MIG instance, or several "
                        "of these with commas");
}

}  // namespace

std::string_view to_text(Kind kind) { return kKinds.at(static_cast<std::size_t>(kind)); }

std::optional<Kind> kind_from_text(std::string_view text) {
  for (std::size_t i = 0; i < kKinds.size(); ++i) {
    if (kKinds[i] == text) return static_cast<Kind>(i);
  }
  return std::nullopt;
}

std::string_view to_text(Policy policy) { return kPolicies.at(static_cast<std::size_t>(policy)); }

std::optional<Policy> policy_from_text(std::string_view text) {
  for (std::size_t i = 0; i < kPolicies.size(); ++i) {
    if (kPolicies[i] == text) return static_cast<Policy>(i);
  }
  return std::nullopt;
}

std::string_view to_text(FailureKind kind) {
  return kFailureKinds.at(static_cast<std::size_t>(kind));
}

std::optional<FailureKind> failure_kind_from_text(std::string_view text) {
  for (std::size_t i = 0; i < kFailureKinds.size(); ++i) {
    if (kFailureKinds[i] == text) return static_cast<FailureKind>(i);
  }
  return std::nullopt;
}

bool Retry::covers(FailureKind kind) const {
  return on.empty() ? kind != FailureKind::kTimeout : on.contains(kind);
}

base::Result<Selector> parse_selector(std::string_view text) {
  Selector selector;
  selector.text = std::string(base::trim(text));
  const std::string lower = base::lower(selector.text);
  if (lower.empty() || lower == "auto") return selector;
  if (lower == "cpu") {
    selector.mode = Selector::Mode::kCpu;
    selector.vendor = Vendor::kCpu;
    return selector;
  }
  for (const Prefix& prefix : kPrefixes) {
    if (lower == prefix.text) {
      selector.mode = Selector::Mode::kVendor;
      selector.vendor = prefix.vendor;
      return selector;
    }
  }
  selector.mode = Selector::Mode::kNamed;
  for (const std::string& part : base::split(lower, ',')) {
    auto named = parse_named(std::string(base::trim(part)), selector.text);
    if (!named) return base::fail(named.error());
    selector.named.push_back(std::move(*named));
  }
  return selector;
}

namespace {

base::json::object to_json(const Retry& retry) {
  base::json::array on;
  for (const auto kind : retry.on) on.emplace_back(to_text(kind));
  return base::json::object{{"max", retry.max},
                            {"backoff_ms", retry.backoff.count()},
                            {"on", std::move(on)},
                            {"more_memory_percent", retry.more_memory_percent}};
}

Retry retry_from_json(const base::json::object& from) {
  Retry retry;
  retry.max = static_cast<int>(base::int_or(from, "max"));
  retry.backoff = base::Duration{base::int_or(from, "backoff_ms", retry.backoff.count())};
  retry.more_memory_percent = static_cast<int>(base::int_or(from, "more_memory_percent"));
  if (const auto* on = from.if_contains("on"); on != nullptr && on->is_array()) {
    for (const auto& word : on->as_array()) {
      if (!word.is_string()) continue;
      if (const auto kind = failure_kind_from_text(std::string_view(word.as_string())))
        retry.on.insert(*kind);
    }
  }
  return retry;
}

std::vector<Dependency> dependencies_from_json(const base::json::object& from) {
  std::vector<Dependency> after;
  const auto* list = from.if_contains("after");
  if (list == nullptr || !list->is_array()) return after;
  for (const auto& entry : list->as_array()) {
    if (!entry.is_object()) continue;
    const auto& dependency = entry.as_object();
    after.push_back(
        {TaskId(base::string_or(dependency, "task")), base::bool_or(dependency, "any")});
  }
  return after;
}

// What most requests do not say is left out: a journal of 100,000 tasks is read at each start.
void add_rarer(const Request& request, base::json::object& to) {
  if (!request.user.empty()) to["user"] = request.user;
  if (!request.pool.empty()) to["pool"] = request.pool;
  if (request.group_by_kind) to["group_by_kind"] = true;
  if (request.hold) to["hold"] = true;
  if (!(request.retry == Retry{})) to["retry"] = to_json(request.retry);
  if (request.cpu_after) to["cpu_after_ms"] = request.cpu_after->count();
  if (!request.memory_by_history) to["memory_by_history"] = false;
  if (request.time_limit) to["time_limit_ms"] = request.time_limit->count();
  if (request.memory_percent != 0) to["memory_percent"] = request.memory_percent;
  if (request.memory_estimate) to["memory_estimate"] = request.memory_estimate->value;
  if (request.array) {
    to["array"] = base::json::object{{"id", request.array->array},
                                     {"index", request.array->index},
                                     {"size", request.array->size},
                                     {"at_once", request.array->at_once}};
  }
  if (request.after.empty()) return;
  base::json::array after;
  for (const auto& dependency : request.after) {
    after.push_back(base::json::object{{"task", dependency.task.value}, {"any", dependency.any}});
  }
  to["after"] = std::move(after);
}

}  // namespace

base::json::object to_json(const Request& request) {
  base::json::object result{{"id", request.id.value},
                            {"kind", to_text(request.kind)},
                            {"device", request.selector.text},
                            {"gpus", request.gpus},
                            {"memory", base::or_null(request.memory)},
                            {"gpu_type", request.gpu_type},
                            {"exclusive", request.exclusive},
                            {"builtin", request.builtin},
                            {"policy", to_text(request.policy)},
                            {"priority", request.priority},
                            {"signature", request.signature}};
  add_rarer(request, result);
  return result;
}

base::Result<Request> request_from_json(const base::json::object& from) {
  Request request;
  request.id = TaskId(base::string_or(from, "id"));
  const auto kind = kind_from_text(base::string_or(from, "kind"));
  const auto policy = policy_from_text(base::string_or(from, "policy", "balanced"));
  auto selector = parse_selector(base::string_or(from, "device"));
  if (request.id.empty() || !kind || !policy) {
    return base::fail(base::ErrorCode::kInternal, "a request without id, kind or policy");
  }
  if (!selector) return base::fail(selector.error());
  request.kind = *kind;
  request.policy = *policy;
  request.selector = std::move(*selector);
  request.gpus = static_cast<int>(base::int_or(from, "gpus", 1));
  request.memory = base::maybe_bytes(from, "memory");
  request.gpu_type = base::string_or(from, "gpu_type");
  request.exclusive = base::bool_or(from, "exclusive");
  request.builtin = base::bool_or(from, "builtin");
  request.priority = static_cast<int>(base::int_or(from, "priority", 5));
  request.signature = base::string_or(from, "signature");
  request.user = base::string_or(from, "user");
  request.pool = base::string_or(from, "pool");
  request.group_by_kind = base::bool_or(from, "group_by_kind");
  request.hold = base::bool_or(from, "hold");
  if (const auto* retry = from.if_contains("retry"); retry != nullptr && retry->is_object())
    request.retry = retry_from_json(retry->as_object());
  request.after = dependencies_from_json(from);
  if (const auto after = base::maybe_int(from, "cpu_after_ms"))
    request.cpu_after = base::Duration{*after};
  request.memory_by_history = base::bool_or(from, "memory_by_history", true);
  if (const auto limit = base::maybe_int(from, "time_limit_ms"))
    request.time_limit = base::Duration{*limit};
  request.memory_percent = static_cast<int>(base::int_or(from, "memory_percent"));
  request.memory_estimate = base::maybe_bytes(from, "memory_estimate");
  if (const auto* array = from.if_contains("array"); array != nullptr && array->is_object()) {
    const auto& place = array->as_object();
    request.array =
        ArrayPlace{base::string_or(place, "id"), static_cast<int>(base::int_or(place, "index")),
                   static_cast<int>(base::int_or(place, "size", 1)),
                   static_cast<int>(base::int_or(place, "at_once"))};
  }
  return request;
}

}  // namespace berth::model
