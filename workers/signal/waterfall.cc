// SPDX-License-Identifier: Apache-2.0
#include "signal/waterfall.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <new>
#include <vector>

#include "image/encode.h"
#include "signal/parallel.h"
#include "signal/triangle.h"

namespace berth::signal {
namespace {

using protocol::ErrorCode;
using protocol::failed;
using protocol::Status;

constexpr int kMostPixels = 8192;
constexpr size_t kMostGroup = 1024;
constexpr double kMostRingBytes = 1u << 30;
constexpr float kSilence = -126;
constexpr double kStepDb = 3.0102999566398120 / 2;  // dB of amplitude for one step of log2(power)

/// Rows that become one line: the largest divisor of the advance that leaves a line for each pixel.
size_t group_of(const WaterfallOptions& options) {
  for (size_t group = std::min(options.advance, kMostGroup); group > 1; --group) {
    if (options.advance % group == 0 &&
        options.rows_per_frame / group >= static_cast<size_t>(options.width)) {
      return group;
    }
  }
  return 1;
}

size_t batch_of(int threads) { return 2 * static_cast<size_t>(std::clamp(threads, 1, 64)); }

Status check(const WaterfallOptions& options, const Signal& signal, int threads) {
  const auto fits = [](int side) { return side >= 1 && side <= kMostPixels; };
  if (!fits(options.width) || !fits(options.height)) {
    return failed(ErrorCode::kBadRequest, "frames of " + std::to_string(options.width) + " x " +
                                              std::to_string(options.height) +
                                              " pixels: sides must be from 1 to " +
                                              std::to_string(kMostPixels));
  }
  if (options.rows_per_frame < 1 || options.advance < 1) {
    return failed(ErrorCode::kBadRequest,
                  "a frame must have at least one row and begin at least one row after another");
  }
  if (options.advance > options.rows_per_frame) {
    return failed(ErrorCode::kBadRequest, "an advance of " + std::to_string(options.advance) +
                                              " rows would leave out samples between frames of " +
                                              std::to_string(options.rows_per_frame) + " rows");
  }
  const auto rows = static_cast<double>(options.rows_per_frame) +
                    static_cast<double>(batch_of(threads) * options.advance);
  const double bytes =
      rows / static_cast<double>(group_of(options)) * options.height * sizeof(float);
  if (bytes > kMostRingBytes) {
    return failed(ErrorCode::kBadRequest,
                  "frames of " + std::to_string(options.rows_per_frame) + " rows would need " +
                      std::to_string(bytes / 1e9) +
                      " GB: choose fewer rows, or an advance with more divisors than " +
                      std::to_string(options.advance));
  }
  if (waterfall_frames(options, signal.samples) == 0) {
    return failed(ErrorCode::kBadRequest, "the recording has " + std::to_string(signal.samples) +
                                              " samples, a frame needs " +
                                              std::to_string(options.rows_per_frame) + " rows of " +
                                              std::to_string(options.length) +
                                              ": choose a shorter duration_time");
  }
  return {};
}

struct Line {
  float low = 0, high = 0;    // of all its rows and bins
  std::vector<float> levels;  // one for each pixel, lowest frequency first
};

class Waterfall {
 public:
  Waterfall(const Signal& signal, const WaterfallOptions& options, Stft stft, int threads)
      : signal_(signal),
        options_(options),
        stft_(std::move(stft)),
        threads_(threads),
        group_(group_of(options)),
        step_(options.advance / group_),
        lines_(std::max<size_t>(1, options.rows_per_frame / group_)),
        batch_(batch_of(threads)),
        ring_(lines_ + (batch_ - 1) * step_),
        columns_(triangle_taps(lines_, static_cast<size_t>(options.width))),
        heights_(triangle_taps(options.length, static_cast<size_t>(options.height))),
        colours_(make_colormap(options.colormap)) {}

  Status run(uint64_t frames, const FrameSink& sink) {
    std::vector<std::string> jpegs(batch_);
    for (uint64_t first = 0; first < frames; first += batch_) {
      const auto count = static_cast<size_t>(std::min<uint64_t>(batch_, frames - first));
      each(made_, (first + count - 1) * step_ + lines_,
           [this](uint64_t begin, uint64_t end) { return make_lines(begin, end); });
      made_ = (first + count - 1) * step_ + lines_;
      each(first, first + count, [&](uint64_t begin, uint64_t end) -> Status {
        for (uint64_t frame = begin; frame < end; ++frame) {
          auto jpeg = image::encode_jpeg(draw(frame), options_.quality);
          if (!jpeg) return forward_error(jpeg);
          jpegs[static_cast<size_t>(frame - first)] = std::move(*jpeg);
        }
        return {};
      });
      if (!outcome_) return outcome_;
      for (size_t i = 0; i < count; ++i) {
        if (auto taken = sink(first + i, jpegs[i]); !taken) return taken;
      }
    }
    return {};
  }

 private:
  template <typename Part>
  void each(uint64_t begin, uint64_t end, const Part& part) {
    in_parallel(static_cast<size_t>(end - begin), threads_, [&](size_t from, size_t to) {
      auto done = part(begin + from, begin + to);
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!done && outcome_) outcome_ = std::move(done);
    });
  }

