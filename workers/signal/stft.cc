// SPDX-License-Identifier: Apache-2.0
#include "signal/stft.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "signal/parallel.h"

namespace berth::signal {
namespace {

using protocol::ErrorCode;
using protocol::failed;
using protocol::Result;

constexpr size_t kMostLength = 65536;

}  // namespace

Result<Stft> Stft::create(const StftOptions& options) {
  if (options.length < 1 || options.length > kMostLength) {
    return failed(ErrorCode::kBadRequest, "a window of " + std::to_string(options.length) +
                                              " samples: it must be from 1 to " +
                                              std::to_string(kMostLength));
  }
  const size_t overlap = options.overlap.value_or(options.length / 2);
  if (overlap >= options.length) {
    return failed(ErrorCode::kBadRequest, "an overlap of " + std::to_string(overlap) +
                                              " samples: it must be less than the window of " +
                                              std::to_string(options.length));
  }
  const std::vector<double> window = make_window(options.window, options.length, options.periodic);
  const double sum = std::accumulate(window.begin(), window.end(), 0.0);
  // A symmetric Hann or Blackman window of two samples is nothing but (nearly) zeros.
  if (std::abs(sum) < 1e-9) {
    return failed(ErrorCode::kBadRequest, "a window of " + std::to_string(options.length) +
                                              " samples is zero everywhere: take more samples");
  }
  Stft stft(options.length);
  stft.hop_ = options.length - overlap;
  stft.extended_ = options.extended;
  stft.kernels_ = options.portable ? &portable_kernels() : &signal::kernels();
  for (const double weight : window) stft.weights_.push_back(static_cast<float>(weight / sum));
  return stft;
}

size_t Stft::rows(uint64_t samples) const {
  if (samples == 0) return 0;
  if (!extended_) return samples < length() ? 0 : (samples - length()) / hop_ + 1;
  const uint64_t whole = std::max<uint64_t>(samples + length() / 2 * 2, length());
  return (whole - length() + hop_ - 1) / hop_ + 1;
}

int64_t Stft::first_sample(size_t row) const {
  return static_cast<int64_t>(row * hop_) - (extended_ ? static_cast<int64_t>(length() / 2) : 0);
}

Stft::Workspace::Workspace(const Stft& stft)
    : elements_(stft.fft_.buffer_floats(*stft.kernels_)),
      other_(stft.fft_.buffer_floats(*stft.kernels_)),
      edge_((stft.kernels_->lanes - 1) * stft.hop_ + stft.length()),
      spare_(2 * stft.length()) {}

/// Transforms of up to `lanes` rows side by side.
const float* Stft::spectra(const Chunk& chunk, size_t first, size_t count, Workspace* work) const {
  const int64_t begin = first_sample(first);
  const size_t span = (kernels_->lanes - 1) * hop_ + length();
  const int64_t chunk_end = chunk.first + static_cast<int64_t>(chunk.size);
  const std::complex<float>* from = nullptr;
  if (count == kernels_->lanes && begin >= chunk.first &&
      begin + static_cast<int64_t>(span) <= chunk_end) {
    from = chunk.samples + (begin - chunk.first);
  } else {
    // At the ends of the signal, and for the last few rows.
    std::fill(work->edge_.begin(), work->edge_.end(), std::complex<float>());
    const int64_t low = std::max(begin, chunk.first);
    const int64_t high = std::min(begin + static_cast<int64_t>(span), chunk_end);
    if (low < high) {
      std::copy(chunk.samples + (low - chunk.first), chunk.samples + (high - chunk.first),
                work->edge_.begin() + (low - begin));
    }
    from = work->edge_.data();
  }
  kernels_->gather(reinterpret_cast<const float*>(from), hop_, weights_.data(), length(),
                   work->elements_.data());
  return fft_.forward(*kernels_, work->elements_.data(), work->other_.data());
}

void Stft::transform(const Chunk& chunk, size_t first, size_t count, std::complex<float>* out,
                     Workspace* work) const {
  for (size_t row = 0; row < count; row += kernels_->lanes) {
    const size_t now = std::min(kernels_->lanes, count - row);
    float* rows[kMostLanes];
    for (size_t lane = 0; lane < kernels_->lanes; ++lane) {
      rows[lane] = lane < now ? reinterpret_cast<float*>(out + (row + lane) * length())
                              : work->spare_.data();
    }
    kernels_->scatter(spectra(chunk, first + row, now, work), length(), length() / 2, rows);
  }
}

void Stft::levels(const Chunk& chunk, size_t first, size_t count, float* out,
                  Workspace* work) const {
  for (size_t row = 0; row < count; row += kernels_->lanes) {
    const size_t now = std::min(kernels_->lanes, count - row);
    float* rows[kMostLanes];
    for (size_t lane = 0; lane < kernels_->lanes; ++lane) {
      rows[lane] = lane < now ? out + (row + lane) * length() : work->spare_.data();
    }
    kernels_->levels(spectra(chunk, first + row, now, work), length(), length() / 2, rows);
  }
}

void Stft::transform_all(const std::complex<float>* samples, size_t count, std::complex<float>* out,
                         int threads) const {
  const size_t total = rows(count), lanes = kernels_->lanes;
  const Chunk chunk{samples, 0, count};
  // Whole groups of rows, so that no thread has lanes to spare but the last.
  in_parallel((total + lanes - 1) / lanes, threads, [&](size_t from, size_t to) {
    Workspace work(*this);
    const size_t first = from * lanes, end = std::min(total, to * lanes);
    transform(chunk, first, end - first, out + first * length(), &work);
  });
}

}  // namespace berth::signal
