// SPDX-License-Identifier: Apache-2.0
#include "prepare/augment.h"

#include <algorithm>
#include <atomic>
#include <boost/json/array.hpp>
#include <chrono>
#include <filesystem>
#include <set>

#include "image/decode.h"
#include "image/encode.h"
#include "prepare/files.h"
#include "prepare/names.h"
#include "prepare/places.h"
#include "prepare/run.h"
#include "protocol/output_file.h"
#include "protocol/output_folder.h"
#include "protocol/spec.h"
#include "runtime/process_setup.h"

namespace berth::prepare {
namespace {

namespace fs = std::filesystem;
using protocol::ErrorCode;
using protocol::failed;
using protocol::Result;
using protocol::Status;

constexpr const char* kParts[2] = {"train", "valid"};

class Augment {
 public:
  Augment(const AugmentSpec& spec, protocol::EventWriter* events) : spec_(spec), events_(*events) {}

  Status run() {
    const auto begin = std::chrono::steady_clock::now();
    events_.info("Augmenting the data set " + spec_.dataset_path);
    if (auto fine = check_places(); !fine) return fine;
    if (auto listed = list(); !listed) return listed;
    auto folder = protocol::OutputFolder::open("output_path", spec_.output_path);
    if (!folder) return forward_error(folder);
    if (auto made = make_folders(); !made) return made;
    tell_methods();
    Work work;
    work.count = pictures_.size();
    work.name = [this](size_t i) { return pictures_[i]; };
    work.run = [this](size_t i) { return augment_one(pictures_[i]); };
    auto outcome = run_all(work, runtime::thread_count(spec_.threads), &events_);
    if (!outcome) return forward_error(outcome);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    finish(std::move(*outcome), took.count());
    return {};
  }

 private:
  std::string part(const std::string& root, const char* name) const { return root + "/" + name; }

  Status check_places() const {
    for (const char* name : kParts) {
      const std::string from = part(spec_.dataset_path, name), to = part(spec_.output_path, name);
      if (!lies_in(spec_.output_path, from) && !lies_in(to, from)) continue;
      return failed(ErrorCode::kBadRequest,
                    "output_path " + spec_.output_path + " would mix with the pictures in " + from +
                        ": choose another folder",
                    spec_.output_path);
    }
    return {};
  }

  Status list() {
    bool any = false;
    std::set<std::string> classes;
    for (const char* name : kParts) {
      const std::string root = part(spec_.dataset_path, name);
      std::error_code ignored;
      if (!fs::is_directory(root, ignored)) continue;
      any = true;
      auto found = list_classes(root);
      if (!found) return forward_error(found);
      classes.insert(found->names.begin(), found->names.end());
      skipped_ += found->outside;
      for (size_t i = 0; i < found->names.size(); ++i) {
        skipped_ += found->files[i].others;
        for (const std::string& picture : found->files[i].pictures)
          pictures_.push_back(std::string(name) + "/" + found->names[i] + "/" + picture);
      }
      events_.info(std::string(name) + ": " + std::to_string(found->names.size()) + " classes");
    }
    classes_.assign(classes.begin(), classes.end());
    if (!any) {
      return failed(ErrorCode::kBadRequest,
                    spec_.dataset_path + " holds neither a train nor a valid folder",
                    spec_.dataset_path);
    }
    if (pictures_.empty()) {
      return failed(ErrorCode::kEmptyClass,
                    "train and valid in " + spec_.dataset_path +
                        " hold no picture: they are expected in <class>/*.jpg (or .jpeg, .png, "
                        ".bmp)",
                    spec_.dataset_path);
    }
    return {};
  }

  Status make_folders() const {
    std::set<std::string> folders;
    for (const std::string& picture : pictures_)
      folders.insert(fs::path(picture).parent_path().string());
    for (const std::string& folder : folders) {
      if (auto made = protocol::make_folders(spec_.output_path + "/" + folder); !made) return made;
    }
    return {};
  }

  void tell_methods() const {
    std::string names;
    for (const Augmentation& method : spec_.methods)
      names += std::string(names.empty() ? "" : ", ") + method.name;
    events_.info("Methods: " + names);
  }