  Line& line(uint64_t index) { return ring_[static_cast<size_t>(index % ring_.size())]; }

  Status make_lines(uint64_t begin, uint64_t end) {
    const size_t length = stft_.length(), count = group_ * length;
    Stft::Workspace work(stft_);
    std::vector<std::complex<float>> samples(count);
    std::vector<float> levels(count), sum(length);
    for (uint64_t index = begin; index < end; ++index) {
      const auto first = static_cast<int64_t>(index * count);
      if (auto read = signal_.read(first, count, samples.data()); !read) return read;
      const auto row = static_cast<size_t>(index * group_);
      stft_.levels({samples.data(), first, count}, row, group_, levels.data(), &work);
      std::fill(sum.begin(), sum.end(), 0.0f);
      for (size_t i = 0; i < group_; ++i) {
        stft_.kernels().accumulate(levels.data() + i * length, 1.0f / static_cast<float>(group_),
                                   length, sum.data());
      }
      Line& to = line(index);
      to.low = 1e30f;
      to.high = -1e30f;
      stft_.kernels().range(levels.data(), count, &to.low, &to.high);
      to.levels.resize(heights_.size());
      for (size_t y = 0; y < heights_.size(); ++y) {
        float level = 0;
        for (size_t k = 0; k < heights_[y].weights.size(); ++k) {
          level += heights_[y].weights[k] * sum[heights_[y].first + k];
        }
        to.levels[y] = level;
      }
    }
    return {};
  }

  image::Bitmap draw(uint64_t frame) {
    const uint64_t begin = frame * step_;
    float low = 1e30f, high = -1e30f;
    for (uint64_t i = begin; i < begin + lines_; ++i) {
      low = std::min(low, line(i).low);
      high = std::max(high, line(i).high);
    }
    if (low > high) low = high = kSilence;
    if (options_.low_db) low = static_cast<float>(*options_.low_db / kStepDb);
    if (options_.high_db) high = static_cast<float>(*options_.high_db / kStepDb);
    const float scale = high > low ? 256 / (high - low) : 0;
    image::Bitmap bitmap;
    bitmap.width = options_.width;
    bitmap.height = options_.height;
    const auto width = static_cast<size_t>(options_.width);
    const size_t height = heights_.size();
    bitmap.pixels.resize(width * height * 3);
    // A few columns at a time: a column alone would touch a cache line of the picture per pixel.
    constexpr size_t kStrip = 16;
    std::vector<float> strip(kStrip * height);
    for (size_t left = 0; left < width; left += kStrip) {
      const size_t count = std::min(kStrip, width - left);
      std::fill(strip.begin(), strip.end(), 0.0f);
      for (size_t i = 0; i < count; ++i) {
        const Taps& taps = columns_[left + i];
        for (size_t k = 0; k < taps.weights.size(); ++k) {
          stft_.kernels().accumulate(line(begin + taps.first + k).levels.data(), taps.weights[k],
                                     height, strip.data() + i * height);
        }
      }
      for (size_t y = 0; y < height; ++y) {
        uint8_t* to = bitmap.pixels.data() + (y * width + left) * 3;
        for (size_t i = 0; i < count; ++i, to += 3) {
          const float place = (strip[i * height + height - 1 - y] - low) * scale;
          const auto& chosen = colours_[static_cast<size_t>(std::clamp(place, 0.0f, 255.0f))];
          std::copy(chosen.begin(), chosen.end(), to);
        }
      }
    }
    return bitmap;
  }

  const Signal& signal_;
  const WaterfallOptions& options_;
  const Stft stft_;
  const int threads_;
  const size_t group_;  // rows of a line
  const size_t step_;   // lines from frame to frame
  const size_t lines_;  // of a frame
  const size_t batch_;  // frames made at a time
  std::vector<Line> ring_;
  uint64_t made_ = 0;  // lines so far
  const std::vector<Taps> columns_, heights_;
  const Colormap colours_;
  std::mutex mutex_;  // guards the one below while threads run
  Status outcome_;
};

}  // namespace

uint64_t waterfall_frames(const WaterfallOptions& options, uint64_t samples) {
  const uint64_t rows = samples / options.length;
  if (rows < options.rows_per_frame) return 0;
  return (rows - options.rows_per_frame) / options.advance + 1;
}

Status make_waterfall(const Signal& signal, const WaterfallOptions& options, uint64_t most,
                      int threads, const FrameSink& sink) {
  StftOptions rows;
  rows.window = WindowKind::kHann;
  rows.length = options.length;
  rows.overlap = 0;
  rows.extended = false;
  auto stft = Stft::create(rows);
  if (!stft) return forward_error(stft);
  if (auto checked = check(options, signal, threads); !checked) return checked;
  const uint64_t frames = std::min(most, waterfall_frames(options, signal.samples));
  try {
    return Waterfall(signal, options, std::move(*stft), threads).run(frames, sink);
  } catch (const std::bad_alloc&) {
    return failed(ErrorCode::kOutOfMemory, "not enough memory for frames of " +
                                               std::to_string(options.rows_per_frame) +
                                               " rows: choose fewer, or fewer threads");
  }
}

}  // namespace berth::signal
