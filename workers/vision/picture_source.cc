// SPDX-License-Identifier: Apache-2.0
#include "vision/picture_source.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "image/decode.h"
#include "image/image_folder.h"
#include "image/resize.h"
#include "protocol/output_file.h"
#include "signal/iq_file.h"
#include "signal/spectrogram.h"

namespace berth::vision {
namespace {

namespace fs = std::filesystem;
using protocol::ErrorCode;
using protocol::failed;
using protocol::Result;
using protocol::Status;

constexpr uint64_t kMostListBytes = 256u << 20;

std::string extension_of(const std::string& path) {
  std::string extension = fs::path(path).extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension;
}

bool is_recording(const std::string& path) {
  const std::string extension = extension_of(path);
  return extension == ".iq" || extension == ".dat" || extension == ".sigmf-data";
}

struct Files {
  std::vector<std::string> pictures, recordings;
};

void add(const std::string& path, Files* files) {
  (is_recording(path) ? files->recordings : files->pictures).push_back(path);
}

Result<Files> files_of_list(const std::string& list) {
  auto text = protocol::read_file(list, kMostListBytes);
  if (!text) return forward_error(text);
  Files files;
  std::istringstream lines(*text);
  size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty() || line.front() == '#') continue;
    // Nothing of a file that is no list: who reads the message may not be one who may read it.
    if (!image::has_image_extension(line) && !is_recording(line)) {
      return failed(ErrorCode::kBadRequest,
                    "line " + std::to_string(number) + " of " + list +
                        " names neither a picture (.jpg, .jpeg, .png, .bmp) nor a recording (.iq, "
                        ".dat, .sigmf-data)",
                    list);
    }
    add((fs::path(list).parent_path() / line).lexically_normal().string(), &files);
  }
  return files;
}

Result<Files> files_of_folder(const std::string& folder, const std::string& left_out) {
  auto pictures = image::list_pictures(folder);
  if (!pictures) return forward_error(pictures);
  if (!left_out.empty()) {
    // Links resolved: the two may be spelled in different ways.
    std::error_code ignored;
    const auto inside = fs::weakly_canonical(left_out, ignored)
                            .lexically_relative(fs::weakly_canonical(folder, ignored));
    if (!inside.empty() && inside != "." && *inside.begin() != "..") {
      const std::string below = (fs::path(folder) / inside / "").string();
      const auto is_left_out = [&](const std::string& path) {
        return path.compare(0, below.size(), below) == 0;
      };
      pictures->erase(std::remove_if(pictures->begin(), pictures->end(), is_left_out),
                      pictures->end());
    }
  }
  Files files;
  files.pictures = std::move(*pictures);
  std::error_code error;
  const auto options = fs::directory_options::skip_permission_denied;
  for (fs::recursive_directory_iterator entry(folder, options, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    if (is_recording(entry->path().string()) && entry->is_regular_file(ignored))
      files.recordings.push_back(entry->path().string());
  }
  std::sort(files.recordings.begin(), files.recordings.end());
  return files;
}

}  // namespace

class PictureSource::Core {
 public:
  Core(std::string root, Files files, bool single, const Options& options)
      : root_(std::move(root)), single_(single), options_(options) {
    for (const std::string& path : files.pictures) names_.push_back(name_of(path));
    pictures_ = files.pictures;
    for (const std::string& path : files.recordings) open_recording(path);
    image::LoaderOptions loading;
    loading.image_size = options.image_size;
    loading.threads = options.threads;
    loader_ = std::make_unique<image::BatchLoader>(pictures_, loading);
    loader_->start(image::make_batches(pictures_.size(), options.batch_size, /*shuffle=*/false, 0,
                                       /*merge_single=*/false));
    next_slice_ = pictures_.size();
  }

  bool single() const { return single_; }
  size_t size() const { return pictures_.size() + slices_.size(); }
  const std::string& name(size_t index) const { return names_[index]; }
  const std::vector<image::FailedPicture>& refused() const { return refused_; }

  std::optional<image::Batch> next() {
    if (auto batch = loader_->next()) return batch;
    if (next_slice_ >= size()) return std::nullopt;
    image::Batch batch;
    batch.size = options_.image_size;
    const size_t bytes = 3 * static_cast<size_t>(batch.size) * static_cast<size_t>(batch.size);
    const size_t end = std::min(size(), next_slice_ + options_.batch_size);
    for (; next_slice_ < end; ++next_slice_) {
      const auto drawn = draw(next_slice_, options_.threads);
      if (!drawn) {
        batch.failed.push_back({next_slice_, drawn.error()});
        continue;
      }
      batch.indices.push_back(next_slice_);
      batch.pixels.resize(batch.pixels.size() + bytes);
      image::resize(*drawn, batch.size, batch.size,
                    batch.pixels.data() + batch.pixels.size() - bytes);
    }
    return batch;
  }

