// SPDX-License-Identifier: Apache-2.0
// /api/v2/training: the originals' training routes.
#include <algorithm>

#include "api/builtin.h"
#include "api/model_memory.h"
#include "api/paths.h"
#include "api/routes.h"
#include "api/task_codec.h"
#include "api/task_request.h"
#include "api/training_options.h"
#include "base/fd.h"
#include "base/text.h"
#include "model/task_type.h"

namespace berth::api {

namespace {

// What a batch that is to be as large as fits is thought to be, when its memory is estimated.
constexpr std::int64_t kMemoryOfAuto = 32;

// How many processes train together: one per GPU, or so many on the processor.
std::int64_t read_ranks(Fields& fields, std::int64_t batch_size, model::TaskRecord& record) {
  constexpr std::int64_t kMostRanks = 1024;
  const bool on_processor = record.request.selector.mode == model::Selector::Mode::kCpu;
  const auto gpus = fields.maybe_integer("gpus", 1, kMostRanks);
  const auto processes = fields.maybe_integer("processes", 1, kMostRanks);
  if (gpus.value_or(1) > 1 && on_processor) {
    fields.refuse("value_error", "gpus",
                  "The device is the processor, which is one: give processes to train in several");
  }
  if (processes.value_or(1) > 1 && !on_processor) {
    fields.refuse("value_error", "processes",
                  "On GPUs there is one process for each: give gpus, or the device cpu");
  }
  record.request.gpus = static_cast<int>(gpus.value_or(1));
  const bool named = record.request.selector.mode == model::Selector::Mode::kNamed;
  const auto devices = static_cast<std::int64_t>(record.request.selector.named.size());
  std::int64_t ranks = on_processor ? processes.value_or(1) : gpus.value_or(1);
  if (named && !gpus) ranks = std::max<std::int64_t>(1, devices);
  if (ranks > 1 && batch_size > 0 && batch_size < 2 * ranks) {
    fields.refuse("value_error", "batch_size",
                  "The batch is shared by " + std::to_string(ranks) + " processes: it must be " +
                      std::to_string(2 * ranks) + " at least");
  }
  return ranks;
}

}  // namespace

// TrainingRequest (field for field), then what only Berth knows.
model::TaskRecord training_record(Fields& fields, const Service& service) {
  model::TaskRecord record = builtin_record(fields, service, model::Kind::kTraining, 5);
  const std::string model = fields.string("model");
  const auto num_classes = fields.integer("num_classes");
  const std::string train_path = fields.string("train_path");
  const std::string val_path = fields.string("val_path");
  std::string save_path = fields.string("save_path");
  const auto* wanted_batch = fields.body().if_contains("batch_size");
  const bool fitting = wanted_batch != nullptr && *wanted_batch == base::json::value("auto");
  const auto batch_size = fitting ? kMemoryOfAuto : fields.integer_or("batch_size", 8, 1);
  const auto num_epochs = fields.integer_or("num_epochs", 100, 1);
  const double learning_rate = fields.number_or("learning_rate", 0.0001, 0.0);
  const auto image_size = fields.integer_or("image_size", 224, 32);
  const std::string weight_path = fields.nullable_string("weight_path");
  const bool pretrained = fields.boolean_or("pretrained", true);
  const bool shuffle = fields.boolean_or("shuffle", true);
  const auto seed = fields.maybe_integer("seed", 0);
  const std::int64_t ranks = read_ranks(fields, fitting ? 0 : batch_size, record);
  base::json::object options;
  read_training_options(fields, num_classes, options);
  const auto warmup = base::double_or(options, "warmup_epochs");
  if (warmup > 0 && warmup >= static_cast<double>(num_epochs)) {
    fields.refuse("value_error", "warmup_epochs",
                  "It must be below num_epochs, " + std::to_string(num_epochs));
  }
  if (!fields.valid()) return record;

  if (save_path.empty()) save_path = "models/output";
  if (!record.name.empty()) save_path += "/" + record.name;
  record.save_path = absolute_path(save_path);
  record.total_epochs = num_epochs;
  record.request.signature =
      base::join({"training", model, fitting ? "auto" : std::to_string(batch_size),
                  std::to_string(image_size)},
                 "/");
  if (ranks > 1) record.request.signature += "/" + std::to_string(ranks);
  if (base::string_or(fields.body(), "memory_strategy") == kDynamicMemory)
    record.request.memory_estimate =
        training_memory(model, fitting ? batch_size : (batch_size + ranks - 1) / ranks, image_size);
  record.parameters = base::json::object{
      {"model", model},
      {"num_classes", num_classes},
      {"train_path", absolute_path(train_path)},
      {"val_path", absolute_path(val_path)},
      {"save_path", record.save_path},
      {"batch_size", fitting ? base::json::value("auto") : base::json::value(batch_size)},
      {"num_epochs", num_epochs},
      {"learning_rate", learning_rate},
      {"image_size", image_size},
      {"weight_path", weight_path.empty() ? "" : absolute_path(weight_path)},
      {"pretrained", pretrained},
      {"shuffle", shuffle}};
  if (seed) record.parameters["seed"] = *seed;
  if (ranks > 1 && record.request.selector.mode == model::Selector::Mode::kCpu)
    record.parameters["processes"] = ranks;
  for (auto& option : options) record.parameters[option.key()] = std::move(option.value());
  return record;
}

base::Status check_training(const Service& service, const model::TaskRecord& record,
                            Language language) {
  const auto path = [&](const char* key) { return base::string_or(record.parameters, key); };
  const std::string model = path("model");
  if (auto status = check_worker(service); !status) return status;
  const auto& models = service.worker().models;
  if (std::find(models.begin(), models.end(), model) == models.end()) {
    return base::fail(
        base::ErrorCode::kUnknownModel,
        phrase(Phrase::kModelUnknown, language, model) + " (" + base::join(models, ", ") + ")");
  }
  return first_error(
      {check_exists(service, path("train_path"), Phrase::kTrainPathMissing, language),
       check_exists(service, path("val_path"), Phrase::kValPathMissing, language),
       check_weights(service, path("weight_path"), language),
       check_root(service, record.save_path)});
}

namespace {

void start(Service& service, const http::Request& request, http::Exchange exchange) {
  Fields fields(request.body);
  if (!fields.valid()) return exchange.respond(fields.refusal());
  model::TaskRecord record = training_record(fields, service);
  if (!fields.valid()) return exchange.respond(fields.refusal());
  if (auto status = check_training(service, record, language_of(request)); !status)
    return exchange.fail(status.error());
  submit_task(service, request, std::move(exchange), std::move(record));
}

constexpr std::size_t kMostBytes = 8U << 20;

// What the worker has left in the task's folder, as it is. There is none before the first epoch.
void answer_with_file(const Service& service, const http::Request& request, http::Exchange exchange,
                      const char* name) {
  const Language language = language_of(request);
  const auto task = find_task(service, request, exchange, language, model::is_training);
  if (task == nullptr) return;
  const auto text = base::read_file(task->save_path + "/" + name, kMostBytes);
  if (text) {
    auto content = base::parse_json(*text);
    if (content && content->is_object()) {
      const std::string writer = base::string_or(content->as_object(), "task_id");
      // Histories of earlier versions do not say it.
      if (content->as_object().contains("epochs") && !content->as_object().contains("ended"))
        content->as_object()["ended"] = task->state == model::TaskState::kCompleted;
      if (writer.empty() || writer == task->id().value)
        return exchange.respond(json_response(*content));
      return exchange.fail(404,
                           say(base::Phrase{"Task {} has written over what this one left in {}",
                                            {writer, task->save_path}},
                               language));
    }
  }
  exchange.fail(404, phrase(Phrase::kNoMetricsYet, language, task->id().value));
}

}  // namespace

void add_training_routes(http::Router& router, Service& service) {
  const auto begin = [&service](const http::Request& request, http::Exchange exchange) {
    start(service, request, std::move(exchange));
  };
  const auto logs = [&service](const http::Request& request, http::Exchange exchange) {
    const auto task =
        find_task(service, request, exchange, language_of(request), model::is_training);
    if (task != nullptr) stream_log(service, request, std::move(exchange), task);
  };
  router.add("POST", "/api/v2/training/start", begin);
  router.add("GET", "/api/v2/training/{task_id}",
             [&service](const http::Request& request, http::Exchange exchange) {
               const auto task =
                   find_task(service, request, exchange, language_of(request), model::is_training);
               if (task != nullptr)
                 exchange.respond(json_response(task_response(*task, language_of(request))));
             });
  router.add("GET", "/api/v2/training/{task_id}/logs", logs);
  router.add("GET", "/api/v2/training/{task_id}/history",
             [&service](const http::Request& request, http::Exchange exchange) {
               answer_with_file(service, request, std::move(exchange), "history.json");
             });
  router.add("GET", "/api/v2/training/{task_id}/report",
             [&service](const http::Request& request, http::Exchange exchange) {
               answer_with_file(service, request, std::move(exchange), "metrics.json");
             });
  router.add("POST", "/api/v2/training/{task_id}/stop",
             [&service](const http::Request& request, http::Exchange exchange) {
               const auto task =
                   find_task(service, request, exchange, language_of(request), model::is_training);
               if (task != nullptr) cancel_task(service, request, std::move(exchange), task);
             });
  // What the originals' shipped pages still call.
  router.add("POST", "/api/v2/train", begin);
  router.add("GET", "/api/v2/train/{task_id}/logs", logs);
}

}  // namespace berth::api
