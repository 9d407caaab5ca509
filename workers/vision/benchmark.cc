// SPDX-License-Identifier: Apache-2.0
#include "vision/benchmark.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <vector>

#include "image/batch_loader.h"
#include "image/image_folder.h"
#include "protocol/json_text.h"
#include "protocol/output_file.h"
#include "protocol/output_folder.h"
#include "protocol/spec.h"
#include "runtime/process_setup.h"
#include "runtime/torch_session.h"
#include "vision/charts.h"
#include "vision/class_rows.h"
#include "vision/known_weights.h"
#include "vision/metrics.h"
#include "vision/network.h"
#include "vision/unreadable.h"
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

struct Group {
  std::string snr, colormap, path;
  std::vector<std::string> pictures;
  std::vector<int64_t> labels;  ///< of the model
};

std::vector<std::string> folders_in(const std::string& path) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    const std::string name = entry->path().filename().string();
    if (name.front() != '.' && entry->is_directory(ignored)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

class Benchmark {
 public:
  Benchmark(const BenchmarkSpec& spec, EventWriter* events) : spec_(spec), events_(*events) {}

  Status run() {
    auto weights = look_at_weights(spec_.weight_path, spec_.cfg_path);
    if (!weights) return forward_error(weights);
    card_ = std::move(weights->card);
    if (auto found = find_groups(); !found) return found;
    auto folder = protocol::OutputFolder::open("save_path", spec_.save_path);
    if (!folder) return forward_error(folder);
    threads_ = runtime::thread_count(spec_.threads);
    auto device = runtime::start_torch(spec_.device, threads_, &events_);
    if (!device) return forward_error(device);
    device_ = *device;
    events_.info("Loading model...");
    auto network = Network::create(card_.model, static_cast<int64_t>(card_.class_names.size()),
                                   device_, /*seed=*/0, weights->head_hidden);
    if (!network) return memory_advice(network.error());
    auto loaded = network->load(spec_.weight_path, HeadRule::kMustMatch);
    if (!loaded) return memory_advice(loaded.error());
    events_.info(format("Model: %s, %zu classes, device %s; %zu groups, %zu images",
                        card_.model.c_str(), card_.class_names.size(), device_.c_str(),
                        groups_.size(), total_));
    for (const Group& group : groups_) {
      if (auto done = measure(&*network, group); !done) return done;
    }
    return write();
  }

 private:
  Status find_groups() {
    std::error_code error;
    if (!fs::is_directory(spec_.data_path, error)) {
      return failed(ErrorCode::kBadRequest, "data_path " + spec_.data_path + " is no folder",
                    spec_.data_path);
    }
    for (const std::string& snr : folders_in(spec_.data_path)) {
      for (const std::string& colormap : folders_in(spec_.data_path + "/" + snr)) {
        if (auto added = add_group(snr, colormap); !added) return added;
      }
    }
    if (!groups_.empty()) return {};
    std::string classes;
    for (const std::string& name : card_.class_names)
      classes += (classes.empty() ? "" : ", ") + name;
    return failed(ErrorCode::kBadRequest,
                  "data_path " + spec_.data_path +
                      " must hold <snr>/<colormap>/<class>/ with pictures, of the classes " +
                      classes,
                  spec_.data_path);
  }

  Status add_group(const std::string& snr, const std::string& colormap) {
    Group group{snr, colormap, spec_.data_path + "/" + snr + "/" + colormap, {}, {}};
    for (const std::string& name : folders_in(group.path)) {
      const auto known = std::find(card_.class_names.begin(), card_.class_names.end(), name);
      if (known == card_.class_names.end()) {
        passed_over_.push_back(boost::json::value(snr + "/" + colormap + "/" + name));
        events_.warning(group.path + "/" + name + " is no class of the model: passed over");
        continue;
      }
      auto pictures = image::list_pictures(group.path + "/" + name);
      if (!pictures) return forward_error(pictures);
      group.labels.insert(group.labels.end(), pictures->size(), known - card_.class_names.begin());
      std::move(pictures->begin(), pictures->end(), std::back_inserter(group.pictures));
    }
    total_ += group.pictures.size();
    if (!group.pictures.empty()) groups_.push_back(std::move(group));
    return {};
  }

  Status measure(Network* network, const Group& group) {
    const size_t classes = card_.class_names.size();
    MetricsCollector collector(classes);
    UnreadablePictures unreadable(&events_);
    image::LoaderOptions options;
    options.image_size = card_.image_size;
    options.threads = threads_;
    image::BatchLoader loader(group.pictures, options);
    loader.start(image::make_batches(group.pictures.size(), static_cast<size_t>(spec_.batch_size),
                                     /*shuffle=*/false, 0, /*merge_single=*/false));
    while (auto batch = loader.next()) {
      if (auto noted = unreadable.note(*batch); !noted) return memory_advice(noted.error());
      auto scores = network->predict(*batch);
      if (!scores) return memory_advice(scores.error());
      for (size_t i = 0; i < batch->indices.size(); ++i) {
        const float* row = scores->data() + i * classes;
        const int64_t label = group.labels[batch->indices[i]];
        collector.add_scores(row, label);
      }
      finished_ += batch->indices.size() + batch->failed.size();
      events_.progress(0.999 * static_cast<double>(finished_) / static_cast<double>(total_));
    }
    if (collector.samples() == 0) return unreadable.all(group.path);
    return add_result(group, collector.compute(), collector.samples(), unreadable.count());
  }

  Status add_result(const Group& group, const ClassificationMetrics& metrics, size_t images,
                    size_t unreadable) {
    const std::string line = format(
        "%s %s: acc %.2f%%, top-1 %.4f, top-2 %.4f, top-3 %.4f, top-5 %.4f, mAP %.2f%%, macro F1 "
        "%.4f, micro F1 %.4f, %zu images",
        group.snr.c_str(), group.colormap.c_str(), metrics.accuracy, metrics.top1, metrics.top2,
        metrics.top3, metrics.top5, metrics.mean_average_precision, metrics.macro_f1,
        metrics.micro_f1, images);
    events_.info(line);
    lines_ += line + "\n";
    boost::json::object figures{{"snr", group.snr},
                                {"colormap", group.colormap},
                                {"images", images},
                                {"unreadable", unreadable},
                                {"accuracy", metrics.accuracy},
                                {"top1_acc", metrics.top1},
                                {"top2_acc", metrics.top2},
                                {"top3_acc", metrics.top3},
                                {"top5_acc", metrics.top5},
                                {"mAP", metrics.mean_average_precision},
                                {"macro_f1", metrics.macro_f1},
                                {"micro_f1", metrics.micro_f1}};
    figures_.push_back(figures);
    figures["classes"] = class_rows(metrics, card_.class_names);
    figures["confusion_matrix"] = confusion_rows(metrics);
    results_.push_back(std::move(figures));
    return write_chart(
        draw_confusion(metrics.confusion, card_.class_names),
        spec_.save_path + "/" + group.snr + "_" + group.colormap + "_confusion_matrix.png");
  }

  /// Accuracy over all pictures that have the same `key`, in %.
  boost::json::array summed_by(const char* key) const {
    std::map<std::string, std::pair<double, int64_t>> sums;  // right, all
    for (const auto& result : results_) {
      auto& [right, all] = sums[result.at(key).as_string().c_str()];
      const auto images = result.at("images").to_number<int64_t>();
      right += result.at("accuracy").to_number<double>() * static_cast<double>(images);
      all += images;
    }
    boost::json::array rows;
    for (const auto& [name, sum] : sums)
      rows.push_back({{key, name},
                      {"images", sum.second},
                      {"accuracy", sum.first / static_cast<double>(sum.second)}});
    return rows;
  }

  Status write() {
    const boost::json::object all{{"model", card_.model},
                                  {"weights", spec_.weight_path},
                                  {"groups", results_},
                                  {"by_snr", summed_by("snr")},
                                  {"by_colormap", summed_by("colormap")},
                                  {"passed_over", passed_over_}};
    const std::string path = spec_.save_path + "/benchmark.json";
    if (auto w = protocol::write_file(spec_.save_path + "/benchmark_result.txt", lines_); !w)
      return w;
    if (auto w = protocol::write_file(path, protocol::json_text(all) + "\n"); !w) return w;
    events_.progress(1.0);
    events_.result({{"result_path", path},
                    {"model", card_.model},
                    {"groups", figures_},
                    {"images", total_},
                    {"by_snr", all.at("by_snr")},
                    {"by_colormap", all.at("by_colormap")},
                    {"passed_over", passed_over_}});
    return {};
  }

  tl::unexpected<Error> memory_advice(const Error& error) const {
    return tl::unexpected<Error>(
        with_memory_advice(error, device_, spec_.batch_size, card_.image_size));
  }

  const BenchmarkSpec& spec_;
  EventWriter& events_;
  ModelCard card_;
  std::string device_;
  int threads_ = 1;
  std::vector<Group> groups_;
  size_t total_ = 0, finished_ = 0;
  std::string lines_;
  boost::json::array results_, passed_over_;
  boost::json::array figures_;  ///< of each group, without classes and confusion matrix
};

}  // namespace

Result<BenchmarkSpec> read_benchmark_spec(const std::string& path) {
  auto fields = protocol::Spec::read(path);
  if (!fields) return forward_error(fields);
  BenchmarkSpec spec;
  spec.cfg_path = fields->text("cfg_path").value_or("");
  spec.weight_path = fields->required_text("weight_path");
  spec.data_path = fields->required_text("data_path");
  spec.save_path = fields->text("save_path").value_or("results");
  if (spec.save_path.empty()) spec.save_path = "results";
  spec.batch_size = fields->integer("batch_size", 32, 1, 1 << 20);
  const int64_t threads = fields->integer("threads", 0, 0, 1024);
  if (threads > 0) spec.threads = threads;
  spec.device = fields->text("device").value_or("");
  if (auto fine = fields->status(); !fine) return forward_error(fine);
  return spec;
}

Status benchmark(const BenchmarkSpec& spec, EventWriter* events) {
  return Benchmark(spec, events).run();
}

}  // namespace berth::vision
