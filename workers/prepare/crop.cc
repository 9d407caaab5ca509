// SPDX-License-Identifier: Apache-2.0
#include "prepare/crop.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <set>

#include "image/decode.h"
#include "image/encode.h"
#include "prepare/files.h"
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

constexpr int64_t kMostCoordinate = 1'000'000'000;

/// The pictures to cut and the folder that their names are relative to.
struct Source {
  std::string folder;
  Files files;
};

Result<Source> list_source(const CropSpec& spec) {
  std::error_code ignored;
  const fs::path input = spec.input_path;
  if (fs::is_directory(input, ignored)) {
    if (lies_in(spec.output_path, spec.input_path)) {
      return failed(ErrorCode::kBadRequest,
                    "output_path " + spec.output_path + " lies in input_path " + spec.input_path +
                        ", whose pictures it would replace: choose another "
                        "folder",
                    spec.output_path);
    }
    auto files = list_files(spec.input_path);
    if (!files) return forward_error(files);
    return Source{spec.input_path, std::move(*files)};
  }
  if (lies_in(input.parent_path().empty() ? "." : input.parent_path().string(), spec.output_path) &&
      lies_in(spec.output_path, input.parent_path().empty() ? "." : input.parent_path().string())) {
    return failed(ErrorCode::kBadRequest,
                  "output_path is the folder of " + spec.input_path +
                      ", which would be replaced: choose another folder",
                  spec.output_path);
  }
  Source source;
  source.folder = input.parent_path().empty() ? "." : input.parent_path().string();
  if (image::has_image_extension(spec.input_path))
    source.files.pictures = {input.filename().string()};
  else
    source.files.others = 1;
  return source;
}

class Crop {
 public:
  Crop(const CropSpec& spec, protocol::EventWriter* events) : spec_(spec), events_(*events) {}

  Status run() {
    const auto begin = std::chrono::steady_clock::now();
    const Rectangle& r = spec_.rectangle;
    events_.info("Cropping " + spec_.input_path + " to (" + std::to_string(r.x) + ", " +
                 std::to_string(r.y) + ", " + std::to_string(r.width) + ", " +
                 std::to_string(r.height) + ")");
    auto source = list_source(spec_);
    if (!source) return forward_error(source);
    source_ = std::move(*source);
    if (source_.files.pictures.empty()) {
      return failed(ErrorCode::kBadRequest,
                    "input_path " + spec_.input_path +
                        " holds no picture (.jpg, .jpeg, .png, "
                        ".bmp)",
                    spec_.input_path);
    }
    auto folder = protocol::OutputFolder::open("output_path", spec_.output_path);
    if (!folder) return forward_error(folder);
    if (auto claimed = folder->claim(source_.files.pictures); !claimed) return claimed;
    if (auto made = make_folders(); !made) return made;
    Work work;
    work.count = source_.files.pictures.size();
    work.name = [this](size_t i) { return source_.files.pictures[i]; };
    work.run = [this](size_t i) { return crop_one(source_.files.pictures[i]); };
    auto outcome = run_all(work, runtime::thread_count(spec_.threads), &events_);
    if (!outcome) return forward_error(outcome);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    finish(std::move(*outcome), took.count());
    return {};
  }

 private:
  Status make_folders() const {
    std::set<std::string> folders;
    for (const std::string& name : source_.files.pictures)
      folders.insert(fs::path(name).parent_path().string());
    for (const std::string& folder : folders) {
      if (auto made = protocol::make_folders(spec_.output_path + "/" + folder); !made) return made;
    }
    return {};
  }

  Status crop_one(const std::string& name) const {
    const std::string path = source_.folder + "/" + name;
    auto picture = image::decode_file(path, /*target=*/0);
    if (!picture) return forward_error(picture);
    auto part = cut(*picture, spec_.rectangle);
    if (!part) {
      return failed(part.error().code, "cannot crop " + path + ": " + part.error().message, path);
    }
    auto bytes = image::encode_for(name, *part);
    if (!bytes) return forward_error(bytes);
    return protocol::write_file(spec_.output_path + "/" + name, *bytes,
                                protocol::Durability::kRenamed);
  }

  void finish(Outcome outcome, double seconds) {
    events_.log(protocol::Level::kInfo,
                "Crop completed: " + std::to_string(outcome.done + outcome.failed) + " images, " +
                    std::to_string(outcome.done) + " succeeded, " + std::to_string(outcome.failed) +
                    " failed",
                "completed");
    boost::json::object result{{"total_images", outcome.done + outcome.failed},
                               {"success", outcome.done}};
    for (auto& entry : outcome.stats) result[entry.key()] = std::move(entry.value());
    result["skipped_files"] = source_.files.others;
    result["output_path"] = spec_.output_path;
    result["seconds"] = seconds;
    events_.progress(1.0);
    events_.result(std::move(result));
  }

  const CropSpec& spec_;
  protocol::EventWriter& events_;
  Source source_;
};

}  // namespace

Result<image::Bitmap> cut(const image::Bitmap& picture, const Rectangle& rectangle) {
  const int64_t right = std::min<int64_t>(picture.width, rectangle.x + rectangle.width);
  const int64_t bottom = std::min<int64_t>(picture.height, rectangle.y + rectangle.height);
  if (rectangle.x >= right || rectangle.y >= bottom) {
    return failed(ErrorCode::kBadImage, "the rectangle begins at (" + std::to_string(rectangle.x) +
                                            ", " + std::to_string(rectangle.y) +
                                            "), outside the picture of " +
                                            std::to_string(picture.width) + " x " +
                                            std::to_string(picture.height) + " pixels");
  }
  image::Bitmap part;
  part.width = static_cast<int>(right - rectangle.x);
  part.height = static_cast<int>(bottom - rectangle.y);
  const size_t row = static_cast<size_t>(part.width) * 3;
  part.pixels.resize(row * static_cast<size_t>(part.height));
  for (int y = 0; y < part.height; ++y) {
    const auto from = static_cast<size_t>((rectangle.y + y) * picture.width + rectangle.x) * 3;
    std::memcpy(&part.pixels[static_cast<size_t>(y) * row], &picture.pixels[from], row);
  }
  return part;
}

Result<CropSpec> read_crop_spec(const std::string& path) {
  auto fields = protocol::Spec::read(path);
  if (!fields) return forward_error(fields);
  CropSpec spec;
  spec.input_path = fields->required_text("input_path");
  spec.output_path = fields->required_text("output_path");
  spec.rectangle.x = fields->required_integer("x", 0, kMostCoordinate);
  spec.rectangle.y = fields->required_integer("y", 0, kMostCoordinate);
  spec.rectangle.width = fields->required_integer("width", 1, kMostCoordinate);
  spec.rectangle.height = fields->required_integer("height", 1, kMostCoordinate);
  const int64_t threads = fields->integer("threads", 0, 0, 1024);
  if (threads > 0) spec.threads = threads;
  if (auto fine = fields->status(); !fine) return forward_error(fine);
  return spec;
}

Status crop(const CropSpec& spec, protocol::EventWriter* events) {
  return Crop(spec, events).run();
}

}  // namespace berth::prepare
