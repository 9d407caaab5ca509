// SPDX-License-Identifier: Apache-2.0
#include "vision/infer.h"

#include <chrono>
#include <filesystem>

#include "checkpoint/safetensors.h"
#include "image/batch_loader.h"
#include "image/image_folder.h"
#include "protocol/output_file.h"
#include "protocol/spec.h"
#include "runtime/process_setup.h"
#include "runtime/torch_session.h"
#include "vision/metrics.h"
#include "vision/model_card.h"
#include "vision/network.h"
#include "vision/result_files.h"
#include "vision/wording.h"

namespace berth::vision {
namespace {

namespace fs = std::filesystem;
using protocol::Error;
using protocol::ErrorCode;
using protocol::EventWriter;
using protocol::failed;
using protocol::Result;
using protocol::Status;
using Clock = std::chrono::steady_clock;

/// Pictures to classify, with their names relative to the source.
struct Source {
  std::vector<std::string> paths, names;
  bool single = false;  ///< the source is one file
};

Result<Source> list_source(const std::string& source_path) {
  std::error_code error;
  const fs::file_status status = fs::status(source_path, error);
  if (error) {
    return tl::unexpected<Error>(
        protocol::system_error("cannot read source_path", source_path, error.value()));
  }
  Source source;
  if (!fs::is_directory(status)) {
    source.paths = {source_path};
    source.names = {fs::path(source_path).filename().string()};
    source.single = true;
    return source;
  }
  auto paths = image::list_pictures(source_path);
  if (!paths) return forward_error(paths);
  if (paths->empty()) {
    return failed(ErrorCode::kBadRequest,
                  "source_path " + source_path + " holds no picture (.jpg, .jpeg, .png, .bmp)",
                  source_path);
  }
  source.paths = std::move(*paths);
  for (const std::string& path : source.paths) {
    source.names.push_back(fs::path(path).lexically_relative(source_path).string());
  }
  return source;
}

Result<ModelCard> find_card(const InferSpec& spec) {
  std::vector<CardSource> sources;
  auto file = checkpoint::SafetensorsFile::open(spec.weight_path);
  if (!file) return forward_error(file);
  auto sidecar = read_sidecar(spec.weight_path);
  if (!sidecar) return forward_error(sidecar);
  sources.push_back(std::move(*sidecar));
  sources.push_back(read_metadata(file->metadata()));
  std::string tried = sidecar_path(spec.weight_path) + ", the weights' metadata";
  if (!spec.cfg_path.empty()) {
    auto config = read_config(spec.cfg_path);
    if (!config) return forward_error(config);
    sources.push_back(std::move(*config));
    tried += ", " + spec.cfg_path;
  }
  return merge_sources(sources, spec.weight_path, tried);
}

class Inference {
 public:
  Inference(const InferSpec& spec, EventWriter* events) : spec_(spec), events_(*events) {}

  Status run() {
    auto source = list_source(spec_.source_path);
    if (!source) return forward_error(source);
    source_ = std::move(*source);
    auto card = find_card(spec_);
    if (!card) return forward_error(card);
    card_ = std::move(*card);
    if (auto made = protocol::make_folders(spec_.save_path); !made) return made;
    const int threads = runtime::thread_count(spec_.threads);
    auto device = runtime::start_torch(spec_.device, threads, &events_);
    if (!device) return forward_error(device);
    device_ = *device;
    events_.info("Loading model...");
    auto network = Network::create(card_.model, static_cast<int64_t>(card_.class_names.size()),
                                   device_, /*seed=*/0);
    if (!network) return memory_advice(network.error());
    auto loaded = network->load(spec_.weight_path, HeadRule::kMustMatch);
    if (!loaded) return memory_advice(loaded.error());
    events_.info(format("Model: %s, %zu classes, image size %d, device %s", card_.model.c_str(),
                        card_.class_names.size(), card_.image_size, device_.c_str()));
    events_.info(
        format("Source: %zu images (%s)", source_.paths.size(), spec_.source_path.c_str()));
    return predict_all(&*network, threads);
  }

 private:
  Status predict_all(Network* network, int threads) {
    auto results =
        ResultFiles::create(spec_.save_path, card_.model, spec_.weight_path, card_.class_names);
    if (!results) return forward_error(results);
    image::LoaderOptions options;
    options.image_size = card_.image_size;
    options.threads = threads;
    image::BatchLoader loader(source_.paths, options);
    const auto begin = Clock::now();
    loader.start(image::make_batches(source_.paths.size(), static_cast<size_t>(spec_.batch_size),
                                     /*shuffle=*/false, 0, /*merge_single=*/false));
    const size_t classes = card_.class_names.size();
    Prediction prediction;
    prediction.probabilities.resize(classes);
    size_t finished = 0;
    while (auto batch = loader.next()) {
      for (const image::FailedPicture& picture : batch->failed) {
        if (source_.single) return tl::unexpected<Error>(picture.error);
        if (picture.error.code == ErrorCode::kOutOfMemory) return memory_advice(picture.error);
        events_.warning(picture.error.message);
        if (!first_failure_) first_failure_ = picture.error;
        results->add_failure(source_.names[picture.index], picture.error.message);
      }
      auto scores = network->predict(*batch);
      if (!scores) return memory_advice(scores.error());
      for (size_t i = 0; i < batch->indices.size(); ++i) {
        softmax(scores->data() + i * classes, classes, prediction.probabilities.data());
        prediction.path = source_.names[batch->indices[i]];
        if (auto added = results->add(prediction); !added) return added;
      }
      finished += batch->indices.size() + batch->failed.size();
      events_.progress(std::min(
          0.999, static_cast<double>(finished) / static_cast<double>(source_.paths.size())));
    }
    const std::chrono::duration<double> took = Clock::now() - begin;
    if (results->predictions() == 0) {
      return failed(ErrorCode::kBadImage,
                    "none of the " + std::to_string(source_.paths.size()) + " pictures in " +
                        spec_.source_path + " could be read; the first: " + first_failure_->message,
                    first_failure_->file);
    }
    return finish(&*results, took.count());
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
  Source source_;
  ModelCard card_;
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
  const int64_t threads = fields->integer("threads", 0, 0, 1024);
  if (threads > 0) spec.threads = threads;
  spec.device = fields->text("device").value_or("");
  if (auto fine = fields->status(); !fine) return forward_error(fine);
  return spec;
}

Status infer(const InferSpec& spec, EventWriter* events) { return Inference(spec, events).run(); }

}  // namespace berth::vision
