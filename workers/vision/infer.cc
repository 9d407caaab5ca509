// SPDX-License-Identifier: Apache-2.0
#include "vision/infer.h"

#include <chrono>
#include <filesystem>

#include "protocol/output_file.h"
#include "protocol/output_folder.h"
#include "protocol/spec.h"
#include "runtime/process_setup.h"
#include "runtime/torch_session.h"
#include "vision/annotate.h"
#include "vision/boxes_file.h"
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
    std::optional<int64_t> head_hidden;
    if (!spec_.weight_path.empty()) {
      auto weights = look_at_weights(spec_.weight_path, spec_.cfg_path);
      if (!weights) return forward_error(weights);
      card_ = std::move(weights->card);
      head_hidden = weights->head_hidden;
    }
    threads_ = runtime::thread_count(spec_.threads);
    if (auto opened = open_source(); !opened) return opened;
    auto folder = protocol::OutputFolder::open("save_path", spec_.save_path);
    if (!folder) return forward_error(folder);
    if (auto claimed = folder->claim(annotated_files()); !claimed) return claimed;
    auto device = runtime::start_torch(spec_.device, threads_, &events_);
    if (!device) return forward_error(device);
    device_ = *device;
    if (!spec_.weight_path.empty()) {
      if (auto loaded = load_network(head_hidden); !loaded) return loaded;
    }
    events_.info(format("Source: %zu images (%s)", source_->size(), spec_.source_path.c_str()));
    auto results =
        ResultFiles::create(spec_.save_path, card_.model, spec_.weight_path, card_.class_names,
                            static_cast<size_t>(spec_.top_k), spec_.detector.has_value());
    if (!results) return forward_error(results);
    const auto begin = Clock::now();
    if (auto noted = note_failures(source_->refused(), &*results); !noted) return noted;
    auto done = spec_.detector ? predict_places(&*results) : predict_pictures(&*results);
    if (!done) return done;
    const std::chrono::duration<double> took = Clock::now() - begin;
    const size_t all = source_->size() + source_->refused().size();
    if (results->failures() == all && first_failure_) {
      return failed(ErrorCode::kBadImage,
                    "none of the " + std::to_string(all) + " pictures in " + spec_.source_path +
                        " could be read; the first: " + first_failure_->message,
                    first_failure_->file);
    }
    return finish(&*results, took.count());
  }

 private:
  Status open_source() {
    const PictureSource::Options options{card_.image_size, threads_,
                                         static_cast<size_t>(spec_.batch_size), annotated_folder()};
    auto source = PictureSource::open(spec_.source_path, options);
    if (!source) return forward_error(source);
    source_.emplace(std::move(*source));
    if (!spec_.detector) return {};
    auto boxes = open_boxes(spec_.detector->boxes_path);
    if (!boxes) return forward_error(boxes);
    detector_ = std::move(*boxes);
    return {};
  }

  Status load_network(std::optional<int64_t> head_hidden) {
    events_.info("Loading model...");
    auto network = Network::create(card_.model, static_cast<int64_t>(card_.class_names.size()),
                                   device_, /*seed=*/0, head_hidden);
    if (!network) return memory_advice(network.error());
    auto loaded = network->load(spec_.weight_path, HeadRule::kMustMatch);
    if (!loaded) return memory_advice(loaded.error());
    network_.emplace(std::move(*network));
    events_.info(format("Model: %s, %zu classes, image size %d, device %s", card_.model.c_str(),
                        card_.class_names.size(), card_.image_size, device_.c_str()));
    return {};
  }

  Status predict_pictures(ResultFiles* results) {
    size_t finished = 0;
    while (auto batch = source_->next()) {
      if (auto noted = note_failures(batch->failed, results); !noted) return noted;
      auto scores = network_->predict(*batch);
      if (!scores) return memory_advice(scores.error());
      std::vector<Label> labels;
      for (size_t i = 0; i < batch->indices.size(); ++i) {
        const size_t index = batch->indices[i];
        auto text = add(*scores, i, source_->name(index), std::nullopt, results);
        if (!text) return forward_error(text);
        labels.push_back({index, std::move(*text), {}});
      }
      if (auto drawn = annotate(labels); !drawn) return drawn;
      finished += batch->indices.size() + batch->failed.size();
      tell_progress(finished);
    }
    return {};
  }

  /// Two stages: what the detector has found is classified, if there are weights.
  Status predict_places(ResultFiles* results) {
    const bool classify = network_.has_value();
    BoxSource places(*source_, *detector_, spec_.detector->rule, classify ? card_.image_size : 0,
                     threads_);
    std::vector<Label> labels;  // of pictures whose places have not all come
    while (auto found = places.next(static_cast<size_t>(spec_.batch_size))) {
      if (auto noted = note_failures(found->failed, results); !noted) return noted;
      Result<std::vector<float>> scores;
      if (classify && !found->places.empty()) scores = network_->predict(found->batch);
      if (!scores) return memory_advice(scores.error());
      for (size_t i = 0; i < found->places.size(); ++i) {
        auto& [picture, box] = found->places[i];
        auto text = add(*scores, i, source_->name(picture), box, results);
        if (!text) return forward_error(text);
        if (labels.empty() || labels.back().index != picture) labels.push_back({picture, {}, {}});
        box.label = std::move(*text);
        labels.back().boxes.push_back(std::move(box));
      }
      if (labels.size() > 1) {
        Label last = std::move(labels.back());
        labels.pop_back();
        if (auto drawn = annotate(labels); !drawn) return drawn;
        labels.assign(1, std::move(last));
      }
      tell_progress(places.pictures_done());
    }
    results->note("pictures", source_->size());
    results->note("without_boxes", places.without_boxes());
    return annotate(labels);
  }

  /// Returns what is written on the picture.
  Result<std::string> add(const std::vector<float>& scores, size_t row, const std::string& name,
                          const std::optional<Box>& box, ResultFiles* results) {
    const size_t classes = card_.class_names.size();
    Prediction prediction;
    prediction.path = name;
    prediction.box = box;
    std::string text;
    if (classes > 0) {
      prediction.probabilities.resize(classes);
      softmax(scores.data() + row * classes, classes, prediction.probabilities.data());
      const size_t best = arg_max(prediction.probabilities.data(), classes);
      text = format("%s %.2f%%", card_.class_names[best].c_str(),
                    100.0 * static_cast<double>(prediction.probabilities[best]));
    } else if (box) {
      text = format("%s %.2f%%", box->label.c_str(), 100.0 * box->score);
    }
    if (auto added = results->add(prediction); !added) return forward_error(added);
    return text;
  }

  Status annotate(const std::vector<Label>& labels) const {
    return spec_.annotate ? write_annotated(*source_, labels, annotated_folder(), threads_)
                          : Status();
  }

  void tell_progress(size_t finished) {
    const size_t refused = source_->refused().size();
    events_.progress(std::min(0.999, static_cast<double>(finished + refused) /
                                         static_cast<double>(source_->size() + refused)));
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

  /// The pictures that are to be written, relative to save_path.
  std::vector<std::string> annotated_files() const {
    std::vector<std::string> files;
    if (!spec_.annotate) return files;
    const auto folder =
        std::filesystem::path(annotated_folder()).lexically_relative(spec_.save_path);
    for (size_t i = 0; i < source_->size(); ++i)
      files.push_back((folder / annotated_name(*source_, i)).lexically_normal().string());
    return files;
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
                format("Inference completed: %zu %s in %.2f s (%.1f/s), %zu failed",
                       results->predictions(), spec_.detector ? "boxes" : "images", seconds,
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
  std::unique_ptr<Detector> detector_;
  std::optional<Network> network_;
  ModelCard card_;
  int threads_ = 1;
  std::string device_;
  std::optional<Error> first_failure_;
};

void read_detector(protocol::Spec* fields, InferSpec* spec) {
  if (!fields->has("detector")) return;
  protocol::Spec part = fields->part("detector");
  DetectorSpec detector;
  detector.boxes_path = part.required_text("boxes_path");
  detector.rule.least_score = part.number_within("min_score", 0, 0, 1);
  detector.rule.most = part.integer("max_boxes", 1000, 1, 1'000'000);
  detector.rule.margin = part.number_within("margin", 0, 0, 10);
  fields->adopt(part, "detector");
  spec->detector = detector;
}

}  // namespace

Result<InferSpec> read_infer_spec(const std::string& path) {
  auto fields = protocol::Spec::read(path);
  if (!fields) return forward_error(fields);
  InferSpec spec;
  spec.cfg_path = fields->text("cfg_path").value_or("");
  read_detector(&*fields, &spec);
  spec.weight_path = spec.detector ? fields->text("weight_path").value_or("")
                                   : fields->required_text("weight_path");
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
