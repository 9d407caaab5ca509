// SPDX-License-Identifier: Apache-2.0
// /api/v2/tasks/{id}/explain: why a task waits, as data.
#include "core/explain.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "api/routes.h"
#include "api/schema.h"
#include "api/task_codec.h"
#include "api/texts.h"
#include "base/text.h"
#include "core/forecast.h"

namespace berth::api {

namespace {

using base::json::array;
using base::json::object;
using base::json::value;

using base::Phrase;

// Since when a device is not healthy and when it is looked at again, by device.
std::map<model::DeviceId, DeviceView> unhealthy(Service& service) {
  std::map<model::DeviceId, DeviceView> devices;
  for (auto& view : service.devices()) {
    if (view.unhealthy_since) devices.emplace(view.device.id, std::move(view));
  }
  return devices;
}

std::string seconds(base::Duration time) {
  return std::to_string(std::max<std::int64_t>(0, (time.count() + 500) / 1000));
}

std::string reason(const Service& service, const model::Refusal& refusal, const DeviceView* view,
                   Language language) {
  const std::string cause(say(base::row(refusal.code).text, language));
  std::string text =
      say(Phrase{"{} (needs {}, there: {})",
                 {cause, say(refusal.needed, language), say(refusal.available, language)}},
          language);
  if (view == nullptr) return text;
  text += say(Phrase{", for {} s", {seconds(service.now() - *view->unhealthy_since)}}, language);
  if (view->next_probe) {
    text += say(Phrase{", tried again in {} s", {seconds(*view->next_probe - service.now())}},
                language);
  }
  return text;
}

struct Explained {
  const model::TaskRecord& task;
  const core::Explanation& explanation;
  const std::map<model::DeviceId, DeviceView>& unhealthy;
  std::optional<base::Time> earliest_start = {};
};

const DeviceView* view_of(const Explained& what, const model::Refusal& refusal) {
  if (refusal.code != base::RefusalCode::kUnhealthy) return nullptr;
  const auto found = what.unhealthy.find(refusal.device);
  return found == what.unhealthy.end() ? nullptr : &found->second;
}

std::string waiting(const Service& service, const Explained& what, Language language) {
  const auto& [task, explanation, unhealthy, start] = what;
  std::string text =
      explanation.ahead > 0
          ? say(Phrase{"Waiting behind {} like it", {std::to_string(explanation.ahead)}}, language)
          : say(Phrase(std::string_view("Waiting")), language);
  if (explanation.wanted > 1) {
    const auto fit = explanation.counts.find("fits");
    text = say(Phrase{"{} for {} devices at once, of which {} fit now",
                      {text, std::to_string(explanation.wanted),
                       std::to_string(fit == explanation.counts.end() ? 0 : fit->second)}},
               language);
  }
  const auto because = [&](std::string_view words) {
    return say(Phrase{"{}: {}", {text, std::string(say(words, language))}}, language);
  };
  if (!explanation.devices.empty() && explanation.counts.size() == 1 &&
      explanation.counts.contains("fits")) {
    return because("a device is free and it starts next");
  }
  // Devices that say the same are named together, in the order of the first of each group.
  std::vector<std::pair<std::string, std::vector<std::string>>> reasons;
  for (const auto& device : explanation.devices) {
    const auto* refusal = std::get_if<model::Refusal>(&device.verdict);
    if (refusal == nullptr || refusal->never) continue;
    std::string words = reason(service, *refusal, view_of(what, *refusal), language);
    auto same = std::find_if(reasons.begin(), reasons.end(),
                             [&](const auto& entry) { return entry.first == words; });
    if (same == reasons.end()) same = reasons.insert(reasons.end(), {std::move(words), {}});
    same->second.push_back(refusal->name);
  }
  if (reasons.empty()) return because("the devices are not known yet");
  std::vector<std::string> parts;
  for (const auto& [words, names] : reasons)
    parts.push_back(say(Phrase{"{}: {}", {base::join(names, ", "), words}}, language));
  return say(Phrase{"{}: {}", {text, base::join(parts, say(std::string_view("; "), language))}},
             language);
}

std::string summary(const Service& service, const Explained& what, Language language) {
  const model::TaskRecord& task = what.task;
  switch (task.state) {
    case model::TaskState::kRunning:
      return say(Phrase{task.cancelling ? "Being cancelled: its processes on {} are ending"
                                        : "Running on {}",
                        {task.device}},
                 language);
    case model::TaskState::kQueued:
    case model::TaskState::kPending:
      return waiting(service, what, language);
    default:
      return status_message(task, language);
  }
}

object verdict(const Explained& what, const core::DeviceVerdict& device, Language language) {
  object result{{"device", device.name}, {"uuid", device.device.value}, {"verdict", "fits"},
                {"code", "fits"},        {"needed", nullptr},           {"available", nullptr},
                {"since", nullptr},      {"next_probe", nullptr}};
  const auto* refusal = std::get_if<model::Refusal>(&device.verdict);
  if (refusal == nullptr) return result;
  result["verdict"] = refusal->never ? "never" : "wait";
  result["code"] = base::row(refusal->code).name;
  result["needed"] = say(refusal->needed, language);
  result["available"] = say(refusal->available, language);
  if (const DeviceView* view = view_of(what, *refusal)) {
    result["since"] = time_or_null(view->unhealthy_since);
    result["next_probe"] = time_or_null(view->next_probe);
  }
  return result;
}

object to_json(const Service& service, const Explained& what, Language language) {
  array devices;
  for (const auto& device : what.explanation.devices)
    devices.push_back(verdict(what, device, language));
  object counts;
  for (const auto& [code, count] : what.explanation.counts) counts[code] = count;
  array remedies;
  for (const auto& remedy : what.explanation.would_fit_if)
    remedies.push_back(value(say(remedy, language)));
  return object{{"task_id", what.task.id().value},
                {"state", model::to_text(what.task.state)},
                {"summary", summary(service, what, language)},
                {"devices", std::move(devices)},
                {"counts", std::move(counts)},
                {"ahead", what.explanation.ahead},
                {"devices_wanted", what.explanation.wanted},
                {"earliest_start", time_or_null(what.earliest_start)},
                {"would_fit_if", std::move(remedies)}};
}

}  // namespace

void add_explain_routes(http::Router& router, Service& service) {
  router.add(
      "GET", "/api/v2/tasks/{task_id}/explain",
      [&service](const http::Request& request, http::Exchange exchange) {
        const auto devices = unhealthy(service);  // first: new readings may change the state
        const auto task = find_task(service, request, exchange, own_language(request));
        if (task == nullptr) return;
        const auto live = service.state().tasks.find(task->id());
        core::TaskEntry finished;
        finished.request = task->request;
        finished.state = task->state;
        const core::TaskEntry& entry =
            live != service.state().tasks.end() ? live->second : finished;
        const auto explanation = core::explain(service.state(), entry);
        exchange.respond(json_response(to_json(
            service, {*task, explanation, devices, core::earliest_start(service.state(), entry)},
            own_language(request))));
      });
}

}  // namespace berth::api
