// SPDX-License-Identifier: Apache-2.0
#include "image/batch_loader.h"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <new>
#include <numeric>
#include <random>
#include <thread>

#include "image/decode.h"
#include "image/resize.h"

namespace berth::image {
namespace {

/// A batch being filled. Every place is written by exactly one thread.
struct Pending {
  std::vector<uint8_t> pixels;
  std::vector<std::optional<protocol::Error>> errors;
  size_t left = 0;
};

uint64_t bounded(std::mt19937_64* random, uint64_t bound) {
  // Rejection keeps every value equally likely; std::uniform_int_distribution differs by library.
  const uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  uint64_t value = (*random)();
  while (value >= limit) value = (*random)();
  return value % bound;
}

}  // namespace

std::vector<std::vector<size_t>> make_batches(size_t count, size_t batch_size, bool shuffle,
                                              uint64_t seed, bool merge_single) {
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  if (shuffle) {
    std::mt19937_64 random(seed);
    for (size_t i = count; i > 1; --i) std::swap(order[i - 1], order[bounded(&random, i)]);
  }
  std::vector<std::vector<size_t>> batches;
  for (size_t at = 0; at < count; at += batch_size) {
    const size_t end = std::min(count, at + batch_size);
    batches.emplace_back(order.begin() + static_cast<std::ptrdiff_t>(at),
                         order.begin() + static_cast<std::ptrdiff_t>(end));
  }
  if (merge_single && batch_size > 1 && batches.size() > 1 && batches.back().size() == 1) {
    const size_t last = batches.back().front();
    batches.pop_back();
    batches.back().push_back(last);
  }
  return batches;
}

std::vector<std::vector<size_t>> share_of(const std::vector<std::vector<size_t>>& batches,
                                          size_t part, size_t parts) {
  std::vector<std::vector<size_t>> share;
  for (const auto& batch : batches) {
    const size_t count = batch.size();
    const size_t used = std::min(parts, std::max<size_t>(1, count / 2));
    share.emplace_back();
    if (part >= used) continue;
    share.back().assign(batch.begin() + static_cast<std::ptrdiff_t>(count * part / used),
                        batch.begin() + static_cast<std::ptrdiff_t>(count * (part + 1) / used));
  }
  return share;
}

class BatchLoader::Core {
 public:
  Core(std::vector<std::string> paths, const LoaderOptions& options)
      : paths_(std::move(paths)), options_(options) {
    picture_bytes_ =
        static_cast<size_t>(options.image_size) * static_cast<size_t>(options.image_size) * 3;
    if (options.cache_bytes > 0 && paths_.size() <= options.cache_bytes / picture_bytes_) {
      cache_.resize(paths_.size());
    }
    for (int i = 0; i < std::max(1, options.threads); ++i) {
      threads_.emplace_back([this] { work(); });
    }
  }

  ~Core() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stopping_ = true;
    }
    work_changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  void start(std::vector<std::vector<size_t>> batches) {
    std::unique_lock<std::mutex> lock(mutex_);
    // No picture of the former pass is handed out any more; wait for those in hand.
    batches_.clear();
    claim_batch_ = 0;
    batch_done_.wait(lock, [this] { return busy_ == 0; });
    pending_.clear();
    batches_ = std::move(batches);
    claim_batch_ = 0;
    claim_place_ = 0;
    consumed_ = 0;
    work_changed_.notify_all();
  }

  std::optional<Batch> next() {
    std::unique_lock<std::mutex> lock(mutex_);
    if (consumed_ >= batches_.size()) return std::nullopt;
    batch_done_.wait(lock, [this] { return !pending_.empty() && pending_.front()->left == 0; });
    const std::unique_ptr<Pending> done = std::move(pending_.front());
    pending_.pop_front();
    const std::vector<size_t> wanted = batches_[consumed_];
    ++consumed_;
    work_changed_.notify_all();
    lock.unlock();
    return collect(done.get(), wanted);
  }

