// SPDX-License-Identifier: Apache-2.0
#include "signal/noise.h"

#include <gtest/gtest.h>

#include <cmath>

#include "temporary_folder.h"

namespace berth::signal {
namespace {

using Complex = std::complex<float>;
using protocol::Status;
using tests::TemporaryFolder;

constexpr size_t kCount = 1u << 20;

/// QPSK symbols on equally strong tones: flat within [centre - width / 2, centre + width / 2),
/// power
/// 1. Independent of what is tested: a sum of blocks made by the definition of the inverse
/// transform.
std::vector<Complex> ofdm(double centre, double width, uint32_t seed) {
  constexpr size_t kBlock = 4096;
  const auto tones = static_cast<size_t>(width * kBlock);
  const auto lowest =
      static_cast<int64_t>(std::lround(centre * kBlock - static_cast<double>(tones) / 2));
  const Fft fft(kBlock);
  const Kernels& run = portable_kernels();
  AlignedFloats bins(fft.buffer_floats(run)), other(fft.buffer_floats(run));
  std::vector<Complex> samples(kCount);
  const float amplitude = std::sqrt(0.5f / static_cast<float>(tones));
  for (size_t block = 0; block < kCount; block += kBlock) {
    std::fill(bins.data(), bins.data() + fft.buffer_floats(run), 0.0f);
    for (size_t i = 0; i < tones; ++i) {
      seed = seed * 1664525u + 1013904223u;
      const auto bin = static_cast<size_t>((lowest + static_cast<int64_t>(i + kBlock)) % kBlock);
      // Real and imaginary parts exchanged on the way in and out: the inverse transform.
      bins.data()[bin * 2 * run.lanes] = (seed >> 30 & 1) != 0 ? amplitude : -amplitude;
      bins.data()[bin * 2 * run.lanes + run.lanes] = (seed >> 31) != 0 ? amplitude : -amplitude;
    }
    const float* out = fft.forward(run, bins.data(), other.data());
    for (size_t i = 0; i < kBlock; ++i) {
      samples[block + i] = Complex(out[i * 2 * run.lanes + run.lanes], out[i * 2 * run.lanes]);
    }
  }
  return samples;
}

Signal signal_of(const std::vector<Complex>& samples) {
  return {[&samples](int64_t first, size_t count, Complex* out) -> Status {
            std::copy_n(samples.begin() + first, count, out);
            return {};
          },
          samples.size()};
}

double power_of(const std::vector<Complex>& samples) {
  double sum = 0;
  for (const Complex& sample : samples) sum += std::norm(sample);
  return sum / static_cast<double>(samples.size());
}

TEST(AddNoise, IsWhiteGaussianAndHasThePowerAskedFor) {
  std::vector<Complex> samples(kCount);
  add_noise(0, kCount, 2.5, 7, samples.data());
  EXPECT_NEAR(power_of(samples), 2.5, 0.01);
  double fourth = 0, cross = 0;
  Complex mean, next;
  for (size_t i = 0; i < kCount; ++i) {
    mean += samples[i] / static_cast<float>(kCount);
    fourth += std::pow(samples[i].real(), 4) / kCount;
    cross += samples[i].real() * samples[i].imag() / kCount;
    if (i > 0) next += samples[i] * std::conj(samples[i - 1]) / static_cast<float>(kCount);
  }
  EXPECT_LT(std::abs(mean), 0.01);
  EXPECT_LT(std::abs(next), 0.01) << "neighbours have nothing to do with each other";
  EXPECT_NEAR(cross, 0, 0.01);
  EXPECT_NEAR(fourth, 3 * 1.25 * 1.25, 0.05) << "the fourth moment of a normal distribution";
}

TEST(AddNoise, DependsOnPlaceAndSeedAlone) {
  std::vector<Complex> whole(3 * kNoiseBlock), parts(3 * kNoiseBlock), other(3 * kNoiseBlock);
  add_noise(0, whole.size(), 1, 5, whole.data());
  add_noise(kNoiseBlock, 2 * kNoiseBlock, 1, 5, parts.data() + kNoiseBlock);
  add_noise(0, kNoiseBlock, 1, 5, parts.data());
  EXPECT_EQ(whole, parts);
  add_noise(0, other.size(), 1, 6, other.data());
  EXPECT_NE(whole, other);
}

class KnownSnr : public ::testing::TestWithParam<std::tuple<double, double>> {};

TEST_P(KnownSnr, IsFoundWithinADecibel) {
  const auto [width, centre] = GetParam();
  const std::vector<Complex> clean = ofdm(centre, width, 1);
  ASSERT_NEAR(power_of(clean), 1, 0.01);
  for (double snr = -5; snr <= 20; snr += 2.5) {
    SCOPED_TRACE(snr);
    std::vector<Complex> samples = clean;
    // Noise within the signal's bandwidth is `width` of all noise.
    add_noise(0, kCount, 1 / width / std::pow(10, snr / 10), 3, samples.data());
    const auto estimate = estimate_snr(signal_of(samples), 2);
    ASSERT_TRUE(estimate);
    ASSERT_TRUE(estimate->found);
    EXPECT_NEAR(estimate->snr_db, snr, 1);
    EXPECT_NEAR(estimate->full_band_snr_db, snr + 10 * std::log10(width), 1);
    EXPECT_NEAR(estimate->bandwidth, width, 0.12 * width);
    EXPECT_NEAR(estimate->centre, centre, 0.05 * width);
    EXPECT_NEAR(estimate->total_power, power_of(samples), 0.01 * power_of(samples));
  }
}

INSTANTIATE_TEST_SUITE_P(Bands, KnownSnr,
                         ::testing::Values(std::make_tuple(0.59, 0.1), std::make_tuple(0.4, -0.2),
                                           std::make_tuple(0.2, 0.0), std::make_tuple(0.1, 0.38),
                                           std::make_tuple(0.02, -0.3)));

TEST(EstimateSnr, FindsNoSignalInNoise) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    std::vector<Complex> samples(kCount);
    add_noise(0, kCount, 1, seed, samples.data());
    const auto estimate = estimate_snr(signal_of(samples), 1);
    ASSERT_TRUE(estimate);
    EXPECT_FALSE(estimate->found) << seed;
    EXPECT_NEAR(estimate->noise_power, 1, 0.1);
  }
  const std::vector<Complex> silence(kCount);
  EXPECT_FALSE(estimate_snr(signal_of(silence), 1)->found);
}

