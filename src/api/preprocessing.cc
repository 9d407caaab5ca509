// SPDX-License-Identifier: Apache-2.0
// /api/v2/preprocessing: the originals' routes for data sets; signals.cc has those for recordings.
// A task of these is a built-in one on the processor; /api/v2/tasks/{task_id} knows it too.
#include <algorithm>
#include <array>
#include <filesystem>

#include "api/builtin.h"
#include "api/paths.h"
#include "api/routes.h"
#include "api/task_codec.h"
#include "base/text.h"
#include "model/task_type.h"

namespace berth::api {

namespace {

constexpr std::int64_t kMostCoordinate = 1'000'000'000;
constexpr double kRounding = 1e-9;

// What berth-worker-prepare knows.
constexpr std::array<std::string_view, 6> kMethods{"AdvancedBlur", "CLAHE",    "ColorJitter",
                                                   "GaussNoise",   "ISONoise", "Sharpen"};

// Reads the fields of one kind of task into record.parameters.
using Read = void (*)(Fields& fields, model::TaskRecord& record);

void set_paths(model::TaskRecord& record, const char* name, const std::string& input,
               const std::string& output) {
  record.save_path = absolute_path(output);
  record.parameters[name] = absolute_path(input);
  record.parameters["output_path"] = record.save_path;
}

void read_seed(Fields& fields, model::TaskRecord& record) {
  if (const auto seed = fields.maybe_integer("seed", 0)) record.parameters["seed"] = *seed;
}

// DatasetSplitRequest, then what only Berth knows: seed, overwrite, link.
void read_split(Fields& fields, model::TaskRecord& record) {
  const std::string input = required_path(fields, "input_path");
  const std::string output = required_path(fields, "output_path");
  const double train = fields.maybe_number("train_ratio", 0.1, 0.9).value_or(0.8);
  const auto valid = fields.maybe_number("val_ratio", 0.05, 0.5);
  if (valid && train + *valid > 1 + kRounding) {
    fields.refuse("value_error", "val_ratio", "train_ratio and val_ratio add up to more than 1");
  }
  set_paths(record, "input_path", input, output);
  record.parameters["train_ratio"] = train;
  if (valid) record.parameters["val_ratio"] = *valid;
  read_seed(fields, record);
  record.parameters["overwrite"] = fields.boolean_or("overwrite", false);
  record.parameters["link"] = fields.boolean_or("link", false);
}

// Where the originals put it: beside the folder that the data set lies in.
std::string usual_output(const std::string& dataset_path) {
  return (std::filesystem::path(dataset_path).parent_path().parent_path() / "dataset_aug").string();
}

// DataAugmentationRequest, then seed.
void read_augment(Fields& fields, model::TaskRecord& record) {
  const std::string dataset = required_path(fields, "dataset_path");
  const std::string output = fields.nullable_string("output_path");
  std::vector<std::string> methods;
  const auto* given = fields.body().if_contains("methods");
  if (given != nullptr && !given->is_null()) methods = fields.strings("methods");
  set_paths(record, "dataset_path", dataset, output.empty() ? usual_output(dataset) : output);
  record.parameters["methods"] = base::json::array(methods.begin(), methods.end());
  read_seed(fields, record);
}

// ImageCropRequest.
void read_crop(Fields& fields, model::TaskRecord& record) {
  const std::string input = required_path(fields, "input_path");
  const std::string output = required_path(fields, "output_path");
  set_paths(record, "input_path", input, output);
  for (const char* name : {"x", "y"})
    record.parameters[name] = fields.integer(name, 0, kMostCoordinate);
  for (const char* name : {"width", "height"})
    record.parameters[name] = fields.integer(name, 1, kMostCoordinate);
}

base::Status check_methods(const model::TaskRecord& record) {
  const auto* methods = record.parameters.if_contains("methods");
  if (methods == nullptr) return {};
  for (const auto& method : methods->as_array()) {
    const std::string name(method.as_string());
    if (std::find(kMethods.begin(), kMethods.end(), name) != kMethods.end()) continue;
    std::string known;
    for (const auto one : kMethods) known += (known.empty() ? "" : ", ") + std::string(one);
    return base::fail(base::ErrorCode::kBadRequest,
                      "There is no augmentation method \"" + name + "\"; there are " + known);
  }
  return {};
}

base::Status check(const Service& service, const model::TaskRecord& record, Language language) {
  const bool augmentation = record.type == model::kDataAugmentation;
  const std::string input =
      base::string_or(record.parameters, augmentation ? "dataset_path" : "input_path");
  return first_error(
      {check_prepare_worker(service), check_methods(record),
       check_exists(service, input, augmentation ? Phrase::kDatasetMissing : Phrase::kInputMissing,
                    language),
       check_root(service, record.save_path)});
}

void start(Service& service, const http::Request& request, http::Exchange exchange,
           std::string_view type, Read read) {
  Fields fields(request.body);
  if (!fields.valid()) return exchange.respond(fields.refusal());
  model::TaskRecord record = preprocessing_record(fields, service, type);
  read(fields, record);
  if (!fields.valid()) return exchange.respond(fields.refusal());
  if (auto status = check(service, record, language_of(request)); !status)
    return exchange.fail(status.error());
  submit_task(service, request, std::move(exchange), std::move(record));
}

std::shared_ptr<const model::TaskRecord> find(const Service& service, const http::Request& request,
                                              http::Exchange& exchange) {
  return find_task(service, request, exchange, language_of(request), model::is_preprocessing);
}

void cancel(Service& service, const http::Request& request, http::Exchange exchange) {
  const auto task = find(service, request, exchange);
  if (task == nullptr) return;
  if (model::is_final(task->state)) {
    return exchange.fail(400, phrase(Phrase::kPreprocessingEnded, language_of(request),
                                     model::to_text(task->state)));
  }
  cancel_task(service, request, std::move(exchange), task);
}

}  // namespace

void add_preprocessing_routes(http::Router& router, Service& service) {
  const auto add = [&](const char* path, std::string_view type, Read read) {
    router.add("POST", path,
               [&service, type, read](const http::Request& request, http::Exchange exchange) {
                 start(service, request, std::move(exchange), type, read);
               });
  };
  add("/api/v2/preprocessing/split", model::kDatasetSplit, read_split);
  add("/api/v2/preprocessing/augment", model::kDataAugmentation, read_augment);
  add("/api/v2/preprocessing/crop", model::kImageCrop, read_crop);
  router.add(
      "GET", "/api/v2/preprocessing/{task_id}",
      [&service](const http::Request& request, http::Exchange exchange) {
        const auto task = find(service, request, exchange);
        if (task != nullptr) {
          exchange.respond(json_response(preprocessing_response(*task, language_of(request))));
        }
      });
  router.add("GET", "/api/v2/preprocessing/{task_id}/logs",
             [&service](const http::Request& request, http::Exchange exchange) {
               const auto task = find(service, request, exchange);
               if (task != nullptr) stream_log(service, request, std::move(exchange), task);
             });
  router.add("POST", "/api/v2/preprocessing/{task_id}/cancel",
             [&service](const http::Request& request, http::Exchange exchange) {
               cancel(service, request, std::move(exchange));
             });
}

}  // namespace berth::api