 private:
  /// Closes the gaps that failed pictures left.
  Batch collect(Pending* done, const std::vector<size_t>& wanted) const {
    Batch batch;
    batch.size = options_.image_size;
    size_t kept = 0;
    for (size_t i = 0; i < wanted.size(); ++i) {
      if (done->errors[i]) {
        batch.failed.push_back({wanted[i], std::move(*done->errors[i])});
        continue;
      }
      if (kept != i) {
        std::memmove(done->pixels.data() + kept * picture_bytes_,
                     done->pixels.data() + i * picture_bytes_, picture_bytes_);
      }
      batch.indices.push_back(wanted[i]);
      ++kept;
    }
    done->pixels.resize(kept * picture_bytes_);
    batch.pixels = std::move(done->pixels);
    return batch;
  }

  bool claimable() const {
    return claim_batch_ < batches_.size() &&
           claim_batch_ < consumed_ + static_cast<size_t>(std::max(1, options_.batches_ahead));
  }

  void work() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (true) {
      work_changed_.wait(lock, [this] { return stopping_ || claimable(); });
      if (stopping_) return;
      if (batches_[claim_batch_].empty()) {
        pending_.push_back(make_pending(0));
        ++claim_batch_;
        batch_done_.notify_all();
        continue;
      }
      if (claim_place_ == 0) {
        pending_.push_back(make_pending(batches_[claim_batch_].size()));
      }
      Pending* pending = pending_[claim_batch_ - consumed_].get();
      const size_t place = claim_place_++;
      const size_t index = batches_[claim_batch_][place];
      if (claim_place_ == batches_[claim_batch_].size()) {
        ++claim_batch_;
        claim_place_ = 0;
      }
      ++busy_;
      lock.unlock();
      std::optional<protocol::Error> error;
      if (pending->pixels.empty()) {
        error = protocol::Error{
            protocol::ErrorCode::kOutOfMemory, "not enough memory for a batch of pictures", {}};
      } else {
        error = load(index, pending->pixels.data() + place * picture_bytes_);
      }
      lock.lock();
      pending->errors[place] = std::move(error);
      --busy_;
      if (--pending->left == 0 || busy_ == 0) batch_done_.notify_all();
    }
  }

  std::unique_ptr<Pending> make_pending(size_t count) const {
    auto fresh = std::make_unique<Pending>();
    fresh->left = count;
    fresh->errors.resize(count);
    try {
      fresh->pixels.resize(count * picture_bytes_);
    } catch (const std::bad_alloc&) {
      fresh->pixels.clear();  // Every place of the batch then reports it.
    }
    return fresh;
  }

  /// Fills `to` with the picture `index`. An index occurs at most once per pass, so that no two
  /// threads touch the same cache entry.
  std::optional<protocol::Error> load(size_t index, uint8_t* to) {
    if (!cache_.empty() && cache_[index]) {
      std::memcpy(to, cache_[index].get(), picture_bytes_);
      return std::nullopt;
    }
    auto picture = decode_file(paths_[index], options_.image_size);
    if (!picture) return std::move(picture.error());
    try {
      resize(*picture, options_.image_size, options_.image_size, to);
      if (!cache_.empty()) {
        cache_[index].reset(new uint8_t[picture_bytes_]);
        std::memcpy(cache_[index].get(), to, picture_bytes_);
      }
    } catch (const std::bad_alloc&) {
      return protocol::Error{protocol::ErrorCode::kOutOfMemory,
                             "not enough memory to resize " + paths_[index], paths_[index]};
    }
    return std::nullopt;
  }

  const std::vector<std::string> paths_;
  const LoaderOptions options_;
  size_t picture_bytes_ = 0;
  std::vector<std::unique_ptr<uint8_t[]>> cache_;  // empty: no cache

  std::mutex mutex_;
  std::condition_variable work_changed_, batch_done_;
  std::vector<std::vector<size_t>> batches_;
  std::deque<std::unique_ptr<Pending>> pending_;  // batches consumed_, consumed_ + 1, ...
  size_t claim_batch_ = 0, claim_place_ = 0;      // the next picture to be decoded
  size_t consumed_ = 0;
  size_t busy_ = 0;  // threads that hold a picture
  bool stopping_ = false;
  std::vector<std::thread> threads_;  // last: they use everything above
};

BatchLoader::BatchLoader(std::vector<std::string> paths, const LoaderOptions& options)
    : core_(std::make_unique<Core>(std::move(paths), options)) {}
BatchLoader::~BatchLoader() = default;
void BatchLoader::start(std::vector<std::vector<size_t>> batches) {
  core_->start(std::move(batches));
}
std::optional<Batch> BatchLoader::next() { return core_->next(); }

}  // namespace berth::image
