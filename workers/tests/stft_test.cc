// SPDX-License-Identifier: Apache-2.0
#include "signal/stft.h"

#include <gtest/gtest.h>
#include <kiss_fft.h>

#include <cmath>
#include <complex>
#include <vector>

namespace berth::signal {
namespace {

using Complex = std::complex<float>;

/// Not quite random, but the same on every machine.
std::vector<Complex> some_samples(size_t count) {
  std::vector<Complex> samples(count);
  uint32_t state = 12345;
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

/// SciPy's definition, straight: zeros around, a window, a sum, a scale; in double.
std::vector<std::complex<double>> by_definition(const std::vector<Complex>& samples,
                                                const StftOptions& options) {
  const size_t n = options.length, hop = n - options.overlap.value_or(n / 2), half = n / 2;
  std::vector<std::complex<double>> padded(half);
  padded.insert(padded.end(), samples.begin(), samples.end());
  padded.resize(padded.size() + half);
  while (padded.size() < n || (padded.size() - n) % hop != 0) padded.push_back(0);
  const std::vector<double> window = make_window(options.window, n, options.periodic);
  double sum = 0;
  for (const double weight : window) sum += weight;
  std::vector<std::complex<double>> out;
  for (size_t at = 0; at + n <= padded.size(); at += hop) {
    for (size_t bin = 0; bin < n; ++bin) {
      const double frequency = static_cast<double>(bin) - static_cast<double>(n / 2);
      std::complex<double> total = 0;
      for (size_t i = 0; i < n; ++i) {
        const double turns = frequency * static_cast<double>(i) / static_cast<double>(n);
        total += padded[at + i] * window[i] * std::polar(1.0, -2 * M_PI * turns);
      }
      out.push_back(total / sum);
    }
  }
  return out;
}

std::vector<Complex> ours(const std::vector<Complex>& samples, const StftOptions& options,
                          int threads = 1) {
  const auto stft = Stft::create(options);
  EXPECT_TRUE(stft);
  std::vector<Complex> out(stft->rows(samples.size()) * options.length);
  stft->transform_all(samples.data(), samples.size(), out.data(), threads);
  return out;
}

void expect_near(const std::vector<Complex>& got, const std::vector<std::complex<double>>& wanted) {
  ASSERT_EQ(got.size(), wanted.size());
  double most = 0, worst = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    most = std::max(most, std::abs(wanted[i]));
    worst = std::max(worst, std::abs(std::complex<double>(got[i]) - wanted[i]));
  }
  EXPECT_LT(worst, 2e-6 * most);
}

TEST(Stft, EqualsTheDefinitionForEveryLengthUpTo70) {
  const auto samples = some_samples(300);
  for (const bool portable : {true, false}) {
    for (size_t length = 1; length <= 70; ++length) {
      SCOPED_TRACE(length);
      StftOptions options;
      options.length = length;
      options.portable = portable;
      expect_near(ours(samples, options), by_definition(samples, options));
    }
  }
}

TEST(Stft, EqualsTheDefinitionForLengthsOfAllKinds) {
  const auto samples = some_samples(2500);
  // Powers of two, 2 * 3 * 5 * 7, 11 * 13, 31 * 16, primes above 31 and what contains them.
  for (const size_t length : {128, 210, 143, 496, 512, 127, 37 * 9, 641}) {
    SCOPED_TRACE(length);
    StftOptions options;
    options.length = length;
    expect_near(ours(samples, options), by_definition(samples, options));
  }
}

TEST(Stft, EqualsTheDefinitionForWindowsAndOverlaps) {
  const auto samples = some_samples(500);
  for (const WindowKind window :
       {WindowKind::kHamming, WindowKind::kHann, WindowKind::kBlackman, WindowKind::kRectangular}) {
    for (const bool periodic : {false, true}) {
      for (const size_t overlap : {0, 1, 17, 31, 39}) {
        StftOptions options;
        options.window = window;
        options.periodic = periodic;
        options.length = 40;
        options.overlap = overlap;
        expect_near(ours(samples, options), by_definition(samples, options));
      }
    }
  }
}

TEST(Stft, EqualsTheDefinitionForSignalsShorterThanAWindow) {
  for (const size_t count : {1, 2, 15, 16, 17, 31, 33}) {
    SCOPED_TRACE(count);
    StftOptions options;
    options.length = 32;
    const auto samples = some_samples(count);
    expect_near(ours(samples, options), by_definition(samples, options));
  }
  EXPECT_TRUE(ours({}, {}).empty());
}

TEST(Stft, GivesTheSameBitsForAnyNumberOfThreadsAndAnyCut) {
  const auto samples = some_samples(5000);
  StftOptions options;
  options.length = 64;
  options.overlap = 40;
  const auto whole = ours(samples, options, 1);
  EXPECT_EQ(ours(samples, options, 3), whole);
  const auto stft = Stft::create(options);
  Stft::Workspace work(*stft);
  const size_t rows = stft->rows(samples.size());
  std::vector<Complex> out(whole.size());
  for (size_t row = 0; row < rows; row += 5) {
    const size_t count = std::min<size_t>(5, rows - row);
    // Only the samples that these rows touch.
    const int64_t begin = std::max<int64_t>(0, stft->first_sample(row));
    const int64_t end = std::min<int64_t>(5000, stft->first_sample(row + count - 1) + 64);
    const Chunk chunk{samples.data() + begin, begin, static_cast<size_t>(end - begin)};
    stft->transform(chunk, row, count, out.data() + row * 64, &work);
  }
  EXPECT_EQ(out, whole);
}

TEST(Stft, WithoutZerosAroundCountsOnlyWholeWindows) {
  StftOptions options;
  options.length = 16;
  options.overlap = 0;
  options.extended = false;
  const auto stft = Stft::create(options);
  EXPECT_EQ(stft->rows(15), 0u);
  EXPECT_EQ(stft->rows(16), 1u);
  EXPECT_EQ(stft->rows(47), 2u);
  EXPECT_EQ(stft->first_sample(1), 16);
}

TEST(Stft, LevelsAreTheLogarithmOfThePower) {
  const auto samples = some_samples(3000);
  for (const bool portable : {true, false}) {
    StftOptions options;
    options.length = 60;
    options.portable = portable;
    const auto stft = Stft::create(options);
    const auto z = ours(samples, options);
    std::vector<float> levels(z.size());
    Stft::Workspace work(*stft);
    stft->levels({samples.data(), 0, samples.size()}, 0, stft->rows(samples.size()), levels.data(),
                 &work);
    for (size_t i = 0; i < z.size(); ++i) {
      ASSERT_NEAR(levels[i], std::log2(std::norm(std::complex<double>(z[i]))), 3e-6) << i;
    }
  }
}

TEST(Stft, SilenceAndOverflowHaveLevelsToo) {
  StftOptions options;
  options.length = 32;
  const auto stft = Stft::create(options);
  std::vector<Complex> samples(64);
  std::vector<float> levels(stft->rows(64) * 32);
  Stft::Workspace work(*stft);
  stft->levels({samples.data(), 0, 64}, 0, stft->rows(64), levels.data(), &work);
  for (const float level : levels) ASSERT_EQ(level, -126);
  for (Complex& sample : samples) sample = Complex(3e38f, -3e38f);
  stft->levels({samples.data(), 0, 64}, 0, stft->rows(64), levels.data(), &work);
  for (const float level : levels) ASSERT_TRUE(level >= -126 && level <= 128) << level;
}

TEST(Stft, RefusesWhatCannotBe) {
  StftOptions options;
  options.length = 0;
  EXPECT_FALSE(Stft::create(options));
  options.length = 65537;
  EXPECT_FALSE(Stft::create(options));
  options.length = 16;
  options.overlap = 16;
  EXPECT_FALSE(Stft::create(options));
  options.window = WindowKind::kHann;
  options.length = 2;
  options.overlap = 0;
  EXPECT_FALSE(Stft::create(options)) << "two samples of a symmetric Hann window are zero";
}

/// A peer of another make for lengths where the definition would take too long.
TEST(Fft, EqualsKissFftForLongLengths) {
  static_assert(sizeof(kiss_fft_cpx) == sizeof(Complex));
  for (const size_t length : {1024, 4096, 6000, 10007}) {
    SCOPED_TRACE(length);
    const auto samples = some_samples(length);
    std::vector<Complex> wanted(length);
    kiss_fft_cfg plan = kiss_fft_alloc(static_cast<int>(length), 0, nullptr, nullptr);
    kiss_fft(plan, reinterpret_cast<const kiss_fft_cpx*>(samples.data()),
             reinterpret_cast<kiss_fft_cpx*>(wanted.data()));
    kiss_fft_free(plan);
    const Fft fft(length);
    const Kernels& run = kernels();
    const size_t element = 2 * run.lanes;
    AlignedFloats in(fft.buffer_floats(run)), other(fft.buffer_floats(run));
    for (size_t i = 0; i < length; ++i) {
      in.data()[i * element + 3] = samples[i].real();  // lane 3 alone
      in.data()[i * element + run.lanes + 3] = samples[i].imag();
    }
    const float* got = fft.forward(run, in.data(), other.data());
    double most = 0, worst = 0;
    for (size_t i = 0; i < length; ++i) {
      const Complex value(got[i * element + 3], got[i * element + run.lanes + 3]);
      most = std::max<double>(most, std::abs(wanted[i]));
      worst = std::max<double>(worst, std::abs(value - wanted[i]));
      ASSERT_EQ(got[i * element], 0) << "lanes do not mix";
    }
    EXPECT_LT(worst, 1e-5 * most);
  }
}

}  // namespace
}  // namespace berth::signal
