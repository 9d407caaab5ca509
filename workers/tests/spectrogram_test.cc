// SPDX-License-Identifier: Apache-2.0
#include "signal/spectrogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "signal/triangle.h"
#include "temporary_folder.h"

namespace berth::signal {
namespace {

using Complex = std::complex<float>;
using tests::TemporaryFolder;

Signal signal_of(const std::vector<Complex>& samples) {
  return {[&samples](int64_t first, size_t count, Complex* out) -> protocol::Status {
            for (size_t i = 0; i < count; ++i) {
              const int64_t at = first + static_cast<int64_t>(i);
              const bool inside = at >= 0 && at < static_cast<int64_t>(samples.size());
              out[i] = inside ? samples[static_cast<size_t>(at)] : Complex();
            }
            return {};
          },
          samples.size()};
}

std::vector<Complex> tone(double frequency, size_t count, double amplitude = 1) {
  std::vector<Complex> samples(count);
  for (size_t i = 0; i < count; ++i) {
    samples[i] = Complex(std::polar(amplitude, 2 * M_PI * frequency * static_cast<double>(i)));
  }
  return samples;
}

std::vector<Complex> noise(size_t count) {
  std::vector<Complex> samples(count);
  uint32_t state = 7;
  const auto next = [&] {
    state = state * 1664525u + 1013904223u;
    return static_cast<float>(state >> 8) / 8388608.0f - 1;
  };
  for (Complex& sample : samples) {
    const float re = next(), im = next();
    sample = Complex(re, im);
  }
  return samples;
}

std::array<uint8_t, 3> pixel(const image::Bitmap& bitmap, int x, int y) {
  const uint8_t* at = bitmap.pixels.data() + (y * bitmap.width + x) * 3;
  return {at[0], at[1], at[2]};
}

/// Gray pictures: the brightest line of a column.
int brightest_line(const image::Bitmap& bitmap, int x) {
  int best = 0;
  for (int y = 1; y < bitmap.height; ++y) {
    if (pixel(bitmap, x, y)[0] > pixel(bitmap, x, best)[0]) best = y;
  }
  return best;
}

TEST(Colormap, JetIsMatplotlibs) {
  const Colormap jet = make_colormap(ColormapKind::kJet);
  // From the table that matplotlib 3.6 makes, times 255, cut to bytes.
  const std::pair<size_t, std::array<uint8_t, 3>> wanted[] = {
      {0, {0, 0, 127}},     {1, {0, 0, 132}},       {28, {0, 0, 254}},      {60, {0, 112, 255}},
      {90, {2, 232, 244}},  {127, {121, 255, 125}}, {128, {124, 255, 121}}, {166, {247, 244, 0}},
      {200, {255, 118, 0}}, {230, {241, 7, 0}},     {255, {127, 0, 0}}};
  for (const auto& [index, colour] : wanted) EXPECT_EQ(jet[index], colour) << index;
  size_t sums[3] = {}, moments[3] = {};
  for (size_t i = 0; i < 256; ++i) {
    for (size_t c = 0; c < 3; ++c) {
      sums[c] += jet[i][c];
      moments[c] += i * jet[i][c];
    }
  }
  EXPECT_EQ(sums[0], 30408u);
  EXPECT_EQ(sums[1], 34073u);
  EXPECT_EQ(sums[2], 30410u);
  EXPECT_EQ(moments[0], 5678296u);
  EXPECT_EQ(moments[1], 4460041u);
  EXPECT_EQ(moments[2], 2075967u);
}

TEST(Colormap, OthersGetBrighterAllTheWay) {
  for (const char* name : {"viridis", "magma", "inferno", "gray"}) {
    const Colormap map = make_colormap(*colormap_named(name));
    const auto luma = [&](size_t i) {
      return 0.2126 * map[i][0] + 0.7152 * map[i][1] + 0.0722 * map[i][2];
    };
    for (size_t i = 8; i < 256; i += 8) EXPECT_GT(luma(i), luma(i - 8)) << name << " " << i;
  }
  EXPECT_FALSE(colormap_named("rainbow"));
}

TEST(Triangle, KeepsConstantsAndUsesEveryInput) {
  for (const size_t in : {1, 2, 7, 100, 1000}) {
    for (const size_t out : {1, 2, 9, 100, 333}) {
      std::vector<double> used(in);
      size_t first = 0, end = 0;
      for (const Taps& taps : triangle_taps(in, out)) {
        double sum = 0;
        for (size_t k = 0; k < taps.weights.size(); ++k) {
          sum += taps.weights[k];
          used[taps.first + k] += taps.weights[k];
        }
        EXPECT_NEAR(sum, 1, 1e-5);
        EXPECT_GE(taps.first, first);
        EXPECT_GE(taps.end(), end);
        ASSERT_LE(taps.end(), in);
        first = taps.first;
        end = taps.end();
      }
      if (out >= in || in / out > 1) {
        for (const double weight : used) EXPECT_GT(weight, 0) << in << " to " << out;
      }
    }
  }
}

PictureOptions small() {
  PictureOptions options;
  options.stft.length = 64;
  options.width = 40;
  options.height = 64;
  options.colormap = ColormapKind::kGray;
  return options;
}

TEST(Spectrogram, PutsHighFrequenciesAtTheTop) {
  for (const int bin : {-20, 0, 13}) {
    const auto samples = tone(bin / 64.0, 4000);
    const auto picture = paint(signal_of(samples), small(), 1);
    ASSERT_TRUE(picture);
    // Bin 0 is 32 lines above the bottom line.
    EXPECT_EQ(brightest_line(picture->bitmap, 20), 63 - (32 + bin));
  }
}

TEST(Spectrogram, RunsFromLeftToRight) {
  auto samples = noise(4000);
  for (size_t i = 2000; i < 4000; ++i) samples[i] *= 100.0f;
  const auto picture = paint(signal_of(samples), small(), 1);
  EXPECT_LT(pixel(picture->bitmap, 5, 30)[0] + 60, pixel(picture->bitmap, 34, 30)[0]);
}

TEST(Spectrogram, ShowsPowerOrRfuavsHalf) {
  const auto samples = tone(8 / 64.0, 6400, 0.1);
  PictureOptions options = small();
  const auto half = paint(signal_of(samples), options, 1);
  options.decibels = Decibels::kPower;
  const auto whole = paint(signal_of(samples), options, 1);
  EXPECT_NEAR(half->high_db, -10, 0.01) << "10 log10 of an amplitude of 0.1";
  EXPECT_NEAR(whole->high_db, -20, 0.01);
  EXPECT_EQ(half->bitmap.pixels, whole->bitmap.pixels) << "the automatic range makes them equal";
  options.floor_db = -50;
  EXPECT_NEAR(paint(signal_of(samples), options, 1)->low_db, -50, 1e-9);
}

TEST(Spectrogram, AFixedRangeDecidesTheColours) {
  const auto samples = tone(8 / 64.0, 6400, 0.1);  // -20 dB
  PictureOptions options = small();
  options.decibels = Decibels::kPower;
  options.low_db = -40;
  options.high_db = 0;
  const auto picture = paint(signal_of(samples), options, 1);
  EXPECT_NEAR(pixel(picture->bitmap, 20, 63 - 40)[0], 128, 1);
  EXPECT_EQ(pixel(picture->bitmap, 20, 10)[0], 0) << "below the range";
  options.high_db = -40;
  EXPECT_FALSE(paint(signal_of(samples), options, 1));
}

TEST(Spectrogram, IsTheSameForAnyNumberOfThreads) {
  const auto samples = noise(30000);
  // Fewer and more moments than columns, fewer and more bins than lines.
  for (const size_t length : {16, 64, 300, 4096}) {
    PictureOptions options = small();
    options.width = 123;
    options.height = 77;
    options.stft.length = length;
    const auto one = paint(signal_of(samples), options, 1);
    ASSERT_TRUE(one);
    for (const int threads : {2, 3, 200}) {
      const auto more = paint(signal_of(samples), options, threads);
      EXPECT_EQ(more->bitmap.pixels, one->bitmap.pixels) << length << " " << threads;
    }
  }
}

TEST(Spectrogram, ResamplesTheLogarithms) {
  const auto samples = noise(5000);
  PictureOptions options = small();
  options.stft.length = 50;
  options.width = 31;
  options.height = 80;
  const auto picture = paint(signal_of(samples), options, 2);
  const auto stft = Stft::create(options.stft);
  const size_t rows = stft->rows(samples.size());
  std::vector<Complex> z(rows * 50);
  stft->transform_all(samples.data(), samples.size(), z.data(), 1);
  double low = 1e9, high = -1e9;
  for (const Complex& value : z) {
    const double level = 10 * std::log10(std::abs(std::complex<double>(value)));
    low = std::min(low, level);
    high = std::max(high, level);
  }
  EXPECT_NEAR(picture->low_db, low, 1e-4);
  EXPECT_NEAR(picture->high_db, high, 1e-4);
  const auto columns = triangle_taps(rows, 31), lines = triangle_taps(50, 80);
  for (size_t x = 0; x < 31; ++x) {
    for (size_t y = 0; y < 80; ++y) {
      double level = 0;
      for (size_t i = 0; i < columns[x].weights.size(); ++i) {
        for (size_t k = 0; k < lines[79 - y].weights.size(); ++k) {
          const Complex value = z[(columns[x].first + i) * 50 + lines[79 - y].first + k];
          level += columns[x].weights[i] * lines[79 - y].weights[k] * 10 *
                   std::log10(std::abs(std::complex<double>(value)));
        }
      }
      const double gray = std::floor(256 * (level - low) / (high - low));
      ASSERT_NEAR(pixel(picture->bitmap, static_cast<int>(x), static_cast<int>(y))[0], gray, 1);
    }
  }
}

TEST(Spectrogram, SilenceIsOneColourAndNotPartOfTheRange) {
  std::vector<Complex> samples(4000);
  const auto nothing = paint(signal_of(samples), small(), 1);
  ASSERT_TRUE(nothing);
  EXPECT_TRUE(std::all_of(nothing->bitmap.pixels.begin(), nothing->bitmap.pixels.end(),
                          [](uint8_t value) { return value == 0; }));
  const auto loud = noise(2000);
  std::copy(loud.begin(), loud.end(), samples.begin());
  const auto half = paint(signal_of(samples), small(), 1);
  EXPECT_GT(half->low_db, -60) << "the silent half does not stretch the range";
}

TEST(Spectrogram, RefusesWhatCannotBeDrawn) {
  const std::vector<Complex> samples(100);
  PictureOptions options = small();
  options.width = 0;
  EXPECT_FALSE(paint(signal_of(samples), options, 1));
  options.width = 8193;
  EXPECT_FALSE(paint(signal_of(samples), options, 1));
  options = small();
  options.stft.extended = false;
  options.stft.length = 101;
  EXPECT_FALSE(paint(signal_of(samples), options, 1));
  EXPECT_FALSE(paint(signal_of({}), small(), 1));
}

class Slices : public ::testing::Test {
 protected:
  IqFile open(size_t samples, double rate) {
    IqOptions options;
    options.sample_rate_hz = rate;
    std::string bytes(samples * 8, '\0');
    const auto values = noise(samples);
    std::memcpy(bytes.data(), values.data(), bytes.size());
    return std::move(*IqFile::open(folder_.write("a.iq", bytes), options));
  }
  TemporaryFolder folder_;
};

TEST_F(Slices, AreCutAsRfuavCutsThem) {
  const IqFile file = open(1050, 1000);
  SliceOptions options;  // 100 samples
  EXPECT_EQ(slice_count(file, options), 10u);
  EXPECT_EQ(slice_begin(file, options, 3), 300u);
  options.ratio = 1;  // half overlapping: the last one begins at 950
  EXPECT_EQ(slice_count(file, options), 20u);
  EXPECT_EQ(slice_begin(file, options, 19), 950u);
  options.ratio = 0;
  options.duration_s = 2;
  EXPECT_EQ(slice_count(file, options), 0u);
  options.duration_s = 1e-4;
  EXPECT_FALSE(slice_count(file, options)) << "less than a sample";
}

TEST_F(Slices, PictureOfSeesOnlyItsSlice) {
  const IqFile file = open(3000, 1000);
  SliceOptions slices;
  slices.duration_s = 1;
  const auto samples = noise(3000);
  const std::vector<Complex> middle(samples.begin() + 1000, samples.begin() + 2000);
  const auto picture = picture_of(file, 1, slices, small(), 2);
  ASSERT_TRUE(picture);
  EXPECT_EQ(picture->bitmap.pixels, paint(signal_of(middle), small(), 1)->bitmap.pixels);
  const auto beyond = picture_of(file, 3, slices, small());
  ASSERT_FALSE(beyond);
  EXPECT_EQ(beyond.error().code, protocol::ErrorCode::kBadRequest);
}

}  // namespace
}  // namespace berth::signal
