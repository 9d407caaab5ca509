// SPDX-License-Identifier: Apache-2.0
#include "signal/picture_set.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <mutex>
#include <new>
#include <optional>
#include <set>

#include "image/encode.h"
#include "protocol/output_file.h"
#include "signal/parallel.h"

namespace berth::signal {
namespace {

using protocol::Error;
using protocol::ErrorCode;
using protocol::failed;
using protocol::Result;
using protocol::Status;

class PictureMaker {
 public:
  PictureMaker(const std::vector<Recording>& recordings, const PictureSetOptions& options,
               protocol::EventWriter* events)
      : recordings_(recordings),
        options_(options),
        events_(*events),
        broken_(recordings.size(), 0),
        made_(recordings.size(), 0) {}

  Result<PictureSet> run() {
    if (auto counted = count_slices(); !counted) return forward_error(counted);
    const auto threads = static_cast<size_t>(std::max(1, options_.threads));
    // Few pictures share the threads, many get one each.
    inner_threads_ = static_cast<int>(std::max<uint64_t>(
        1, threads / std::max<uint64_t>(1, std::min<uint64_t>(total_, threads))));
    in_parallel(std::min<size_t>(threads, static_cast<size_t>(total_)), options_.threads,
                [this](size_t, size_t) { work(); });
    if (error_) return tl::unexpected<Error>(*error_);
    return finish();
  }

 private:
  struct Slices {
    size_t recording;
    uint64_t first;  // among all slices
  };

  std::string picture_path(const Recording& recording, uint64_t slice) const {
    const char* ending = options_.format == PictureFormat::kJpeg ? ".jpg" : ".png";
    return recording.folder + "/" + recording.name + " (" + std::to_string(slice) + ")" + ending;
  }

  /// Opens every recording once; few are open at a time.
  Status count_slices() {
    for (size_t i = 0; i < recordings_.size(); ++i) {
      const Recording& recording = recordings_[i];
      auto file = IqFile::open(recording.path, options_.samples);
      if (!file) {
        leave_out(i, file.error().message);
        continue;
      }
      auto count = slice_count(*file, options_.slices);
      if (!count) return forward_error(count);
      for (const std::string& note : file->notes()) events_.warning(note);
      if (*count == 0) {
        leave_out(
            i, recording.path + " is " +
                   std::to_string(static_cast<double>(file->samples()) / file->sample_rate_hz()) +
                   " s long, less than a slice of " + std::to_string(options_.slices.duration_s) +
                   " s");
        continue;
      }
      if (auto made = protocol::make_folders(recording.folder); !made) return made;
      slices_.push_back({i, total_});
      total_ += std::min(*count, options_.most);
    }
    return {};
  }

  void work() {
    std::optional<IqFile> file;
    size_t open = recordings_.size();
    while (true) {
      const uint64_t item = next_.fetch_add(1);
      if (item >= total_) break;
      const auto after = std::upper_bound(
          slices_.begin(), slices_.end(), item,
          [](uint64_t wanted, const Slices& slices) { return wanted < slices.first; });
      const Slices& slices = *std::prev(after);
      Status made;
      try {
        made = make(slices.recording, item - slices.first, &open, &file);
      } catch (const std::bad_alloc&) {
        made = failed(ErrorCode::kOutOfMemory,
                      "not enough memory for the pictures: choose smaller ones or fewer threads");
      }
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!made) {
        if (!error_) error_ = made.error();
        next_ = total_;
        break;
      }
      ++finished_;
      events_.progress(
          std::min(0.999, static_cast<double>(finished_) / static_cast<double>(total_)));
    }
    close(&file);
  }

  /// An error is about what is written or about memory; what is wrong with a recording is noted.
  Status make(size_t index, uint64_t slice, size_t* open, std::optional<IqFile>* file) {
    const Recording& recording = recordings_[index];
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (broken_[index] != 0) return {};
    }
    if (*open != index) {
      close(file);
      auto opened = IqFile::open(recording.path, options_.samples);
      if (!opened) return break_off(index, opened.error().message);
      file->emplace(std::move(*opened));
      *open = index;
    }
    auto picture = picture_of(**file, slice, options_.slices, options_.picture, inner_threads_);
    if (!picture) return break_off(index, picture.error().message);
    auto bytes = options_.format == PictureFormat::kJpeg
                     ? image::encode_jpeg(picture->bitmap, options_.quality)
                     : image::encode_png(picture->bitmap);
    if (!bytes) return forward_error(bytes);
    // Can be made again at any time, so a flush to the disk per picture would be wasted.
    if (auto written = protocol::write_file(picture_path(recording, slice), *bytes,
                                            protocol::Durability::kRenamed);
        !written) {
      return written;
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    ++made_[index];
    return {};
  }

  void close(std::optional<IqFile>* file) {
    if (!*file) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    set_.not_finite += (*file)->not_finite();
    file->reset();
  }

  Status break_off(size_t index, const std::string& message) {
    const std::lock_guard<std::mutex> lock(mutex_);
    leave_out(index, message);
    return {};
  }

  /// Under the mutex while threads run.
  void leave_out(size_t index, const std::string& message) {
    if (broken_[index] != 0) return;
    broken_[index] = 1;
    set_.unreadable.push_back({recordings_[index].path, message});
    events_.warning("left out: " + message);
  }

  Result<PictureSet> finish() {
    for (const Slices& slices : slices_) {
      const Recording& recording = recordings_[slices.recording];
      const uint64_t made = made_[slices.recording];
      set_.pictures += made;
      set_.files += made > 0;
      set_.per_name[recording.name] += made;
      if (broken_[slices.recording] == 0) remove_beyond(recording, made);
    }
    if (set_.pictures == 0) {
      return failed(ErrorCode::kBadRequest,
                    "no picture could be made of " + std::to_string(recordings_.size()) +
                        " recordings; the first: " + set_.unreadable.front().message,
                    set_.unreadable.front().path);
    }
    return std::move(set_);
  }

  void remove_beyond(const Recording& recording, uint64_t count) const {
    std::error_code ignored;
    while (std::filesystem::remove(picture_path(recording, count), ignored)) ++count;
  }

  const std::vector<Recording>& recordings_;
  const PictureSetOptions& options_;
  protocol::EventWriter& events_;
  std::vector<Slices> slices_;  // by `first`
  uint64_t total_ = 0;
  int inner_threads_ = 1;
  std::atomic<uint64_t> next_{0};
  std::mutex mutex_;  // guards all below while threads run
  uint64_t finished_ = 0;
  std::optional<Error> error_;
  std::vector<char> broken_;
  std::vector<uint64_t> made_;
  PictureSet set_;
};

}  // namespace

Result<PictureSet> make_pictures(const std::vector<Recording>& recordings,
                                 const PictureSetOptions& options, protocol::EventWriter* events) {
  if (auto checked = check(options.picture); !checked) return forward_error(checked);
  std::set<std::string> places;
  for (const Recording& recording : recordings) {
    if (!places.insert(recording.folder + "/" + recording.name).second) {
      return failed(ErrorCode::kBadRequest,
                    recording.path + " and another recording would write the same pictures, \"" +
                        recording.name + " (0)\" and so on: rename one",
                    recording.path);
    }
  }
  return PictureMaker(recordings, options, events).run();
}

}  // namespace berth::signal
