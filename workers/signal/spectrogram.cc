// SPDX-License-Identifier: Apache-2.0
#include "signal/spectrogram.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <new>

#include "signal/parallel.h"
#include "signal/triangle.h"

namespace berth::signal {
namespace {

using protocol::Error;
using protocol::ErrorCode;
using protocol::failed;
using protocol::Result;
using protocol::Status;

constexpr int kMostPixels = 8192;
constexpr size_t kBlockValues = 1u << 16;           // transformed at a time, by each thread
constexpr double kPowerOfTwo = 3.0102999566398120;  // dB
constexpr float kSilence = -126;

struct Range {
  float low = 1e30f, high = -1e30f;

  void merge(const Range& other) {
    low = std::min(low, other.low);
    high = std::max(high, other.high);
  }
};

/// Makes some of a picture's columns. Rows of the transform (moments) come in order; a row is added
/// to the few columns that it touches, and a column is done when its last row has come.
class ColumnPainter {
 public:
  ColumnPainter(const Signal& signal, const Stft& stft, const std::vector<Taps>& columns,
                const std::vector<Taps>& lines, float* levels)
      : signal_(signal),
        stft_(stft),
        columns_(columns),
        lines_(lines),
        levels_(levels),
        work_(stft),
        shrinks_(stft.length() > lines.size()) {}

  /// Columns [first, end) to levels[column * height + line], line 0 the lowest frequency.
  Status run(size_t first, size_t end) {
    open_ = next_ = first;
    end_ = end;
    const size_t length = stft_.length();
    const size_t at_once =
        std::max<size_t>(8, kBlockValues / std::max(length, stft_.hop()) / 8 * 8);
    const size_t last = columns_[end - 1].end();
    std::vector<float> block(std::min(at_once, last - columns_[first].first) * length);
    for (size_t row = columns_[first].first; row < last; row += at_once) {
      const size_t count = std::min(at_once, last - row);
      const int64_t begin = stft_.first_sample(row);
      samples_.resize((count - 1) * stft_.hop() + length);
      if (auto read = signal_.read(begin, samples_.size(), samples_.data()); !read) return read;
      stft_.levels({samples_.data(), begin, samples_.size()}, row, count, block.data(), &work_);
      stft_.kernels().range(block.data(), count * length, &range_.low, &range_.high);
      for (size_t i = 0; i < count; ++i) add_row(row + i, block.data() + i * length);
    }
    return {};
  }

  const Range& range() const { return range_; }

 private:
  void add_row(size_t row, const float* levels) {
    while (next_ < end_ && columns_[next_].first <= row) {
      const size_t size = shrinks_ ? lines_.size() : stft_.length();
      if (next_ - open_ == sums_.size()) sums_.emplace_back();
      // Finished columns have moved to the back: their room is used again.
      sums_[next_ - open_].assign(size, 0.0f);
      ++next_;
    }
    if (shrinks_) {
      narrow_.resize(lines_.size());
      resample(levels, narrow_.data());
      levels = narrow_.data();
    }
    for (size_t column = open_; column < next_; ++column) {
      const Taps& taps = columns_[column];
      if (row >= taps.end()) continue;
      std::vector<float>& sum = sums_[column - open_];
      stft_.kernels().accumulate(levels, taps.weights[row - taps.first], sum.size(), sum.data());
    }
    size_t done = 0;
    while (open_ + done < next_ && columns_[open_ + done].end() <= row + 1) {
      finish(open_ + done, sums_[done]);
      ++done;
    }
    std::rotate(sums_.begin(), sums_.begin() + static_cast<std::ptrdiff_t>(done), sums_.end());
    open_ += done;
  }

  void finish(size_t column, const std::vector<float>& sum) {
    float* to = levels_ + column * lines_.size();
    if (shrinks_) {
      std::copy(sum.begin(), sum.end(), to);
    } else {
      resample(sum.data(), to);
    }
  }

  /// Bins to lines.
  void resample(const float* bins, float* to) const {
    for (size_t line = 0; line < lines_.size(); ++line) {
      const Taps& taps = lines_[line];
      float sum = 0;
      for (size_t k = 0; k < taps.weights.size(); ++k)
        sum += taps.weights[k] * bins[taps.first + k];
      to[line] = sum;
    }
  }

