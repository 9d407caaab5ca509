// SPDX-License-Identifier: Apache-2.0
// /api/v2/tasks/{id}/explain: why a task waits, as data.
#include "core/explain.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "api/routes.h"
#include "api/schema.h"
#include "api/texts.h"
#include "base/text.h"

namespace berth::api {

namespace {

using base::json::array;
using base::json::object;
using base::json::value;

std::string summary(const model::TaskRecord& record, const core::Explanation& explanation) {
  switch (record.state) {
    case model::TaskState::kRunning:
      return record.cancelling
                 ? "Being cancelled: its processes on " + record.device + " are ending"
                 : "Running on " + record.device;
    case model::TaskState::kQueued:
    case model::TaskState::kPending:
      break;
    default:
      return status_message(record, Language::kEnglish);
  }
  std::string text = "Waiting";
  if (explanation.ahead > 0) text += " behind " + std::to_string(explanation.ahead) + " like it";
  if (!explanation.devices.empty() && explanation.counts.size() == 1 &&
      explanation.counts.contains("fits")) {
    return text + ": a device is free and it starts next";
  }
  // Devices that say the same are named together, in the order of the first of each group.
  std::vector<std::pair<std::string, std::vector<std::string>>> reasons;
  for (const auto& device : explanation.devices) {
    const auto* refusal = std::get_if<model::Refusal>(&device.verdict);
    if (refusal == nullptr || refusal->never) continue;
    const std::string reason = std::string(base::row(refusal->code).text) + " (needs " +
                               refusal->needed + ", there: " + refusal->available + ")";
    auto same = std::find_if(reasons.begin(), reasons.end(),
                             [&](const auto& entry) { return entry.first == reason; });
    if (same == reasons.end()) same = reasons.insert(reasons.end(), {reason, {}});
    same->second.push_back(refusal->name);
  }
  if (reasons.empty()) return text + ": the devices are not known yet";
  for (const auto& [reason, names] : reasons) {
    text +=
        (&reason == &reasons.front().first ? ": " : "; ") + base::join(names, ", ") + ": " + reason;
  }
  return text;
}

object verdict(const core::DeviceVerdict& device) {
  if (const auto* refusal = std::get_if<model::Refusal>(&device.verdict))
    return model::to_json(*refusal);
  return object{{"device", device.name}, {"uuid", device.device.value}, {"verdict", "fits"},
                {"code", "fits"},        {"needed", nullptr},           {"available", nullptr}};
}

object to_json(const model::TaskRecord& record, const core::Explanation& explanation) {
  array devices;
  for (const auto& device : explanation.devices) devices.push_back(verdict(device));
  object counts;
  for (const auto& [code, count] : explanation.counts) counts[code] = count;
  array remedies;
  for (const auto& remedy : explanation.would_fit_if) remedies.push_back(value(remedy));
  return object{{"task_id", record.id().value},
                {"state", model::to_text(record.state)},
                {"summary", summary(record, explanation)},
                {"devices", std::move(devices)},
                {"counts", std::move(counts)},
                {"ahead", explanation.ahead},
                {"earliest_start", nullptr},
                {"would_fit_if", std::move(remedies)}};
}

}  // namespace

void add_explain_routes(http::Router& router, Service& service) {
  router.add(
      "GET", "/api/v2/tasks/{task_id}/explain",
      [&service](const http::Request& request, http::Exchange exchange) {
        const auto task = find_task(service, request, exchange);
        if (task == nullptr) return;
        const auto live = service.state().tasks.find(task->id());
        core::TaskEntry finished;
        finished.request = task->request;
        finished.state = task->state;
        const core::TaskEntry& entry =
            live != service.state().tasks.end() ? live->second : finished;
        exchange.respond(json_response(to_json(*task, core::explain(service.state(), entry))));
      });
}

}  // namespace berth::api
