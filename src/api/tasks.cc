// SPDX-License-Identifier: Apache-2.0
// /api/v2/tasks: any command as a task, the list, one task, cancel, remove.
#include <algorithm>
#include <array>
#include <cctype>
#include <ranges>
#include <string_view>

#include "api/arrays.h"
#include "api/live_response.h"
#include "api/routes.h"
#include "api/schema.h"
#include "api/submitter.h"
#include "api/task_codec.h"
#include "api/task_request.h"
#include "api/texts.h"
#include "base/text.h"
#include "core/users.h"
#include "model/task_type.h"

namespace berth::api {

namespace {

using base::json::array;
using base::json::object;

void create(Service& service, const http::Request& request, http::Exchange exchange) {
  Fields fields(request.body);
  model::TaskRecord record;
  if (fields.valid()) read_command(fields, service.state().config, record);
  const auto array = read_array(fields);
  if (!fields.valid()) return exchange.respond(fields.refusal());
  if (array) return submit_array(service, request, std::move(exchange), record, *array);
  submit_task(service, request, std::move(exchange), std::move(record));
}

// The array that the path names, if it names one and no task.
std::optional<std::string> array_named(const Service& service, const http::Request& request) {
  std::string id(request.parameter("task_id"));
  if (service.find(model::TaskId(id)) != nullptr || service.array(id).empty()) return std::nullopt;
  return id;
}

struct ListQuery {
  std::string status;
  std::string task_type;
  std::string kind;
  std::string array;
  std::string text;  // in any of its words, of whatever case
  std::size_t limit = 100;
  std::size_t offset = 0;
  bool by_turn = false;  // as a pass of the scheduler goes through them; else the newest first
};

constexpr std::string_view kOrders[] = {"newest", "turn"};

bool contains(std::string_view words, std::string_view text) {
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  const auto same = [&](char a, char b) { return lower(a) == lower(b); };
  return std::search(words.begin(), words.end(), text.begin(), text.end(), same) != words.end();
}

// As a user would look for a task: by what it is called, whose it is, where it runs, what it runs.
bool says(const model::TaskRecord& record, std::string_view text) {
  if (text.empty()) return true;
  for (const std::string_view words :
       {std::string_view(record.id().value), std::string_view(record.name),
        std::string_view(record.description), std::string_view(record.request.user),
        std::string_view(record.device), std::string_view(record.type)}) {
    if (contains(words, text)) return true;
  }
  return contains(base::join(record.argv, " "), text);
}

bool matches(const model::TaskRecord& record, const ListQuery& query) {
  if (query.status == "live") {
    if (model::is_final(record.state)) return false;
  } else if (!query.status.empty() && model::to_text(record.state) != query.status) {
    return false;
  }
  if (!query.array.empty() &&
      (!record.request.array || record.request.array->array != query.array)) {
    return false;
  }
  if (!query.kind.empty() && model::to_text(record.request.kind) != query.kind) return false;
  return says(record, query.text);
}

// Answers about tasks that have ended, which change no more: those who wait for a task ask again
// and again for it.
class FinalAnswers {
 public:
  http::Response of(const Service& service, const model::TaskRecord& record, Language language) {
    if (!model::is_final(record.state))
      return json_response(LiveResponses(service)(record, language));
    if (answers_.size() >= kMost) answers_.clear();
    Answer& answer = answers_[{record.sequence, language}];
    if (answer.body.empty() || answer.updated != record.updated) {
      answer.updated = record.updated;
      answer.body = base::to_text(LiveResponses(service)(record, language));
    }
    http::Response response;
    response.body = answer.body;
    return response;
  }

