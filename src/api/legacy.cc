// SPDX-License-Identifier: Apache-2.0
// /api/v1: what the originals' first versions offered and their shipped pages and examples still
// call. A training is started from a configuration file, an inference is waited for.
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <functional>

#include "api/builtin.h"
#include "api/paths.h"
#include "api/routes.h"
#include "api/submitter.h"
#include "api/task_codec.h"
#include "base/fd.h"
#include "model/task_type.h"

namespace berth::api {

namespace {

using base::json::object;
using base::json::value;

constexpr std::size_t kMostConfigBytes = 1U << 20;

// A key of the originals' configuration, and the field of a TrainingRequest that it is.
constexpr std::array<std::pair<const char*, const char*>, 11> kKeys{{{"model", "model"},
                                                                     {"num_classes", "num_classes"},
                                                                     {"train", "train_path"},
                                                                     {"val", "val_path"},
                                                                     {"save_path", "save_path"},
                                                                     {"batch_size", "batch_size"},
                                                                     {"num_epochs", "num_epochs"},
                                                                     {"lr", "learning_rate"},
                                                                     {"image_size", "image_size"},
                                                                     {"device", "device"},
                                                                     {"shuffle", "shuffle"}}};

base::Error wrong_config(const std::string& path, const std::string& what) {
  return base::Error{base::ErrorCode::kBadRequest, "cfg_path " + path + ": " + what};
}

// As a body of /api/v2/training/start.
base::Result<object> training_body(const Service& service, const std::string& path,
                                   const std::string& text) {
  const auto config = service.parse_yaml(text);
  if (!config) return base::fail(wrong_config(path, config.error().message));
  if (!config->is_object()) return base::fail(wrong_config(path, "must be a map of keys"));
  const object& keys = config->as_object();
  object body;
  for (const auto& [key, field] : kKeys) {
    const value* given = keys.if_contains(key);
    if (given != nullptr && !given->is_null()) body[field] = *given;
  }
  // "None", and a file that is not there, mean the built-in weights in the originals.
  const std::string weights = base::string_or(keys, "weights");
  if (!weights.empty() && ::access(weights.c_str(), F_OK) == 0) body["weight_path"] = weights;
  return body;
}

// The daemon may read what its client may not.
bool may_read(const http::Request& request, const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return false;
  if (!request.peer.uid || *request.peer.uid == ::geteuid() || *request.peer.uid == 0) return true;
  if (info.st_uid == *request.peer.uid) return (info.st_mode & S_IRUSR) != 0;
  if (request.peer.gid && info.st_gid == *request.peer.gid) return (info.st_mode & S_IRGRP) != 0;
  return (info.st_mode & S_IROTH) != 0;
}

base::Result<object> read_config(const Service& service, const http::Request& request,
                                 const std::string& path, Language language) {
  if (auto there = check_exists(service, path, Phrase::kConfigMissing, language); !there)
    return base::fail(there.error());
  const auto text = may_read(request, path)
                        ? base::read_file(path, kMostConfigBytes)
                        : base::Result<std::string>(base::fail(wrong_config(path, "not readable")));
  if (!text) return base::fail(text.error());
  return training_body(service, path, *text);
}

// {cfg_path}: what else is in the body wins over the file.
void train(Service& service, const http::Request& request, http::Exchange exchange) {
  const Language language = language_of(request);
  Fields given(request.body);
  const std::string path = given.valid() ? given.string("cfg_path") : "";
  if (!given.valid()) return exchange.respond(given.refusal());
  auto body = read_config(service, request, absolute_path(path), language);
  if (!body) return exchange.fail(body.error());
  for (const auto& field : given.body()) (*body)[field.key()] = field.value();
  Fields fields(std::move(*body), {"body"});
  model::TaskRecord record = training_record(fields, service);
  if (!fields.valid()) return exchange.respond(fields.refusal());
  if (auto status = check_training(service, record, language); !status)
    return exchange.fail(status.error());
  set_submitter(request, record);
  auto held = std::make_shared<http::Exchange>(std::move(exchange));
  service.submit(std::move(record), [held, language](const auto& task) {
    if (!task) return held->fail(task.error());
    held->respond(json_response(object{{"status", "success"},
                                       {"message", phrase(Phrase::kTrainingStarted, language)},
                                       {"task_id", (*task)->id().value},
                                       {"save_path", (*task)->save_path},
                                       {"device", (*task)->device}}));
  });
}

// An answer that is given when the task has ended.
class Waiter : public std::enable_shared_from_this<Waiter> {
 public:
  Waiter(Service& service, model::TaskId id, http::Exchange exchange, Language language)
      : service_(service),
        id_(std::move(id)),
        exchange_(std::move(exchange)),
        language_(language) {}

  void start() {
    self_ = shared_from_this();
    watch_ = service_.watch(id_, [this] { look(); });
    look();
  }

 private:
  void look() {
    const auto task = service_.find(id_);
    if (task != nullptr && !model::is_final(task->state)) return;
    const auto last = std::move(self_);  // lives until the end of this
    if (last == nullptr) return;
    watch_.reset();
    if (task == nullptr)
      return exchange_.fail(404, phrase(Phrase::kTaskUnknown, language_, id_.value));
    const std::string message = status_message(*task, language_);
    if (task->state != model::TaskState::kCompleted) return exchange_.fail(500, message);
    const char* pictures = task->type == model::kBenchmark ? "data_path" : "source_path";
    exchange_.respond(json_response(object{{"status", "success"},
                                           {"message", message},
                                           {pictures, base::string_or(task->parameters, pictures)},
                                           {"save_path", task->save_path},
                                           {"device", task->device},
                                           {"task_id", id_.value}}));
  }

  Service& service_;
  model::TaskId id_;
  http::Exchange exchange_;
  Language language_;
  std::shared_ptr<void> watch_;
  std::shared_ptr<Waiter> self_;
};

// An InferenceRequest or BenchmarkRequest whose answer comes when it is done.
void infer(Service& service, const http::Request& request, http::Exchange exchange,
           std::string_view type) {
  const Language language = language_of(request);
  Fields fields(request.body);
  if (!fields.valid()) return exchange.respond(fields.refusal());
  model::TaskRecord record = inference_record(fields, service, type);
  if (!fields.valid()) return exchange.respond(fields.refusal());
  if (auto status = check_inference(service, record, language); !status)
    return exchange.fail(status.error());
  set_submitter(request, record);
  auto held = std::make_shared<http::Exchange>(std::move(exchange));
  service.submit(std::move(record), [held, language, &service](const auto& task) {
    if (!task) return held->fail(task.error());
    std::make_shared<Waiter>(service, (*task)->id(), std::move(*held), language)->start();
  });
}

}  // namespace

void add_legacy_routes(http::Router& router, Service& service) {
  router.add("POST", "/api/v1/train",
             [&service](const http::Request& request, http::Exchange exchange) {
               train(service, request, std::move(exchange));
             });
  const auto add = [&](const char* path, std::string_view type) {
    router.add("POST", path,
               [&service, type](const http::Request& request, http::Exchange exchange) {
                 infer(service, request, std::move(exchange), type);
               });
  };
  add("/api/v1/inference", model::kInference);
  add("/api/v1/benchmark", model::kBenchmark);
  router.add(
      "GET", "/api/v1/tasks/{task_id}",
      [&service](const http::Request& request, http::Exchange exchange) {
        const auto task = find_task(service, request, exchange, language_of(request));
        if (task == nullptr) return;
        exchange.respond(json_response(task_response(*task, language_of(request, task->type))));
      });
}

}  // namespace berth::api
