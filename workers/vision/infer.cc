// SPDX-License-Identifier: Apache-2.0
#include "vision/infer.h"

#include <chrono>
#include <filesystem>

#include "protocol/output_file.h"
#include "protocol/spec.h"
#include "runtime/process_setup.h"
#include "runtime/torch_session.h"
#include "vision/annotate.h"
#include "vision/known_weights.h"
#include "vision/metrics.h"
#include "vision/network.h"
#include "vision/picture_source.h"
#include "vision/result_files.h"
#include "vision/wording.h"

namespace berth::vision {
namespace {

using protocol::Error;
using protocol::ErrorCode;
using protocol::EventWriter;
using protocol::failed;
using protocol::Result;
using protocol::Status;
using Clock = std::chrono::steady_clock;

class Inference {
 public:
  Inference(const InferSpec& spec, EventWriter* events) : spec_(spec), events_(*events) {}

  Status run() {
    auto weights = look_at_weights(spec_.weight_path, spec_.cfg_path);
    if (!weights) return forward_error(weights);
    card_ = std::move(weights->card);
    threads_ = runtime::thread_count(spec_.threads);
    auto source = PictureSource::open(
        spec_.source_path, {card_.image_size, threads_, static_cast<size_t>(spec_.batch_size)});
    if (!source) return forward_error(source);
    source_.emplace(std::move(*source));
    if (auto made = protocol::make_folders(spec_.save_path); !made) return made;
    auto device = runtime::start_torch(spec_.device, threads_, &events_);
    if (!device) return forward_error(device);
    device_ = *device;
    events_.info("Loading model...");
    auto network = Network::create(card_.model, static_cast<int64_t>(card_.class_names.size()),
                                   device_, /*seed=*/0, weights->head_hidden);
    if (!network) return memory_advice(network.error());
    auto loaded = network->load(spec_.weight_path, HeadRule::kMustMatch);
    if (!loaded) return memory_advice(loaded.error());
    events_.info(format("Model: %s, %zu classes, image size %d, device %s", card_.model.c_str(),
                        card_.class_names.size(), card_.image_size, device_.c_str()));
    events_.info(format("Source: %zu images (%s)", source_->size(), spec_.source_path.c_str()));
    return predict_all(&*network);
  }

 private:
  Status predict_all(Network* network) {
    auto results = ResultFiles::create(spec_.save_path, card_.model, spec_.weight_path,
                                       card_.class_names, static_cast<size_t>(spec_.top_k));
    if (!results) return forward_error(results);
    const auto begin = Clock::now();
    if (auto noted = note_failures(source_->refused(), &*results); !noted) return noted;
    size_t finished = source_->refused().size();
    while (auto batch = source_->next()) {
      if (auto noted = note_failures(batch->failed, &*results); !noted) return noted;
      if (auto done = predict(network, *batch, &*results); !done) return done;
      finished += batch->indices.size() + batch->failed.size();
      events_.progress(
          std::min(0.999, static_cast<double>(finished) /
                              static_cast<double>(source_->size() + source_->refused().size())));
    }
    const std::chrono::duration<double> took = Clock::now() - begin;
    if (results->predictions() == 0) {
      return failed(ErrorCode::kBadImage,
                    "none of the " + std::to_string(finished) + " pictures in " +
                        spec_.source_path + " could be read; the first: " + first_failure_->message,
                    first_failure_->file);
    }
    return finish(&*results, took.count());
  }

  Status predict(Network* network, const image::Batch& batch, ResultFiles* results) {
    auto scores = network->predict(batch);
    if (!scores) return memory_advice(scores.error());
    const size_t classes = card_.class_names.size();
    Prediction prediction;
    prediction.probabilities.resize(classes);
    std::vector<Label> labels;
    for (size_t i = 0; i < batch.indices.size(); ++i) {
      softmax(scores->data() + i * classes, classes, prediction.probabilities.data());
      prediction.path = source_->name(batch.indices[i]);
      if (auto added = results->add(prediction); !added) return added;
      const size_t best = arg_max(prediction.probabilities.data(), classes);
      labels.push_back(
          {batch.indices[i], format("%s %.2f%%", card_.class_names[best].c_str(),
                                    100.0 * static_cast<double>(prediction.probabilities[best]))});
    }
    return spec_.annotate ? write_annotated(*source_, labels, annotated_folder(), threads_)
                          : Status();
  }

  /// Never over the pictures themselves.
  std::string annotated_folder() const {
    std::error_code error;
    const std::filesystem::path source(spec_.source_path);
    const bool folder = std::filesystem::is_directory(source, error);
    const bool same =
        std::filesystem::equivalent(folder ? source : source.parent_path(), spec_.save_path, error);
    return same ? spec_.save_path + "/annotated" : spec_.save_path;
  }

  Status note_failures(const std::vector<image::FailedPicture>& pictures, ResultFiles* results) {
    for (const image::FailedPicture& picture : pictures) {
      if (source_->single()) return tl::unexpected<Error>(picture.error);
      if (picture.error.code == ErrorCode::kOutOfMemory) return memory_advice(picture.error);
      events_.warning(picture.error.message);
      if (!first_failure_) first_failure_ = picture.error;
      results->add_failure(source_->name(picture.index), picture.error.message);
    }
    return {};
  }

  Status finish(ResultFiles* results, double seconds) {
    auto event = results->commit(seconds);
    if (!event) return forward_error(event);
    events_.log(protocol::Level::kInfo,
                format("Inference completed: %zu images in %.2f s (%.1f images/s), %zu failed",
                       results->predictions(), seconds,
                       static_cast<double>(results->predictions()) / seconds, results->failures()),
                "completed");
    events_.progress(1.0);
    events_.result(std::move(*event));
    return {};
  }

  tl::unexpected<Error> memory_advice(const Error& error) const {
    return tl::unexpected<Error>(
        with_memory_advice(error, device_, spec_.batch_size, card_.image_size));
  }

  const InferSpec& spec_;
  EventWriter& events_;
  std::optional<PictureSource> source_;
  ModelCard card_;
  int threads_ = 1;
  std::string device_;
  std::optional<Error> first_failure_;
};

}  // namespace

Result<InferSpec> read_infer_spec(const std::string& path) {
  auto fields = protocol::Spec::read(path);
  if (!fields) return forward_error(fields);
  InferSpec spec;
  spec.cfg_path = fields->text("cfg_path").value_or("");
  spec.weight_path = fields->required_text("weight_path");
  spec.source_path = fields->required_text("source_path");
  spec.save_path = fields->text("save_path").value_or("results");
  if (spec.save_path.empty()) spec.save_path = "results";
  spec.batch_size = fields->integer("batch_size", 32, 1, 1 << 20);
  spec.top_k = fields->integer("top_k", 5, 1, 1000);
  spec.annotate = fields->boolean("annotate", true);
  const int64_t threads = fields->integer("threads", 0, 0, 1024);
  if (threads > 0) spec.threads = threads;
  spec.device = fields->text("device").value_or("");
  if (auto fine = fields->status(); !fine) return forward_error(fine);
  return spec;
}

Status infer(const InferSpec& spec, EventWriter* events) { return Inference(spec, events).run(); }

}  // namespace berth::vision
