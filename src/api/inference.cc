// SPDX-License-Identifier: Apache-2.0
// /api/v2/inference: the originals' inference routes, benchmarks among them.
#include "api/arrays.h"
#include "api/builtin.h"
#include "api/option_fields.h"
#include "api/paths.h"
#include "api/routes.h"
#include "api/submitter.h"
#include "api/task_codec.h"
#include "base/id.h"
#include "base/text.h"
#include "model/task_type.h"

namespace berth::api {

namespace {

constexpr std::int64_t kMostBatch = 4096;

// What an inference is asked to do, the pictures and their results apart.
struct Wishes {
  std::string cfg_path, weight_path;
  std::optional<std::int64_t> batch_size, top_k;
  std::optional<bool> annotate;
  std::optional<base::json::object> detector;  // the first of two stages
};

// Where the places are that are classified, instead of whole pictures.
std::optional<base::json::object> read_detector(Fields& fields) {
  const auto* given = fields.body().if_contains("detector");
  if (given == nullptr || given->is_null()) return std::nullopt;
  if (!given->is_object()) {
    fields.refuse("dict_type", "detector", "Input should be a valid dictionary");
    return std::nullopt;
  }
  Fields parts(given->as_object(), {"body", "detector"});
  base::json::object detector;
  const std::string boxes = parts.string("boxes_path");
  if (!boxes.empty()) detector["boxes_path"] = absolute_path(boxes);
  if (const auto score = parts.maybe_number("min_score", 0, 1)) detector["min_score"] = *score;
  if (const auto margin = parts.maybe_number("margin", 0, 10)) detector["margin"] = *margin;
  if (const auto most = parts.maybe_integer("max_boxes", 1, 1'000'000))
    detector["max_boxes"] = *most;
  for (const auto& entry : parts.body()) {
    if (entry.key() != "boxes_path" && !detector.contains(entry.key()) && !entry.value().is_null())
      parts.refuse("extra_forbidden", entry.key(), "There is no such field");
  }
  if (!parts.valid()) fields.merge(parts);
  return detector;
}

// `cfg_path` may be left out: a checkpoint of ours knows its model and classes.
Wishes read_weights(Fields& fields, bool may_be_missing) {
  Wishes wishes;
  wishes.cfg_path = fields.nullable_string("cfg_path");
  wishes.weight_path =
      may_be_missing ? fields.nullable_string("weight_path") : fields.string("weight_path");
  wishes.batch_size = fields.maybe_integer("batch_size", 1, kMostBatch);
  return wishes;
}

Wishes read_wishes(Fields& fields) {
  auto detector = read_detector(fields);  // which may stand alone
  Wishes wishes = read_weights(fields, /*may_be_missing=*/detector.has_value());
  wishes.detector = std::move(detector);
  wishes.top_k = fields.maybe_integer("top_k", 1, 1000);
  if (is_given(fields, "annotate")) wishes.annotate = fields.boolean_or("annotate", true);
  return wishes;
}

// Of an inference the pictures are its `source_path`, of a benchmark its `data_path`.
const char* pictures_field(const model::TaskRecord& record) {
  return record.type == model::kBenchmark ? "data_path" : "source_path";
}

// `save_path` empty: the daemon's own choice, by the task's id.
void fill(const Service& service, const Wishes& wishes, const std::string& pictures,
          const std::string& save_path, model::TaskRecord& record) {
  set_save_path(service, save_path, record);
  record.parameters = base::json::object{
      {"cfg_path", wishes.cfg_path.empty() ? "" : absolute_path(wishes.cfg_path)},
      {"weight_path", wishes.weight_path.empty() ? "" : absolute_path(wishes.weight_path)},
      {pictures_field(record), absolute_path(pictures)},
      {"save_path", record.save_path}};
  record.request.signature = base::join({record.type, absolute_path(wishes.weight_path),
                                         std::to_string(wishes.batch_size.value_or(0))},
                                        "/");
  if (wishes.batch_size) record.parameters["batch_size"] = *wishes.batch_size;
  if (wishes.top_k) record.parameters["top_k"] = *wishes.top_k;
  if (wishes.detector) record.parameters["detector"] = *wishes.detector;
  if (wishes.annotate) record.parameters["annotate"] = *wishes.annotate;
}

}  // namespace

// InferenceRequest, BenchmarkRequest.
model::TaskRecord inference_record(Fields& fields, const Service& service, std::string_view type) {
  model::TaskRecord record = builtin_record(fields, service, model::Kind::kInference, 3);
  record.type = std::string(type);
  const Wishes wishes =
      type == model::kBenchmark ? read_weights(fields, false) : read_wishes(fields);
  const std::string pictures = fields.string(pictures_field(record));
  std::string save_path = fields.nullable_string("save_path");
  if (!fields.valid()) return record;
  if (!save_path.empty() && !record.name.empty()) save_path += "/" + record.name;
  fill(service, wishes, pictures, save_path, record);
  return record;
}

base::Status check_inference(const Service& service, const model::TaskRecord& record,
                             Language language) {
  const auto path = [&](const char* key) { return base::string_or(record.parameters, key); };
  const Phrase missing =
      record.type == model::kBenchmark ? Phrase::kDatasetMissing : Phrase::kSourceMissing;
  const auto* detector = record.parameters.if_contains("detector");
  const std::string boxes =
      detector == nullptr ? "" : base::string_or(detector->as_object(), "boxes_path");
  return first_error({check_worker(service),
                      path("cfg_path").empty() ? base::Status()
                                               : check_exists(service, path("cfg_path"),
                                                              Phrase::kConfigMissing, language),
                      check_weights(service, path("weight_path"), language),
                      boxes.empty() ? base::Status()
                                    : check_exists(service, boxes, Phrase::kInputMissing, language),
                      check_exists(service, path(pictures_field(record)), missing, language),
                      check_save_path(service, record)});
}

namespace {

void start(Service& service, const http::Request& request, http::Exchange exchange,
           std::string_view type) {
  Fields fields(request.body);
  if (!fields.valid()) return exchange.respond(fields.refusal());
  model::TaskRecord record = inference_record(fields, service, type);
  if (!fields.valid()) return exchange.respond(fields.refusal());
  if (auto status = check_inference(service, record, language_of(request)); !status)
    return exchange.fail(status.error());
  submit_task(service, request, std::move(exchange), std::move(record));
}

// BatchInferenceRequest: a task for each source, as an array, so that they run side by side as far
// as devices allow and can be waited for and cancelled as one. All are accepted or none.
std::vector<model::TaskRecord> read_batch(Fields& fields, const Service& service) {
  model::TaskRecord pattern = builtin_record(fields, service, model::Kind::kInference, 3);
  const Wishes wishes = read_wishes(fields);
  const std::vector<std::string> sources = fields.strings("source_paths");
  const std::string base_path = fields.nullable_string("save_base_path");
  if (sources.size() > static_cast<std::size_t>(kMostArrayTasks)) {
    fields.refuse("too_long", "source_paths",
                  "A batch has at most " + std::to_string(kMostArrayTasks) + " sources");
  }
  std::vector<model::TaskRecord> records;
  if (!fields.valid()) return records;
  const std::string id =
      pattern.request.id.empty() ? base::random_uuid() : pattern.request.id.value;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    model::TaskRecord& record = records.emplace_back(pattern);
    record.request.id = model::TaskId(id + "_" + std::to_string(i));
    record.request.array =
        model::ArrayPlace{id, static_cast<int>(i), static_cast<int>(sources.size()), 0};
    fill(service, wishes, sources[i], base_path.empty() ? "" : base_path + "/" + std::to_string(i),
         record);
  }
  return records;
}

base::json::object batch_response(const base::json::array& ids, Language language) {
  return {{"status", "success"},
          {"message", phrase(Phrase::kInferenceStarted, language, std::to_string(ids.size()))},
          {"task_ids", ids},
          {"total", ids.size()}};
}

void start_batch(Service& service, const http::Request& request, http::Exchange exchange) {
  Fields fields(request.body);
  if (!fields.valid()) return exchange.respond(fields.refusal());
  std::vector<model::TaskRecord> records = read_batch(fields, service);
  if (!fields.valid()) return exchange.respond(fields.refusal());
  const Language language = language_of(request);
  base::json::array ids;
  for (auto& record : records) {
    if (auto status = check_inference(service, record, language); !status)
      return exchange.fail(status.error());
    set_submitter(request, record);
    ids.push_back(base::json::value(record.id().value));
  }
  if (records.empty()) return exchange.respond(json_response(batch_response(ids, language)));
  auto held = std::make_shared<http::Exchange>(std::move(exchange));
  service.submit_array(std::move(records), [held, ids, language](const base::Status& status) {
    if (!status) return held->fail(status.error());
    held->respond(json_response(batch_response(ids, language)));
  });
}

}  // namespace

void add_inference_routes(http::Router& router, Service& service) {
  const auto add = [&](const char* path, std::string_view type) {
    router.add("POST", path,
               [&service, type](const http::Request& request, http::Exchange exchange) {
                 start(service, request, std::move(exchange), type);
               });
  };
  add("/api/v2/inference/start", model::kInference);
  add("/api/v2/inference/benchmark", model::kBenchmark);
  add("/api/v2/inference", model::kInference);  // the oldest of the originals
  router.add("POST", "/api/v2/inference/batch",
             [&service](const http::Request& request, http::Exchange exchange) {
               start_batch(service, request, std::move(exchange));
             });
  router.add("GET", "/api/v2/inference/{task_id}",
             [&service](const http::Request& request, http::Exchange exchange) {
               const auto task =
                   find_task(service, request, exchange, language_of(request), model::is_inference);
               if (task != nullptr)
                 exchange.respond(json_response(task_response(*task, language_of(request))));
             });
}

}  // namespace berth::api
