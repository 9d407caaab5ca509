// SPDX-License-Identifier: Apache-2.0
#include "dataset/synth.h"

#include <algorithm>
#include <atomic>
#include <boost/json/array.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>

#include "dataset/spectrogram.h"
#include "image/encode.h"
#include "image/resize.h"
#include "protocol/json_text.h"
#include "protocol/output_file.h"

namespace berth::dataset {
namespace {

namespace fs = std::filesystem;
using protocol::Error;
using protocol::ErrorCode;
using protocol::failed;
using protocol::Status;

constexpr int kWindow = 256;                            // samples, = rows of the raw spectrogram
constexpr size_t kSamples = (kWindow / 2) * (256 + 1);  // gives 256 columns
constexpr int kQuality = 92;
const char* const kSplits[2] = {"train", "valid"};

struct Item {
  int split = 0;
  size_t class_index = 0;
  int number = 0;
};

std::string picture_name(int number) {
  char name[32];
  std::snprintf(name, sizeof name, "%04d.jpg", number);
  return name;
}

class Synthesis {
 public:
  Synthesis(const SynthRequest& request, protocol::EventWriter* events)
      : request_(request), events_(*events) {}

  Status run() {
    const auto begin = std::chrono::steady_clock::now();
    if (auto ready = prepare(); !ready) return ready;
    events_.info("Making " + std::to_string(items_.size()) + " spectrograms of " +
                 std::to_string(request_.classes.size()) + " classes in " + request_.out);
    std::vector<std::thread> threads;
    for (int i = 0; i < std::max(1, request_.threads); ++i)
      threads.emplace_back([this] { work(); });
    for (std::thread& thread : threads) thread.join();
    if (error_) return tl::unexpected<Error>(*error_);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    return finish(took.count());
  }

 private:
  std::string folder(int split, const std::string& name) const {
    return request_.out + "/" + kSplits[split] + "/" + name;
  }

  Status prepare() {
    for (const std::string& name : request_.classes) {
      const auto kind = signal_kind(name);
      if (!kind) {
        return failed(ErrorCode::kBadRequest,
                      "unknown class \"" + name + "\"; known: " + signal_names());
      }
      kinds_.push_back(*kind);
    }
    const int counts[2] = {request_.train_per_class, request_.val_per_class};
    for (int split = 0; split < 2; ++split) {
      if (auto alone = refuse_others(split); !alone) return alone;
      for (size_t c = 0; c < request_.classes.size(); ++c) {
        const std::string place = folder(split, request_.classes[c]);
        if (auto made = protocol::make_folders(place); !made) return made;
        remove_beyond(place, counts[split]);
        for (int number = 0; number < counts[split]; ++number) {
          items_.push_back({split, c, number});
        }
      }
    }
    return {};
  }

  /// A class folder that was not asked for would silently become part of the data set.
  Status refuse_others(int split) const {
    const std::string root = request_.out + "/" + kSplits[split];
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(root, error)) {
      const std::string name = entry.path().filename().string();
      if (entry.is_directory() && std::find(request_.classes.begin(), request_.classes.end(),
                                            name) == request_.classes.end()) {
        return failed(ErrorCode::kBadRequest,
                      root + " already holds the class \"" + name +
                          "\", which was not asked for: remove it or choose another folder",
                      root);
      }
    }
    return {};
  }

  /// Pictures of an earlier, larger run.
  static void remove_beyond(const std::string& place, int count) {
    std::error_code error;
    for (int number = count; fs::remove(place + "/" + picture_name(number), error); ++number) {
    }
  }

  void work() {
    while (true) {
      const size_t index = next_.fetch_add(1);
      if (index >= items_.size()) return;
      Status made;
      try {
        made = make(items_[index]);
      } catch (const std::bad_alloc&) {
        made = failed(ErrorCode::kOutOfMemory, "not enough memory to make spectrograms");
      }
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!made) {
        if (!error_) error_ = made.error();
        next_ = items_.size();
        return;
      }
      // The last picture is not yet the end: dataset.json follows.
      ++finished_;
      events_.progress(
          std::min(0.999, static_cast<double>(finished_) / static_cast<double>(items_.size())));
    }
  }

  Status make(const Item& item) const {
    Random random(mix_seed(request_.seed, static_cast<uint64_t>(item.split), item.class_index,
                           static_cast<uint64_t>(item.number)));
    const double snr = random.uniform(request_.snr_min, request_.snr_max);
    const Samples samples = make_samples(kinds_[item.class_index], kSamples, snr, &random);
    const image::Bitmap full = paint(make_spectrogram(samples, kWindow));
    image::Bitmap picture;
    picture.width = picture.height = request_.size;
    picture.pixels.resize(static_cast<size_t>(request_.size) * static_cast<size_t>(request_.size) *
                          3);
    image::resize(full, request_.size, request_.size, picture.pixels.data());
    auto bytes = image::encode_jpeg(picture, kQuality);
    if (!bytes) return forward_error(bytes);
    // Can be made again at any time, so a flush to the disk per picture would be wasted.
    return protocol::write_file(
        folder(item.split, request_.classes[item.class_index]) + "/" + picture_name(item.number),
        *bytes, protocol::Durability::kRenamed);
  }

  Status finish(double seconds) {
    const boost::json::object facts{
        {"classes", boost::json::array(request_.classes.begin(), request_.classes.end())},
        {"train_per_class", request_.train_per_class},
        {"val_per_class", request_.val_per_class},
        {"image_size", request_.size},
        {"snr_min_db", request_.snr_min},
        {"snr_max_db", request_.snr_max},
        {"seed", request_.seed},
        {"train_path", request_.out + "/train"},
        {"val_path", request_.out + "/valid"},
        {"images", items_.size()}};
    const std::string path = request_.out + "/dataset.json";
    if (auto written = protocol::write_file(path, protocol::json_text(facts) + "\n"); !written) {
      return written;
    }
    char line[160];
    std::snprintf(line, sizeof line, "Data set completed: %zu images in %.1f s (%.0f images/s)",
                  items_.size(), seconds, static_cast<double>(items_.size()) / seconds);
    events_.log(protocol::Level::kInfo, line, "completed");
    events_.progress(1.0);
    boost::json::object result = facts;
    result["seconds"] = seconds;
    events_.result(std::move(result));
    return {};
  }

  const SynthRequest& request_;
  protocol::EventWriter& events_;
  std::vector<SignalKind> kinds_;
  std::vector<Item> items_;
  std::atomic<size_t> next_{0};
  std::mutex mutex_;  // guards the two below
  size_t finished_ = 0;
  std::optional<Error> error_;
};

}  // namespace

Status synthesize(const SynthRequest& request, protocol::EventWriter* events) {
  return Synthesis(request, events).run();
}

}  // namespace berth::dataset
