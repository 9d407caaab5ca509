// SPDX-License-Identifier: Apache-2.0
// berth data: pictures split, augmented, cropped; recordings of radio signals.
#include "cli/builtin.h"
#include "cli/data_text.h"
#include "cli/session.h"
#include "cli/signal_text.h"
#include "cli/verbs.h"
#include "cli/words.h"
#include "model/task_type.h"

namespace berth::cli {

namespace json = base::json;

namespace {

struct Work {
  std::string_view path;  // of the route
  json::object body;
};

Work split_work(const DataOptions& options) {
  json::object body{{"input_path", absolute_path(options.input)},
                    {"output_path", absolute_path(options.output)},
                    {"overwrite", options.overwrite},
                    {"link", options.link}};
  if (options.train_ratio) body["train_ratio"] = *options.train_ratio;
  if (options.val_ratio) body["val_ratio"] = *options.val_ratio;
  if (options.seed) body["seed"] = *options.seed;
  return {"/api/v2/preprocessing/split", std::move(body)};
}

Work augment_work(const DataOptions& options) {
  json::object body{{"dataset_path", absolute_path(options.input)},
                    {"output_path", absolute_path(options.output)}};
  if (!options.methods.empty())
    body["methods"] = json::array(options.methods.begin(), options.methods.end());
  if (options.seed) body["seed"] = *options.seed;
  return {"/api/v2/preprocessing/augment", std::move(body)};
}

Work crop_work(const DataOptions& options) {
  return {"/api/v2/preprocessing/crop", json::object{{"input_path", absolute_path(options.input)},
                                                     {"output_path", absolute_path(options.output)},
                                                     {"x", options.x},
                                                     {"y", options.y},
                                                     {"width", options.width},
                                                     {"height", options.height}}};
}

Work signal_work(std::string_view path, const DataOptions& options) {
  json::object body = options.more;
  body["source_path"] = absolute_path(options.input);
  if (!options.output.empty()) body["save_path"] = absolute_path(options.output);
  return {path, std::move(body)};
}

Work work_of(const DataOptions& options) {
  switch (options.work) {
    case DataWork::kSplit:
      return split_work(options);
    case DataWork::kAugment:
      return augment_work(options);
    case DataWork::kCrop:
      return crop_work(options);
    case DataWork::kSpectrogram:
      return signal_work("/api/v2/preprocessing/spectrogram", options);
    case DataWork::kWaterfall:
      return signal_work("/api/v2/preprocessing/waterfall", options);
    case DataWork::kIqDataset:
      return signal_work("/api/v2/preprocessing/iq-dataset", options);
    case DataWork::kSnr:
      return signal_work("/api/v2/preprocessing/snr", options);
    case DataWork::kAwgn:
      break;
  }
  return signal_work("/api/v2/preprocessing/awgn", options);
}

void show_stats(const json::object& task, const json::object* stats) {
  if (stats == nullptr) return;
  const std::string type = base::string_or(task, "task_type");
  print(model::is_signal(type) ? render_signal_stats(type, *stats, screen_of(1))
                               : render_data_stats(type, *stats, screen_of(1)));
}

}  // namespace

int data(const DataOptions& options) {
  Work work = work_of(options);
  work.body["priority"] = options.priority;
  if (!options.name.empty()) work.body["name"] = options.name;
  if (!options.task_id.empty()) work.body["task_id"] = options.task_id;
  return run_shown({work.path, std::move(work.body), options.detach, options.json, show_stats});
}

}  // namespace berth::cli