 private:
  static constexpr std::size_t kMost = 256;
  struct Answer {
    base::Time updated{};
    std::string body;
  };
  std::map<std::pair<std::uint64_t, Language>, Answer> answers_;
};

// What cannot start yet comes after what can, then what has ended.
struct Turn {
  int group = 0;
  core::QueueKey key;
  auto operator<=>(const Turn&) const = default;
};

Turn turn_of(const core::State& state, const model::TaskRecord& record) {
  const auto entry = state.tasks.find(record.id());
  if (entry != state.tasks.end())
    return {entry->second.parked() ? 1 : 0, core::users::rank(state, entry->second)};
  return {2, {0, record.sequence}};
}

using Records = std::vector<const model::TaskRecord*>;

// Of what was found, in order of creation, the part from `offset` on, at most `limit`, in `order`.
Records part_of(Records found, const core::State& state, const ListQuery& query) {
  const std::size_t begin = std::min(query.offset, found.size());
  const std::size_t end = begin + std::min(query.limit, found.size() - begin);
  if (query.by_turn) {
    std::vector<std::pair<Turn, const model::TaskRecord*>> turns;
    for (const auto* record : found) turns.emplace_back(turn_of(state, *record), record);
    std::ranges::partial_sort(turns, turns.begin() + static_cast<std::ptrdiff_t>(end));
    std::ranges::copy(turns | std::views::values, found.begin());
  } else {
    std::ranges::reverse(found);
  }
  return {found.begin() + static_cast<std::ptrdiff_t>(begin),
          found.begin() + static_cast<std::ptrdiff_t>(end)};
}

// The originals' two lists are in order of creation, `limit` each; `tasks` has every kind.
object list(const Service& service, const ListQuery& query, const http::Request& request) {
  array training;
  array inference;
  array tasks;
  Records found;
  for (const auto& [sequence, record] : service.records()) {
    if (!matches(*record, query)) continue;
    found.push_back(record.get());
    // As in the originals, another word than these two selects nothing and drops nothing.
    const bool trainings = query.task_type != model::kInference;
    const bool inferences = query.task_type != model::kTraining;
    if (model::is_training(record->type) && trainings && training.size() < query.limit) {
      training.push_back(task_response(*record, language_of(request, record->type)));
    } else if (model::is_inference(record->type) && inferences && inference.size() < query.limit) {
      inference.push_back(task_response(*record, language_of(request, record->type)));
    }
  }
  LiveResponses respond(service);
  const std::size_t total = found.size();
  for (const auto* record : part_of(std::move(found), service.state(), query))
    tasks.push_back(respond(*record, language_of(request, record->type)));
  object result;
  result["total_training"] = training.size();
  result["total_inference"] = inference.size();
  result["training_tasks"] = std::move(training);
  result["inference_tasks"] = std::move(inference);
  result["tasks"] = std::move(tasks);
  result["total"] = total;
  return result;
}

void remove(Service& service, const http::Request& request, http::Exchange exchange) {
  if (const auto array = array_named(service, request))
    return act_on_array(service, request, std::move(exchange), *array, remove_all());
  const auto task = find_task(service, request, exchange, language_of(request));
  if (task == nullptr) return;
  const Language language = language_of(request, task->type);
  if (!model::is_final(task->state)) {
    const auto why = task->cancelling ? Phrase::kStillEnding : Phrase::kCannotRemove;
    return exchange.fail(409, phrase(why, language, task->id().value));
  }
  auto held = std::make_shared<http::Exchange>(std::move(exchange));
  service.remove(task->id(), [held, language, id = task->id()](const base::Status& status) {
    if (!status) return held->fail(status.error());
    held->respond(json_response(object{{"status", "success"},
                                       {"message", phrase(Phrase::kTaskRemoved, language)},
                                       {"task_id", id.value}}));
  });
}

// Answers with what was done, or with why not.
Service::DoneCallback tell(const http::Request& request, http::Exchange exchange,
                           const model::TaskId& id, std::string_view done) {
  auto held = std::make_shared<http::Exchange>(std::move(exchange));
  const Language language = own_language(request);
  return [held, message = std::string(say(done, language)), id](const base::Status& status) {
    if (!status) return held->fail(status.error());
    held->respond(
        json_response(object{{"status", "success"}, {"message", message}, {"task_id", id.value}}));
  };
}

// POST .../hold and .../release.
void hold(Service& service, const http::Request& request, http::Exchange exchange, bool on) {
  if (const auto array = array_named(service, request)) {
    return act_on_array(service, request, std::move(exchange), *array, hold_all(on));
  }
  const auto task = find_task(service, request, exchange, own_language(request));
  if (task == nullptr) return;
  service.set_hold(task->id(), on,
                   tell(request, std::move(exchange), task->id(),
                        on ? "The task is on hold" : "The task is released"));
}

// POST .../priority.
void set_priority(Service& service, const http::Request& request, http::Exchange exchange) {
  Fields fields(request.body);
  const auto priority = static_cast<int>(fields.integer("priority", 1, 10));
  fields.refuse_others(std::array<std::string_view, 1>{"priority"});
  if (!fields.valid()) return exchange.respond(fields.refusal());
  if (const auto array = array_named(service, request)) {
    return act_on_array(service, request, std::move(exchange), *array,
                        set_priority_of_all(priority));
  }
  const auto task = find_task(service, request, exchange, own_language(request));
  if (task == nullptr) return;
  service.set_priority(
      task->id(), priority,
      tell(request, std::move(exchange), task->id(), "The task has another priority"));
}

}  // namespace

void submit_task(Service& service, const http::Request& request, http::Exchange exchange,
                 model::TaskRecord record) {
  const Language language = language_of(request, record.type);
  set_submitter(request, record);
  auto held = std::make_shared<http::Exchange>(std::move(exchange));
  service.submit(std::move(record), [held, language](auto task) {
    if (!task) return held->fail(task.error());
    held->respond(json_response(model::is_preprocessing((*task)->type)
                                    ? preprocessing_response(**task, language)
                                    : task_response(**task, language)));
  });
}

void cancel_task(Service& service, const http::Request& request, http::Exchange exchange,
                 const std::shared_ptr<const model::TaskRecord>& task) {
  const Language language = language_of(request, task->type);
  if (model::is_final(task->state)) {
    return exchange.fail(409, phrase(Phrase::kCannotCancel, language, task->id().value));
  }
  Phrase done = Phrase::kTaskCancelled;
  if (request.path.ends_with("/stop")) done = Phrase::kTrainingStopped;
  if (request.path.starts_with("/api/v2/preprocessing/")) done = Phrase::kPreprocessingCancelled;
  auto held = std::make_shared<http::Exchange>(std::move(exchange));
  service.cancel(task->id(), [held, language, done, id = task->id()](const base::Status& status) {
    if (!status) return held->fail(status.error());
    const auto text = phrase(done, language);
    held->respond(
        json_response(object{{"status", "success"}, {"message", text}, {"task_id", id.value}}));
  });
}

void add_task_routes(http::Router& router, Service& service) {
  router.add(
      "POST", "/api/v2/tasks",
      [&service](const http::Request& request, http::Exchange exchange) {
        create(service, request, std::move(exchange));
      },
      http::Access::kToken);
  router.add(
      "GET", "/api/v2/tasks", [&service](const http::Request& request, http::Exchange exchange) {
        Query numbers(request);
        const auto limit = numbers.integer("limit", 100, 0, 100'000);
        const auto offset = numbers.integer("offset", 0, 0, 1'000'000'000);
        const bool by_turn = numbers.choice("order", kOrders) == "turn";
        if (!numbers.valid()) return exchange.respond(numbers.refusal());
        const ListQuery query{
            std::string(request.query.get("status")), std::string(request.query.get("task_type")),
            std::string(request.query.get("kind")),   std::string(request.query.get("array")),
            std::string(request.query.get("q")),      static_cast<std::size_t>(limit),
            static_cast<std::size_t>(offset),         by_turn};
        exchange.respond(json_response(list(service, query, request)));
      });
  router.add("GET", "/api/v2/tasks/{task_id}",
             [&service, answers = std::make_shared<FinalAnswers>()](const http::Request& request,
                                                                    http::Exchange exchange) {
               if (const auto array = array_named(service, request)) {
                 return exchange.respond(json_response(
                     array_response(*array, service.array(*array), own_language(request))));
               }
               const auto task = find_task(service, request, exchange, language_of(request));
               if (task != nullptr)
                 exchange.respond(answers->of(service, *task, language_of(request, task->type)));
             });
  router.add("POST", "/api/v2/tasks/{task_id}/cancel",
             [&service](const http::Request& request, http::Exchange exchange) {
               if (const auto array = array_named(service, request)) {
                 return act_on_array(service, request, std::move(exchange), *array, cancel_all());
               }
               const auto task = find_task(service, request, exchange, language_of(request));
               if (task != nullptr) cancel_task(service, request, std::move(exchange), task);
             });
  for (const bool on : {true, false}) {
    router.add("POST", on ? "/api/v2/tasks/{task_id}/hold" : "/api/v2/tasks/{task_id}/release",
               [&service, on](const http::Request& request, http::Exchange exchange) {
                 hold(service, request, std::move(exchange), on);
               });
  }
  router.add("POST", "/api/v2/tasks/{task_id}/priority",
             [&service](const http::Request& request, http::Exchange exchange) {
               set_priority(service, request, std::move(exchange));
             });
  router.add("DELETE", "/api/v2/tasks/{task_id}",
             [&service](const http::Request& request, http::Exchange exchange) {
               remove(service, request, std::move(exchange));
             });
}

}  // namespace berth::api
