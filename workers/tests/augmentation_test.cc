// SPDX-License-Identifier: Apache-2.0
#include "prepare/augmentation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "pictures.h"
#include "prepare/advanced_blur.h"
#include "prepare/clahe.h"
#include "prepare/lab.h"
#include "prepare/noise.h"
#include "prepare/sharpen.h"

namespace berth::prepare {
namespace {

using image::Bitmap;
using tests::patterned;
using tests::plain;

TEST(Convolve, MirrorsBeyondTheEdgeWithoutRepeatingIt) {
  EXPECT_EQ(mirrored(-1, 5), 1);
  EXPECT_EQ(mirrored(-4, 5), 4);
  EXPECT_EQ(mirrored(5, 5), 3);
  EXPECT_EQ(mirrored(9, 5), 1);
  EXPECT_EQ(mirrored(7, 2), 1);
  EXPECT_EQ(mirrored(-3, 1), 0);
}

TEST(Convolve, IsACorrelationPerChannelRoundedAndClipped) {
  const Bitmap row{3, 1, {10, 0, 255, 20, 1, 255, 40, 2, 255}};
  // Half of the left neighbour, the pixel itself; in the first column the left neighbour is 20.
  const Kernel kernel{3, {0, 0, 0, 0.5f, 1, 0, 0, 0, 0}};
  const Bitmap out = convolve(row, kernel);
  // 0.5 is rounded to the even number: 0 + 0.5 -> 0, 1 + 0 -> 1, 2 + 0.5 -> 2.
  EXPECT_EQ(out.pixels, (std::vector<uint8_t>{20, 0, 255, 25, 1, 255, 50, 2, 255}));
  const Bitmap negative = convolve(row, Kernel{1, {-1}});
  EXPECT_EQ(negative.pixels, std::vector<uint8_t>(9, 0));
}

TEST(Sharpen, WeighsThePictureAgainstItsLaplacian) {
  const Kernel kernel = sharpen_kernel(0.4, 0.75);
  EXPECT_FLOAT_EQ(kernel.values[4], 0.6f + 0.4f * 8.75f);
  EXPECT_FLOAT_EQ(kernel.values[0], -0.4f);
  EXPECT_FLOAT_EQ(kernel.values[7], -0.4f);
  // On a plain picture what stays is the sum of the kernel, 0.6 + 0.4 * 0.75 = 0.9.
  EXPECT_EQ(convolve(plain(4, 4, 100, 50, 10), kernel).pixels[0], 90);
}

TEST(AdvancedBlur, IsAGaussianForBetaOne) {
  dataset::Random random(1);
  const Kernel kernel = blur_kernel({7, 2, 4, 0, 1, 1, 1}, &random);
  EXPECT_NEAR(std::accumulate(kernel.values.begin(), kernel.values.end(), 0.0), 1, 1e-5);
  const float middle = kernel.values[24];
  EXPECT_NEAR(kernel.values[25] / middle, std::exp(-0.5 / 4), 1e-5);             // one to the right
  EXPECT_NEAR(kernel.values[31] / middle, std::exp(-0.5 / 16), 1e-5);            // one down
  EXPECT_NEAR(kernel.values[32] / middle, std::exp(-0.5 / 4 - 0.5 / 16), 1e-5);  // both
}

TEST(AdvancedBlur, TurnsPeaksAndDisturbsItsKernel) {
  dataset::Random random(1);
  // A quarter turn exchanges the axes; beta 2 squares the distance.
  const Kernel turned = blur_kernel({7, 2, 4, M_PI / 2, 2, 1, 1}, &random);
  EXPECT_NEAR(turned.values[31] / turned.values[24], std::exp(-0.5 / 16), 1e-5);
  EXPECT_NEAR(turned.values[25] / turned.values[24], std::exp(-0.5 / 256), 1e-5);
  const Kernel noisy = blur_kernel({7, 9, 9, 0, 1, 2, 10}, &random);
  EXPECT_NEAR(std::accumulate(noisy.values.begin(), noisy.values.end(), 0.0), 1, 1e-5);
  EXPECT_GT(std::abs(noisy.values[25] - noisy.values[23]), 1e-4);  // no longer symmetric
}

TEST(Clahe, WithOneTileAndNoLimitIsHistogramEqualisation) {
  std::vector<uint8_t> plane(256);  // 16 x 16: 64 times each of 10, 20, 30, 40
  for (size_t i = 0; i < plane.size(); ++i) plane[i] = static_cast<uint8_t>(10 + i / 64 * 10);
  equalize(&plane, 16, 16, 1000, 1);
  // The share of values up to and including each, times 255.
  EXPECT_EQ(plane[0], 64);     // 63.75
  EXPECT_EQ(plane[64], 128);   // 127.5, to the even number
  EXPECT_EQ(plane[128], 191);  // 191.25
  EXPECT_EQ(plane[255], 255);
}

TEST(Clahe, SpreadsWhatIsAboveTheLimitOverAllValues) {
  std::vector<uint8_t> plane(256, 100);  // 16 x 16
  equalize(&plane, 16, 16, 2, 1);
  // The bin of 100 keeps 2; 254 are left, which is none for every bin and one for each of the bins
  // 0, 1, 2, ... 253 (step 256 / 254 = 1). Up to 100 that is 101 + 2 = 103 of 256.
  EXPECT_EQ(plane[0], std::lround(103 * 255.0 / 256));
}

TEST(Clahe, LeavesTheColourOfAPictureAlone) {
  const Bitmap picture = patterned(64, 48);
  const Bitmap out = clahe(picture, 2.0);
  Lab expected = to_lab(picture);
  equalize(&expected.l, 64, 48, 2.0, 13);
  EXPECT_EQ(out.pixels, to_rgb(expected).pixels);
  EXPECT_NE(out.pixels, picture.pixels);
}

TEST(Lab, HasThePublishedValues) {
  const Bitmap colours{4, 1, {255, 255, 255, 0, 0, 0, 255, 0, 0, 0, 0, 255}};
  const Lab lab = to_lab(colours);
  EXPECT_EQ(lab.l, (std::vector<uint8_t>{255, 0, 136, 82}));     // 100, 0, 53.24, 32.30 (* 2.55)
  EXPECT_EQ(lab.a, (std::vector<uint8_t>{128, 128, 208, 207}));  // 0, 0, 80.09, 79.19
  EXPECT_EQ(lab.b, (std::vector<uint8_t>{128, 128, 195, 20}));   // 0, 0, 67.20, -107.86
  const Bitmap back = to_rgb(lab);
  for (size_t i = 0; i < colours.pixels.size(); ++i)
    EXPECT_NEAR(back.pixels[i], colours.pixels[i], 2) << i;
}

TEST(GaussNoise, HasTheVarianceAskedFor) {
  dataset::Random random(3);
  const Bitmap out = gauss_noise(plain(200, 200, 128, 128, 128), 300, &random);
  double sum = 0, squares = 0;
  for (const uint8_t value : out.pixels) {
    sum += value - 128.0;
    squares += (value - 128.0) * (value - 128.0);
  }
  const auto count = static_cast<double>(out.pixels.size());
  EXPECT_NEAR(sum / count, 0, 0.3);
  EXPECT_NEAR(squares / count, 300 + 1.0 / 12, 6);  // with that of rounding
}

TEST(IsoNoise, DoesNothingToWhatHasNeitherSpreadNorColour) {
  dataset::Random random(3);
  const Bitmap grey = plain(20, 20, 77, 77, 77);
  EXPECT_EQ(iso_noise(grey, 0.05, 0.5, &random).pixels, grey.pixels);
}

TEST(IsoNoise, MakesLighterAsOftenAsItsMeanSays) {
  Bitmap halves = plain(200, 200, 51, 51, 51);  // lightness 0.2 and 0.8: spread 0.3
  std::fill(halves.pixels.begin() + 60'000, halves.pixels.end(), static_cast<uint8_t>(204));
  dataset::Random random(3);
  const Bitmap out = iso_noise(halves, 0.05, 0.5, &random);
  int unchanged = 0;
  for (size_t i = 0; i < out.pixels.size(); i += 3) unchanged += out.pixels[i] == halves.pixels[i];
  EXPECT_NEAR(unchanged / 40'000.0, std::exp(-0.15), 0.01);  // Poisson of mean 0.15: none
  EXPECT_GE(*std::min_element(out.pixels.begin(), out.pixels.end()), 51);
}

TEST(ColorJitter, MultipliesEveryValueByOneFactor) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    dataset::Random random(seed);
    const Bitmap out = color_jitter(plain(2, 2, 100, 50, 20), &random);
    const double factor = out.pixels[0] / 100.0;
    EXPECT_GE(factor, 0.5);
    EXPECT_LE(factor, 1.5);
    EXPECT_NEAR(out.pixels[1], 50 * factor, 0.8);
    EXPECT_NEAR(out.pixels[2], 20 * factor, 0.8);
  }
}

TEST(Augmentations, FollowFromTheSeedAlone) {
  const Bitmap picture = patterned(300, 280);
  for (const Augmentation& augmentation : augmentations()) {
    dataset::Random first(5), again(5), other(6);
    const Bitmap out = augmentation.apply(picture, &first);
    EXPECT_EQ(out.pixels, augmentation.apply(picture, &again).pixels) << augmentation.name;
    EXPECT_NE(out.pixels, augmentation.apply(picture, &other).pixels) << augmentation.name;
    EXPECT_NE(out.pixels, picture.pixels) << augmentation.name;
  }
}

TEST(Augmentations, TakePicturesOfAnySize) {
  for (const auto& [width, height] : {std::pair{1, 1}, {1, 9}, {5, 7}, {13, 26}, {14, 3}}) {
    for (const Augmentation& augmentation : augmentations()) {
      dataset::Random random(5);
      const Bitmap out = augmentation.apply(patterned(width, height), &random);
      EXPECT_EQ(out.width, width) << augmentation.name;
      EXPECT_EQ(out.height, height) << augmentation.name;
      EXPECT_EQ(out.pixels.size(), static_cast<size_t>(width * height * 3)) << augmentation.name;
    }
  }
}

TEST(Augmentations, AreKnownByTheirExactNames) {
  EXPECT_EQ(augmentations().size(), 6u);
  EXPECT_STREQ(find_augmentation("CLAHE")->name, "CLAHE");
  EXPECT_EQ(find_augmentation("clahe"), nullptr);
}

}  // namespace
}  // namespace berth::prepare
