// SPDX-License-Identifier: Apache-2.0
// /api/v2/inference: the originals' inference routes.
#include "api/builtin.h"
#include "api/paths.h"
#include "api/routes.h"
#include "api/task_codec.h"
#include "base/id.h"
#include "base/text.h"

namespace berth::api {

namespace {

// InferenceRequest. `cfg_path` may be left out: a checkpoint of ours knows its model and classes.
model::TaskRecord read(Fields& fields, const Service& service) {
  model::TaskRecord record = builtin_record(fields, service, model::Kind::kInference, 3);
  const std::string cfg_path = fields.nullable_string("cfg_path");
  const std::string weight_path = fields.string("weight_path");
  const std::string source_path = fields.string("source_path");
  const std::string save_path = fields.nullable_string("save_path");
  const auto batch_size = fields.maybe_integer("batch_size", 1, 4096);
  if (!fields.valid()) return record;

  if (record.request.id.empty()) record.request.id = model::TaskId(base::random_uuid());
  record.save_path = save_path.empty() ? service.default_save_path(record.id()) : save_path;
  if (!save_path.empty() && !record.name.empty()) record.save_path += "/" + record.name;
  record.save_path = absolute_path(record.save_path);
  record.parameters =
      base::json::object{{"cfg_path", cfg_path.empty() ? "" : absolute_path(cfg_path)},
                         {"weight_path", absolute_path(weight_path)},
                         {"source_path", absolute_path(source_path)},
                         {"save_path", record.save_path}};
  record.request.signature = base::join(
      {"inference", absolute_path(weight_path), std::to_string(batch_size.value_or(0))}, "/");
  if (batch_size) record.parameters["batch_size"] = *batch_size;
  return record;
}

base::Status check(const Service& service, const model::TaskRecord& record, Language language) {
  const auto path = [&](const char* key) { return base::string_or(record.parameters, key); };
  return first_error({check_worker(service),
                      path("cfg_path").empty() ? base::Status()
                                               : check_exists(service, path("cfg_path"),
                                                              Phrase::kConfigMissing, language),
                      check_exists(service, path("weight_path"), Phrase::kWeightsMissing, language),
                      check_exists(service, path("source_path"), Phrase::kSourceMissing, language),
                      // The folder of the daemon's own choice is not the client's to justify.
                      record.save_path == absolute_path(service.default_save_path(record.id()))
                          ? base::Status()
                          : check_root(service, record.save_path)});
}

void start(Service& service, const http::Request& request, http::Exchange exchange) {
  Fields fields(request.body);
  if (!fields.valid()) return exchange.respond(fields.refusal());
  model::TaskRecord record = read(fields, service);
  if (!fields.valid()) return exchange.respond(fields.refusal());
  if (auto status = check(service, record, language_of(request)); !status)
    return exchange.fail(status.error());
  submit_task(service, request, std::move(exchange), std::move(record));
}

}  // namespace

void add_inference_routes(http::Router& router, Service& service) {
  const auto begin = [&service](const http::Request& request, http::Exchange exchange) {
    start(service, request, std::move(exchange));
  };
  router.add("POST", "/api/v2/inference/start", begin);
  router.add("POST", "/api/v2/inference", begin);  // the oldest of the originals
  router.add("GET", "/api/v2/inference/{task_id}",
             [&service](const http::Request& request, http::Exchange exchange) {
               const auto task =
                   find_task(service, request, exchange, language_of(request), "inference");
               if (task != nullptr)
                 exchange.respond(json_response(task_response(*task, language_of(request))));
             });
}

}  // namespace berth::api
