// SPDX-License-Identifier: Apache-2.0
#include "prepare/split.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <chrono>
#include <filesystem>
#include <set>
#include <vector>

#include "dataset/random.h"
#include "prepare/files.h"
#include "prepare/names.h"
#include "prepare/places.h"
#include "prepare/run.h"
#include "protocol/output_file.h"
#include "protocol/output_folder.h"
#include "protocol/spec.h"
#include "protocol/termination.h"
#include "runtime/process_setup.h"

namespace berth::prepare {
namespace {

namespace fs = std::filesystem;
using protocol::Error;
using protocol::ErrorCode;
using protocol::failed;
using protocol::Result;
using protocol::Status;

constexpr const char* kParts[3] = {"train", "valid", "test"};
constexpr double kRounding = 1e-9;

/// Fisher and Yates, from the end.
void shuffle(std::vector<std::string>* names, uint64_t seed) {
  dataset::Random random(seed);
  for (size_t left = names->size(); left > 1; --left) {
    const auto chosen = static_cast<size_t>(random.uniform() * static_cast<double>(left));
    std::swap((*names)[left - 1], (*names)[chosen]);
  }
}

Status cannot(const char* what, const std::string& path, std::error_code error) {
  return tl::unexpected<Error>(protocol::system_error(what, path, error.value()));
}

class Split {
 public:
  Split(const SplitSpec& spec, protocol::EventWriter* events) : spec_(spec), events_(*events) {}

  Status run() {
    const auto begin = std::chrono::steady_clock::now();
    events_.info("Splitting the data set " + spec_.input_path + " into " + spec_.output_path);
    if (auto fine = check_places(); !fine) return fine;
    auto folder = protocol::OutputFolder::open("output_path", spec_.output_path);
    if (!folder) return forward_error(folder);
    if (auto fine = check_output(); !fine) return fine;
    if (auto fine = assign(); !fine) return fine;
    Status outcome = fill();
    if (outcome) outcome = put_in_place();
    std::error_code ignored;
    fs::remove_all(stage(), ignored);
    protocol::remember_folder("");
    if (!outcome) return outcome;
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    finish(took.count());
    return {};
  }

 private:
  std::string stage() const { return spec_.output_path + "/.berth-split"; }
  std::string part(int index) const { return spec_.output_path + "/" + kParts[index]; }

  Status check_places() const {
    std::error_code ignored;
    if (!fs::is_directory(spec_.input_path, ignored)) {
      return failed(ErrorCode::kBadRequest,
                    "input_path " + spec_.input_path +
                        " is not a folder: one with a sub-folder for each class is needed",
                    spec_.input_path);
    }
    if (lies_in(spec_.output_path, spec_.input_path)) {
      return failed(ErrorCode::kBadRequest,
                    "output_path " + spec_.output_path + " lies in input_path " + spec_.input_path +
                        ", where it would become a class: choose another folder",
                    spec_.output_path);
    }
    for (int i = 0; i < 3; ++i) {
      if (!lies_in(spec_.input_path, part(i))) continue;
      return failed(ErrorCode::kBadRequest,
                    "input_path " + spec_.input_path + " lies in " + part(i) +
                        ", which would be written: choose another output_path",
                    spec_.output_path);
    }
    return {};
  }

  Status check_output() const {
    for (int i = 0; i < 3 && !spec_.overwrite; ++i) {
      std::error_code error;
      const bool there = fs::exists(fs::symlink_status(part(i), error));
      if (!there || (fs::is_directory(part(i), error) && fs::is_empty(part(i), error))) continue;
      return failed(ErrorCode::kBadRequest,
                    part(i) +
                        " is there already and two splits must not mix: choose another "
                        "output_path, or set \"overwrite\" to replace train, valid and test",
                    part(i));
    }
    std::error_code error;
    // Of a run that was killed without time to tidy up.
    for (const std::string& left : {stage(), stage() + protocol::kLeavingSuffix}) {
      fs::remove_all(left, error);
      if (error) return cannot("cannot remove", left, error);
    }
    return {};
  }

