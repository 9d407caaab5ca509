// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "dataset/spectrogram.h"
#include "dataset/synth.h"
#include "image/decode.h"
#include "temporary_folder.h"

namespace berth::dataset {
namespace {

using tests::TemporaryFolder;

Samples tone(double frequency, size_t count, float amplitude) {
  Samples samples(count);
  for (size_t i = 0; i < count; ++i) {
    samples[i] =
        std::polar(amplitude, static_cast<float>(2 * M_PI * frequency * static_cast<double>(i)));
  }
  return samples;
}

TEST(Spectrogram, PutsATonesPowerAtItsFrequency) {
  constexpr int kLength = 64;
  for (const int bin : {-20, 0, 13}) {
    const Spectrogram s = make_spectrogram(tone(bin / 64.0, 640, 2), kLength);
    ASSERT_EQ(s.rows, kLength);
    ASSERT_EQ(s.columns, (640 - 64) / 32 + 1);
    const auto column = s.values.begin() + 3 * kLength;
    const auto strongest = std::max_element(column, column + kLength) - column;
    EXPECT_EQ(strongest, kLength / 2 - 1 - bin) << "row 0 is the highest frequency";
    // A Hann window passes half the amplitude: |X| = 2 * 64 / 2.
    EXPECT_NEAR(*(column + strongest), 20 * std::log10(64.0), 0.01);
  }
}

TEST(Spectrogram, SilenceIsTheFloorNotMinusInfinity) {
  const Spectrogram s = make_spectrogram(Samples(256), 64);
  EXPECT_FLOAT_EQ(s.values[0], -120);
}

TEST(JetColour, RunsFromBlueOverGreenToRed) {
  EXPECT_EQ(jet_colour(0), (std::array<uint8_t, 3>{0, 0, 128}));
  EXPECT_EQ(jet_colour(0.5), (std::array<uint8_t, 3>{128, 255, 128}));
  EXPECT_EQ(jet_colour(1), (std::array<uint8_t, 3>{128, 0, 0}));
  EXPECT_EQ(jet_colour(-5), jet_colour(0));
}

TEST(Signals, HaveTheSignalToNoiseRatioAskedFor) {
  for (const char* name : {"chirp", "telemetry"}) {  // Both are on all the time.
    Random random(5);
    const Samples samples = make_samples(*signal_kind(name), 50000, 10, &random);
    double power = 0;
    for (const auto& sample : samples) power += std::norm(sample);
    EXPECT_NEAR(power / 50000, 1 + 10, 0.3) << name;
  }
  Random random(5);
  double power = 0;
  for (const auto& sample : make_samples(SignalKind::kNoise, 50000, 10, &random)) {
    power += std::norm(sample);
  }
  EXPECT_NEAR(power / 50000, 1, 0.05);
}

SynthRequest small(const std::string& out, int threads) {
  SynthRequest request;
  request.out = out;
  request.train_per_class = 3;
  request.val_per_class = 2;
  request.size = 48;
  request.threads = threads;
  return request;
}

TEST(Synth, GivesTheSameBytesWithAnyNumberOfThreads) {
  const TemporaryFolder folder;
  protocol::EventWriter events("", /*text=*/false);
  ASSERT_TRUE(synthesize(small(folder.path() + "/one", 1), &events));
  ASSERT_TRUE(synthesize(small(folder.path() + "/four", 4), &events));
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path() + "/one")) {
    if (!entry.is_regular_file() || entry.path().extension() != ".jpg") continue;
    const auto twin = std::filesystem::path(folder.path() + "/four") /
                      entry.path().lexically_relative(folder.path() + "/one");
    EXPECT_EQ(TemporaryFolder::read(entry.path()), TemporaryFolder::read(twin)) << twin;
    const auto picture = image::decode_file(entry.path(), 0);
    ASSERT_TRUE(picture);
    EXPECT_EQ(picture->width, 48);
    ++files;
  }
  EXPECT_EQ(files, 4 * (3 + 2));
}

TEST(Synth, ASmallerRerunLeavesNoOldPictures) {
  const TemporaryFolder folder;
  protocol::EventWriter events("", /*text=*/false);
  SynthRequest request = small(folder.path(), 2);
  ASSERT_TRUE(synthesize(request, &events));
  request.train_per_class = 1;
  ASSERT_TRUE(synthesize(request, &events));
  EXPECT_TRUE(std::filesystem::exists(folder.path() + "/train/noise/0000.jpg"));
  EXPECT_FALSE(std::filesystem::exists(folder.path() + "/train/noise/0001.jpg"));
}

TEST(Synth, RefusesUnknownAndForeignClasses) {
  const TemporaryFolder folder;
  protocol::EventWriter events("", /*text=*/false);
  SynthRequest request = small(folder.path(), 1);
  request.classes = {"radar"};
  EXPECT_EQ(synthesize(request, &events).error().code, protocol::ErrorCode::kBadRequest);
  folder.write("train/radar/1.jpg", "");
  request.classes = {"noise"};
  EXPECT_EQ(synthesize(request, &events).error().code, protocol::ErrorCode::kBadRequest);
}

}  // namespace
}  // namespace berth::dataset