  const Signal& signal_;
  const Stft& stft_;
  const std::vector<Taps>& columns_;
  const std::vector<Taps>& lines_;
  float* levels_;
  Stft::Workspace work_;
  const bool shrinks_;  // Fewer lines than bins: then bins are reduced first, else time is.
  Range range_;
  std::vector<std::complex<float>> samples_;
  std::vector<float> narrow_;
  size_t open_ = 0, next_ = 0, end_ = 0;  // columns [open_, next_) have begun
  std::vector<std::vector<float>> sums_;  // of those
};

/// dB of one step of log2(power).
double step_of(Decibels decibels) {
  return decibels == Decibels::kPower ? kPowerOfTwo : kPowerOfTwo / 2;
}

/// Levels to colours; the picture's top row is the highest line.
void colour(const std::vector<float>& levels, float low, float high, float floor,
            const Colormap& colours, image::Bitmap* bitmap, size_t first, size_t end) {
  const auto width = static_cast<size_t>(bitmap->width);
  const auto height = static_cast<size_t>(bitmap->height);
  const float scale = high > low ? 256 / (high - low) : 0;
  // A few columns at a time: levels lie by column, pixels by row.
  constexpr size_t kStrip = 16;
  for (size_t left = 0; left < width; left += kStrip) {
    const size_t right = std::min(width, left + kStrip);
    for (size_t y = first; y < end; ++y) {
      uint8_t* to = bitmap->pixels.data() + (y * width + left) * 3;
      for (size_t x = left; x < right; ++x, to += 3) {
        const float level = std::max(levels[x * height + height - 1 - y], floor);
        const float place = (level - low) * scale;
        const auto& chosen = colours[static_cast<size_t>(std::clamp(place, 0.0f, 255.0f))];
        std::copy(chosen.begin(), chosen.end(), to);
      }
    }
  }
}

/// Samples of a slice.
uint64_t slice_samples(const IqFile& file, const SliceOptions& options) {
  return static_cast<uint64_t>(file.sample_rate_hz() * options.duration_s);
}

}  // namespace

Status check(const PictureOptions& options) {
  if (auto stft = Stft::create(options.stft); !stft) return forward_error(stft);
  for (const int side : {options.width, options.height}) {
    if (side < 1 || side > kMostPixels) {
      return failed(ErrorCode::kBadRequest, "a picture of " + std::to_string(options.width) +
                                                " x " + std::to_string(options.height) +
                                                " pixels: sides must be from 1 to " +
                                                std::to_string(kMostPixels));
    }
  }
  if (options.low_db && options.high_db && !(*options.low_db < *options.high_db)) {
    return failed(ErrorCode::kBadRequest, "the colour range begins at " +
                                              std::to_string(*options.low_db) + " dB and ends at " +
                                              std::to_string(*options.high_db) +
                                              " dB: the end must be above the beginning");
  }
  return {};
}

Signal part_of(const IqFile& file, uint64_t first, uint64_t count) {
  const auto read = [&file, first, count](int64_t begin, size_t wanted, std::complex<float>* out) {
    const int64_t low = std::clamp<int64_t>(begin, 0, static_cast<int64_t>(count));
    const int64_t high =
        std::clamp<int64_t>(begin + static_cast<int64_t>(wanted), low, static_cast<int64_t>(count));
    const auto inside = static_cast<size_t>(high - low);
    const size_t before = inside == 0 ? wanted : static_cast<size_t>(low - begin);
    std::fill(out, out + before, std::complex<float>());
    std::fill(out + before + inside, out + wanted, std::complex<float>());
    return file.read(static_cast<int64_t>(first) + low, inside, out + before);
  };
  return {read, count};
}

namespace {

Result<Picture> paint_checked(const Signal& signal, const PictureOptions& options, int threads) {
  if (auto checked = check(options); !checked) return forward_error(checked);
  if (signal.samples == 0) return failed(ErrorCode::kBadRequest, "there is no sample to draw");
  auto stft = Stft::create(options.stft);
  if (!stft) return forward_error(stft);
  const size_t rows = stft->rows(signal.samples);
  if (rows == 0) {
    return failed(ErrorCode::kBadRequest, std::to_string(signal.samples) +
                                              " samples are less than a window of " +
                                              std::to_string(stft->length()));
  }
  const auto width = static_cast<size_t>(options.width);
  const auto height = static_cast<size_t>(options.height);
  const std::vector<Taps> columns = triangle_taps(rows, width);
  const std::vector<Taps> lines = triangle_taps(stft->length(), height);
  std::vector<float> levels(width * height);
  Range range;
  std::mutex mutex;  // guards range and outcome
  Status outcome;
  in_parallel(width, threads, [&](size_t first, size_t end) {
    ColumnPainter painter(signal, *stft, columns, lines, levels.data());
    auto painted = painter.run(first, end);
    const std::lock_guard<std::mutex> lock(mutex);
    range.merge(painter.range());
    if (!painted && outcome) outcome = std::move(painted);
  });
  if (!outcome) return forward_error(outcome);
  if (range.low > range.high) range = {kSilence, kSilence};  // nothing but silence
  const double step = step_of(options.decibels);
  Picture picture;
  picture.low_db = options.low_db.value_or(std::max<double>(range.low * step, options.floor_db));
  picture.high_db = options.high_db.value_or(std::max<double>(range.high * step, picture.low_db));
  picture.bitmap.width = options.width;
  picture.bitmap.height = options.height;
  picture.bitmap.pixels.resize(width * height * 3);
  const Colormap colours = make_colormap(options.colormap);
  in_parallel(height, threads, [&](size_t first, size_t end) {
    colour(levels, static_cast<float>(picture.low_db / step),
           static_cast<float>(picture.high_db / step), static_cast<float>(options.floor_db / step),
           colours, &picture.bitmap, first, end);
  });
  return picture;
}

}  // namespace

Result<Picture> paint(const Signal& signal, const PictureOptions& options, int threads) {
  try {
    return paint_checked(signal, options, threads);
  } catch (const std::bad_alloc&) {
    return failed(ErrorCode::kOutOfMemory,
                  "not enough memory for a picture of " + std::to_string(options.width) + " x " +
                      std::to_string(options.height) + " pixels: choose a smaller one");
  }
}

Result<uint64_t> slice_count(const IqFile& file, const SliceOptions& options) {
  const double samples = file.sample_rate_hz() * options.duration_s;
  if (!(samples >= 1) || samples > 1e15) {
    return failed(ErrorCode::kBadRequest,
                  "a slice of " + std::to_string(options.duration_s) + " s at " +
                      std::to_string(file.sample_rate_hz()) +
                      " samples/s: it must hold at least one sample",
                  file.path());
  }
  if (!(options.ratio >= 0 && options.ratio <= 16)) {
    return failed(ErrorCode::kBadRequest, "a ratio of " + std::to_string(options.ratio) +
                                              ": it must be from 0 to 16 (slices begin 2^-ratio "
                                              "of a slice apart)");
  }
  const uint64_t length = slice_samples(file, options);
  if (length > file.samples()) return 0;
  const double step = std::max(1.0, std::exp2(-options.ratio) * static_cast<double>(length));
  auto count = static_cast<uint64_t>(static_cast<double>(file.samples() - length) / step) + 1;
  // The division may have been rounded up.
  while (count > 1 && slice_begin(file, options, count - 1) + length > file.samples()) --count;
  return count;
}

uint64_t slice_begin(const IqFile& file, const SliceOptions& options, uint64_t index) {
  const auto length = static_cast<double>(slice_samples(file, options));
  const double step = std::max(1.0, std::exp2(-options.ratio) * length);
  return static_cast<uint64_t>(static_cast<double>(index) * step);
}

Result<Picture> picture_of(const IqFile& file, uint64_t index, const SliceOptions& slices,
                           const PictureOptions& options, int threads) {
  const auto count = slice_count(file, slices);
  if (!count) return tl::unexpected<Error>(count.error());
  if (index >= *count) {
    const double seconds = static_cast<double>(file.samples()) / file.sample_rate_hz();
    return failed(ErrorCode::kBadRequest,
                  "slice " + std::to_string(index) + " of " + file.path() + ": it holds " +
                      std::to_string(*count) + " slices of " + std::to_string(slices.duration_s) +
                      " s, being " + std::to_string(seconds) + " s long",
                  file.path());
  }
  const Signal part = part_of(file, slice_begin(file, slices, index), slice_samples(file, slices));
  return paint(part, options, threads);
}

}  // namespace berth::signal