  Result<image::Bitmap> picture(size_t index) const {
    return index < pictures_.size() ? image::decode_file(pictures_[index], /*target=*/0)
                                    : draw(index, /*threads=*/1);
  }

 private:
  struct Slice {
    size_t recording;
    uint64_t index;
  };

  std::string name_of(const std::string& path) const {
    return single_ ? fs::path(path).filename().string()
                   : fs::path(path).lexically_relative(root_).string();
  }

  /// One that cannot be read gets a name all the same, behind those of the slices.
  void open_recording(const std::string& path) {
    auto file = signal::IqFile::open(path);
    auto count = file ? signal::slice_count(*file, {}) : Result<uint64_t>(forward_error(file));
    if (count && *count == 0) {
      count =
          failed(ErrorCode::kBadRequest,
                 path + " is shorter than a slice of 0.1 s: there is nothing to classify", path);
    }
    if (!count) {
      unreadable_.push_back({name_of(path), count.error()});
      return;
    }
    for (uint64_t i = 0; i < *count; ++i) {
      slices_.push_back({recordings_.size(), i});
      names_.push_back(name_of(path) + " (" + std::to_string(i + 1) + ")");
    }
    recordings_.push_back(std::move(*file));
  }

  Result<image::Bitmap> draw(size_t index, int threads) const {
    const Slice& slice = slices_[index - pictures_.size()];
    auto picture = signal::picture_of(recordings_[slice.recording], slice.index, {}, {}, threads);
    if (!picture) return forward_error(picture);
    return std::move(picture->bitmap);
  }

 public:
  void name_the_unreadable() {
    for (auto& [name, error] : unreadable_) {
      refused_.push_back({names_.size(), std::move(error)});
      names_.push_back(name);
    }
    unreadable_.clear();
  }

 private:
  std::string root_;
  bool single_;
  Options options_;
  std::vector<std::string> names_, pictures_;
  std::vector<signal::IqFile> recordings_;
  std::vector<Slice> slices_;
  std::vector<std::pair<std::string, protocol::Error>> unreadable_;
  std::vector<image::FailedPicture> refused_;
  std::unique_ptr<image::BatchLoader> loader_;
  size_t next_slice_ = 0;
};

PictureSource::PictureSource(std::unique_ptr<Core> core) : core_(std::move(core)) {}
PictureSource::~PictureSource() = default;
PictureSource::PictureSource(PictureSource&&) noexcept = default;

Result<PictureSource> PictureSource::open(const std::string& path, const Options& options) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (error) {
    return tl::unexpected<protocol::Error>(
        protocol::system_error("cannot read source_path", path, error.value()));
  }
  if (fs::is_other(status)) {
    return failed(ErrorCode::kBadRequest, "cannot read " + path + ": it is not a file", path);
  }
  const bool folder = fs::is_directory(status), list = !folder && extension_of(path) == ".txt";
  Files single;
  if (!folder && !list) add(path, &single);
  auto files = folder ? files_of_folder(path, options.left_out)
               : list ? files_of_list(path)
                      : Result<Files>(std::move(single));
  if (!files) return forward_error(files);
  if (files->pictures.empty() && files->recordings.empty()) {
    return failed(ErrorCode::kBadRequest,
                  "source_path " + path +
                      " holds no picture (.jpg, .jpeg, .png, .bmp) and no recording (.iq, .dat, "
                      ".sigmf-data)",
                  path);
  }
  const std::string root = list ? fs::path(path).parent_path().string() : path;
  auto core = std::make_unique<Core>(root, std::move(*files), /*single=*/!folder && !list, options);
  core->name_the_unreadable();
  if (core->single() && !core->refused().empty())
    return tl::unexpected<protocol::Error>(core->refused().front().error);
  return PictureSource(std::move(core));
}

size_t PictureSource::size() const { return core_->size(); }
bool PictureSource::single() const { return core_->single(); }
const std::vector<image::FailedPicture>& PictureSource::refused() const { return core_->refused(); }
std::optional<image::Batch> PictureSource::next() { return core_->next(); }
const std::string& PictureSource::name(size_t index) const { return core_->name(index); }
Result<image::Bitmap> PictureSource::picture(size_t index) const { return core_->picture(index); }

}  // namespace berth::vision