  Status augment_one(const std::string& name) {
    const std::string from = spec_.dataset_path + "/" + name;
    auto picture = image::decode_file(from, /*target=*/0);
    if (!picture) return forward_error(picture);
    const fs::path path = name;
    const std::string extension = path.extension().string();
    const std::string base =
        spec_.output_path + "/" + (path.parent_path() / path.stem()).string() + "_";
    for (size_t i = 0; i < spec_.methods.size(); ++i) {
      dataset::Random random(dataset::mix_seed(spec_.seed, name_hash(name),
                                               name_hash(spec_.methods[i].name), times_before(i)));
      auto bytes = image::encode_for(name, spec_.methods[i].apply(*picture, &random));
      if (!bytes) return forward_error(bytes);
      auto written = protocol::write_file(base + "AugM" + std::to_string(i) + extension, *bytes,
                                          protocol::Durability::kRenamed);
      if (!written) return written;
      ++augmented_;
    }
    return copy_file(from, base + "origin" + extension);
  }

  /// How often the same method stands before: asked for twice it gives two different pictures.
  uint64_t times_before(size_t index) const {
    return static_cast<uint64_t>(std::count_if(
        spec_.methods.begin(), spec_.methods.begin() + static_cast<ptrdiff_t>(index),
        [&](const Augmentation& other) { return other.apply == spec_.methods[index].apply; }));
  }

  void finish(Outcome outcome, double seconds) {
    events_.log(protocol::Level::kInfo,
                "Augmentation completed: " + std::to_string(pictures_.size()) +
                    " original images, " + std::to_string(augmented_) + " augmented images in " +
                    spec_.output_path +
                    (outcome.failed > 0 ? ", " + std::to_string(outcome.failed) + " failed" : ""),
                "completed");
    boost::json::array methods;
    for (const Augmentation& method : spec_.methods) methods.emplace_back(method.name);
    boost::json::object result{{"original_images", pictures_.size()},
                               {"augmented_images", augmented_.load()},
                               {"methods_used", spec_.methods.size()},
                               {"methods", std::move(methods)},
                               {"classes", boost::json::array(classes_.begin(), classes_.end())}};
    for (auto& entry : outcome.stats) result[entry.key()] = std::move(entry.value());
    result["skipped_files"] = skipped_;
    result["seed"] = spec_.seed;
    result["output_path"] = spec_.output_path;
    result["seconds"] = seconds;
    events_.progress(1.0);
    events_.result(std::move(result));
  }

  const AugmentSpec& spec_;
  protocol::EventWriter& events_;
  std::vector<std::string> pictures_;  // "train/<class>/a.jpg"
  std::vector<std::string> classes_;
  uint64_t skipped_ = 0;
  std::atomic<uint64_t> augmented_{0};
};

}  // namespace

Result<AugmentSpec> read_augment_spec(const std::string& path) {
  auto fields = protocol::Spec::read(path);
  if (!fields) return forward_error(fields);
  AugmentSpec spec;
  spec.dataset_path = fields->required_text("dataset_path");
  spec.output_path = fields->required_text("output_path");
  const auto names = fields->texts("methods");
  spec.seed = static_cast<uint64_t>(fields->integer("seed", 0, 0, INT64_MAX));
  const int64_t threads = fields->integer("threads", 0, 0, 1024);
  if (threads > 0) spec.threads = threads;
  if (auto fine = fields->status(); !fine) return forward_error(fine);
  for (const std::string& name : names) {
    const Augmentation* method = find_augmentation(name);
    if (method == nullptr) {
      std::string known;
      for (const Augmentation& one : augmentations())
        known += std::string(known.empty() ? "" : ", ") + one.name;
      return failed(ErrorCode::kBadRequest,
                    "task specification: unknown method \"" + name + "\"; known: " + known, path);
    }
    spec.methods.push_back(*method);
  }
  if (spec.methods.empty()) spec.methods = augmentations();
  return spec;
}

Status augment(const AugmentSpec& spec, protocol::EventWriter* events) {
  return Augment(spec, events).run();
}

}  // namespace berth::prepare
