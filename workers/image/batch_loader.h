// SPDX-License-Identifier: Apache-2.0
// Reads pictures in batches with several threads ahead of the consumer, in a given order whatever
// the number of threads. Memory is bounded by `batches_ahead` batches plus, if asked for, a cache
// of the decoded pictures, so that later passes over a data set that fits need no decoding.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/result.h"

namespace berth::image {

/// A picture that could not be read.
struct FailedPicture {
  size_t index = 0;  ///< position in the list of paths
  protocol::Error error;
};

/// Pictures of one batch: pixels[((i * size + y) * size + x) * 3 + channel], 0..255 RGB. Failed
/// pictures are left out, so indices.size() pictures are there.
struct Batch {
  int size = 0;  ///< side in pixels
  std::vector<uint8_t> pixels;
  std::vector<size_t> indices;  ///< positions in the list of paths, in the order asked for
  std::vector<FailedPicture> failed;
};

struct LoaderOptions {
  int image_size = 224;      ///< side of the square that every picture is resized to
  int threads = 1;           ///< decoding threads
  int batches_ahead = 3;     ///< batches in memory at a time
  uint64_t cache_bytes = 0;  ///< keep decoded pictures if all of them take at most this much
};

class BatchLoader {
 public:
  BatchLoader(std::vector<std::string> paths, const LoaderOptions& options);
  ~BatchLoader();
  BatchLoader(const BatchLoader&) = delete;
  BatchLoader& operator=(const BatchLoader&) = delete;

  /// Begins a pass that yields `batches` (positions in the list of paths) one after the other. Ends
  /// an unfinished pass.
  void start(std::vector<std::vector<size_t>> batches);

  /// The next batch, or nothing when the pass is over. Waits for the decoders. For one consumer.
  std::optional<Batch> next();

 private:
  class Core;
  std::unique_ptr<Core> core_;
};

/// Positions 0..count-1 cut into batches of `batch_size`. With `shuffle` the order follows from
/// `seed` alone (same on every machine). `merge_single`: a last batch of one picture is joined with
/// the one before, because batch normalisation cannot learn from one value per channel.
std::vector<std::vector<size_t>> make_batches(size_t count, size_t batch_size, bool shuffle,
                                              uint64_t seed, bool merge_single);

/// The part of every batch that is for process `part` of `parts`. Where a batch has fewer than two
/// pictures for each, the last processes get none of it, for the reason above.
std::vector<std::vector<size_t>> share_of(const std::vector<std::vector<size_t>>& batches,
                                          size_t part, size_t parts);

}  // namespace berth::image