  Status assign() {
    auto classes = list_classes(spec_.input_path);
    if (!classes) return forward_error(classes);
    if (classes->names.empty()) {
      return failed(ErrorCode::kBadRequest,
                    spec_.input_path + " has no class folders: pictures are expected in " +
                        spec_.input_path + "/<class>/*.jpg (or .jpeg, .png, .bmp)",
                    spec_.input_path);
    }
    skipped_ = classes->outside;
    if (classes->outside > 0) {
      events_.warning(std::to_string(classes->outside) + " files in " + spec_.input_path +
                      " lie in no class folder and are left out");
    }
    events_.info("Found " + std::to_string(classes->names.size()) + " classes");
    for (size_t i = 0; i < classes->names.size(); ++i)
      assign_class(classes->names[i], &classes->files[i]);
    if (classes_.empty()) {
      return failed(
          ErrorCode::kEmptyClass,
          "the class folders in " + spec_.input_path + " hold no picture (.jpg, .jpeg, .png, .bmp)",
          spec_.input_path);
    }
    return {};
  }

  void assign_class(const std::string& name, Files* files) {
    skipped_ += files->others;
    if (files->pictures.empty()) {
      empty_.emplace_back(name);
      events_.warning("The class " + name + " holds no picture and is left out");
      return;
    }
    classes_.emplace_back(name);
    shuffle(&files->pictures, dataset::mix_seed(spec_.seed, name_hash(name), 0, 0));
    const Shares shares = shares_of(files->pictures.size(), spec_.train_ratio, spec_.val_ratio);
    const uint64_t counts[3] = {shares.train, shares.valid, shares.test};
    size_t at = 0;
    for (int i = 0; i < 3; ++i) {
      if (i < 2 || asks_for_test()) folders_.push_back(std::string(kParts[i]) + "/" + name);
      for (uint64_t n = 0; n < counts[i]; ++n, ++at) {
        items_.push_back({i, name, files->pictures[at]});
      }
    }
    std::string line = name + ": " + std::to_string(shares.train) + " train, " +
                       std::to_string(shares.valid) + " val";
    if (asks_for_test()) line += ", " + std::to_string(shares.test) + " test";
    events_.info(line);
    if (shares.train == 0 || shares.valid == 0) {
      events_.warning("The class " + name + " has too few pictures: none for " +
                      (shares.train == 0 ? "training" : "validation"));
    }
  }

  bool asks_for_test() const {
    return spec_.val_ratio && spec_.train_ratio + *spec_.val_ratio < 1 - kRounding;
  }

  Status fill() {
    protocol::remember_folder(stage());
    std::set<std::string> folders(folders_.begin(), folders_.end());
    for (const Item& item : items_) folders.insert(fs::path(target(item)).parent_path().string());
    for (const std::string& folder : folders) {
      if (auto made = protocol::make_folders(stage() + "/" + folder); !made) return made;
    }
    Work work;
    work.count = items_.size();
    work.name = [this](size_t i) { return items_[i].class_name + "/" + items_[i].name; };
    work.run = [this, &work](size_t i) {
      const std::string from = spec_.input_path + "/" + work.name(i);
      const std::string to = stage() + "/" + target(items_[i]);
      Status done = spec_.link ? link_file(from, to) : copy_file(from, to);
      items_[i].done = done.has_value();
      return done;
    };
    auto outcome = run_all(work, runtime::thread_count(spec_.threads), &events_);
    if (!outcome) return forward_error(outcome);
    outcome_ = std::move(*outcome);
    return {};
  }

  /// Renames, so that a reader sees the whole new set or the whole old one. All of them or none.
  Status put_in_place() {
    // Between them the old set lies where it would be removed.
    const protocol::TerminationPause pause;
    std::error_code error;
    fs::create_directory(stage() + "/old", error);
    std::vector<std::pair<std::string, std::string>> renames;
    for (int i = 0; i < 3; ++i) {
      if (fs::exists(fs::symlink_status(part(i), error)))
        renames.emplace_back(part(i), stage() + "/old/" + kParts[i]);
      const std::string fresh = stage() + "/" + kParts[i];
      if (fs::exists(fresh, error)) renames.emplace_back(fresh, part(i));
    }
    for (size_t i = 0; i < renames.size(); ++i) {
      fs::rename(renames[i].first, renames[i].second, error);
      if (!error) continue;
      const auto failure = cannot("cannot replace", renames[i].second, error);
      while (i-- > 0) fs::rename(renames[i].second, renames[i].first, error);
      return failure;
    }
    return {};
  }