TEST(EstimateSnr, IsTheSameForAnyNumberOfThreads) {
  std::vector<Complex> samples = ofdm(0, 0.3, 9);
  add_noise(0, kCount, 1, 3, samples.data());
  EXPECT_EQ(estimate_snr(signal_of(samples), 1)->snr_db,
            estimate_snr(signal_of(samples), 3)->snr_db);
}

TEST(EstimateSnr, RefusesTooFewSamples) {
  const std::vector<Complex> samples(1023);
  EXPECT_EQ(estimate_snr(signal_of(samples), 1).error().code, protocol::ErrorCode::kBadRequest);
}

TEST(NoiseToAdd, BringsARecordingToTheRatioWanted) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/noisy.iq";
  std::vector<Complex> samples = ofdm(0.1, 0.25, 4);
  add_noise(0, kCount, 0.1, 3, samples.data());  // 16 dB
  const auto estimate = estimate_snr(signal_of(samples), 2);
  for (const double wanted : {12.0, 0.0, -4.0}) {
    uint64_t told = 0;
    const auto written = write_with_noise(signal_of(samples), noise_to_add(*estimate, wanted), 11,
                                          path, 2, [&](uint64_t done) { told = done; });
    ASSERT_TRUE(written);
    EXPECT_EQ(told, kCount);
    const auto file = IqFile::open(path);
    ASSERT_TRUE(file);
    ASSERT_EQ(file->samples(), kCount);
    const auto again = estimate_snr(part_of(*file, 0, kCount), 2);
    EXPECT_NEAR(again->snr_db, wanted, 0.5);
  }
  EXPECT_LE(noise_to_add(*estimate, 20), 0) << "it is not that clean";
}

}  // namespace
}  // namespace berth::signal
