// SPDX-License-Identifier: Apache-2.0
// berth infer and benchmark: what weights make of pictures, and how good they are.
#include "cli/builtin.h"
#include "cli/builtin_text.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "cli/width.h"
#include "cli/words.h"

namespace berth::cli {

namespace json = base::json;

namespace {

constexpr std::size_t kRowsShown = 20;

std::string place_of(const json::object& task) {
  return base::string_or(task, "result_path", base::string_or(task, "save_path"));
}

// Without the pictures.
json::object body_of(const InferOptions& options) {
  json::object body{{"weight_path", options.weights.empty() ? "" : absolute_path(options.weights)},
                    {"device", options.device},
                    {"priority", options.priority}};
  if (!options.cfg.empty()) body["cfg_path"] = absolute_path(options.cfg);
  if (!options.save.empty()) body["save_path"] = absolute_path(options.save);
  if (options.batch_size) body["batch_size"] = *options.batch_size;
  if (!options.name.empty()) body["name"] = options.name;
  if (!options.task_id.empty()) body["task_id"] = options.task_id;
  return body;
}

}  // namespace

int infer(const InferOptions& options) {
  json::object body = body_of(options);
  body["source_path"] = absolute_path(options.source);
  if (!options.boxes.empty()) {
    json::object detector = options.detector;
    detector["boxes_path"] = absolute_path(options.boxes);
    body["detector"] = std::move(detector);
  }
  for (const auto& field : options.more) body[field.key()] = field.value();
  return run_shown({"/api/v2/inference/start", std::move(body), options.detach, options.json,
                    [](const json::object& task, const json::object* result) {
                      if (result == nullptr) {
                        print(tr("done; the results are in {}", {printable(place_of(task))}) +
                              "\n");
                      } else {
                        print(render_predictions(*result, base::string_or(task, "result_path"),
                                                 kRowsShown, screen_of(1)));
                      }
                    }});
}

int benchmark(const InferOptions& options) {
  json::object body = body_of(options);
  body["data_path"] = absolute_path(options.source);
  return run_shown({"/api/v2/inference/benchmark", std::move(body), options.detach, options.json,
                    [](const json::object& task, const json::object* result) {
                      if (result == nullptr) {
                        print(tr("done; the results are in {}", {printable(place_of(task))}) +
                              "\n");
                      } else {
                        print(render_benchmark(*result, screen_of(1)));
                      }
                    }});
}

}  // namespace berth::cli