  void finish(double seconds) {
    uint64_t counts[3] = {0, 0, 0};
    for (const Item& item : items_) counts[item.part] += item.done ? 1 : 0;
    const uint64_t total = counts[0] + counts[1] + counts[2];
    std::string line = "Split completed: " + std::to_string(total) + " images, " +
                       std::to_string(counts[0]) + " train, " + std::to_string(counts[1]) + " val";
    if (asks_for_test()) line += ", " + std::to_string(counts[2]) + " test";
    if (outcome_.failed > 0) line += ", " + std::to_string(outcome_.failed) + " failed";
    events_.log(protocol::Level::kInfo, line, "completed");
    boost::json::object result{{"total_images", total},    {"train_images", counts[0]},
                               {"val_images", counts[1]},  {"test_images", counts[2]},
                               {"classes", classes_},      {"empty_classes", empty_},
                               {"skipped_files", skipped_}};
    for (auto& entry : outcome_.stats) result[entry.key()] = std::move(entry.value());
    result["seed"] = spec_.seed;
    result["output_path"] = spec_.output_path;
    result["seconds"] = seconds;
    events_.progress(1.0);
    events_.result(std::move(result));
  }

  struct Item {
    int part = 0;
    std::string class_name, name;
    bool done = false;
  };
  static std::string target(const Item& item) {
    return std::string(kParts[item.part]) + "/" + item.class_name + "/" + item.name;
  }

  const SplitSpec& spec_;
  protocol::EventWriter& events_;
  boost::json::array classes_, empty_;
  uint64_t skipped_ = 0;
  std::vector<std::string> folders_;  // relative to the output; also of parts that stay empty
  std::vector<Item> items_;
  Outcome outcome_;
};

}  // namespace

Shares shares_of(uint64_t pictures, double train_ratio, std::optional<double> val_ratio) {
  const auto share = [pictures](double ratio) {
    return static_cast<uint64_t>(static_cast<double>(pictures) * ratio);
  };
  Shares shares;
  shares.train = std::min(pictures, share(train_ratio));
  shares.valid = pictures - shares.train;
  if (val_ratio && train_ratio + *val_ratio < 1 - kRounding) {
    shares.valid = std::min(shares.valid, share(*val_ratio));
    shares.test = pictures - shares.train - shares.valid;
  }
  return shares;
}

Result<SplitSpec> read_split_spec(const std::string& path) {
  auto fields = protocol::Spec::read(path);
  if (!fields) return forward_error(fields);
  SplitSpec spec;
  spec.input_path = fields->required_text("input_path");
  spec.output_path = fields->required_text("output_path");
  spec.train_ratio = fields->number_within("train_ratio", 0.1, 0.9).value_or(0.8);
  spec.val_ratio = fields->number_within("val_ratio", 0.05, 0.5);
  spec.seed = static_cast<uint64_t>(fields->integer("seed", 0, 0, INT64_MAX));
  spec.overwrite = fields->boolean("overwrite", false);
  spec.link = fields->boolean("link", false);
  const int64_t threads = fields->integer("threads", 0, 0, 1024);
  if (threads > 0) spec.threads = threads;
  if (auto fine = fields->status(); !fine) return forward_error(fine);
  if (spec.val_ratio && spec.train_ratio + *spec.val_ratio > 1 + kRounding) {
    return failed(ErrorCode::kBadRequest,
                  "task specification: \"train_ratio\" and \"val_ratio\" add up to more than 1",
                  path);
  }
  return spec;
}

Status split(const SplitSpec& spec, protocol::EventWriter* events) {
  return Split(spec, events).run();
}

}  // namespace berth::prepare
