// SPDX-License-Identifier: Apache-2.0
// ISONoise, the noise of a camera at high sensitivity, in hue, lightness and saturation (HLS as
// OpenCV documents COLOR_RGB2HLS): the lightness grows by Poisson noise whose mean is the
// lightness's own spread times the intensity, weaker in bright places; the hue gets normal noise.
#include <algorithm>
#include <cmath>

#include "prepare/augmentation.h"
#include "prepare/convolve.h"
#include "prepare/noise.h"

namespace berth::prepare {
namespace {

struct Hls {
  float hue;         ///< degrees, 0..360
  float lightness;   ///< 0..1
  float saturation;  ///< 0..1
};

Hls to_hls(const uint8_t* pixel) {
  const float r = pixel[0] / 255.0f, g = pixel[1] / 255.0f, b = pixel[2] / 255.0f;
  const float high = std::max({r, g, b}), low = std::min({r, g, b});
  const float sum = high + low, spread = high - low;
  Hls hls{0, sum / 2, 0};
  if (spread <= 0) return hls;
  hls.saturation = spread / (sum < 1 ? sum : 2 - sum);
  if (high == r) {
    hls.hue = 60 * (g - b) / spread;
  } else if (high == g) {
    hls.hue = 120 + 60 * (b - r) / spread;
  } else {
    hls.hue = 240 + 60 * (r - g) / spread;
  }
  if (hls.hue < 0) hls.hue += 360;
  return hls;
}

float channel(float low, float high, float hue) {
  hue -= 360 * std::floor(hue / 360);
  if (hue < 60) return low + (high - low) * hue / 60;
  if (hue < 180) return high;
  if (hue < 240) return low + (high - low) * (240 - hue) / 60;
  return low;
}

void to_pixel(const Hls& hls, uint8_t* pixel) {
  const float l = std::clamp(hls.lightness, 0.0f, 1.0f), s = hls.saturation;
  const float high = l <= 0.5f ? l * (1 + s) : l + s - l * s;
  const float low = 2 * l - high;
  pixel[0] = to_byte(255 * channel(low, high, hls.hue + 120));
  pixel[1] = to_byte(255 * channel(low, high, hls.hue));
  pixel[2] = to_byte(255 * channel(low, high, hls.hue - 120));
}

/// Standard deviation of the lightness of all pixels.
double lightness_spread(const image::Bitmap& picture) {
  double sum = 0, squares = 0;
  const size_t count = picture.pixels.size() / 3;
  for (size_t i = 0; i < count; ++i) {
    const double lightness = to_hls(&picture.pixels[i * 3]).lightness;
    sum += lightness;
    squares += lightness * lightness;
  }
  const double mean = sum / static_cast<double>(count);
  return std::sqrt(std::max(0.0, squares / static_cast<double>(count) - mean * mean));
}

/// Poisson deviates (Knuth); for the means below 1 that occur here one or two steps.
class Poisson {
 public:
  explicit Poisson(double mean) : limit_(std::exp(-mean)) {}
  int draw(dataset::Random* random) const {
    int count = -1;
    for (double product = 1; product > limit_ || count < 0; ++count) product *= random->uniform();
    return count;
  }

 private:
  double limit_;
};

}  // namespace

image::Bitmap iso_noise(const image::Bitmap& picture, double color_shift, double intensity,
                        dataset::Random* random) {
  const Poisson poisson(lightness_spread(picture) * intensity);
  const auto hue_deviation = static_cast<float>(color_shift * 360 * intensity);
  image::Bitmap result = picture;
  float noise[2] = {0, 0};
  for (size_t i = 0; i < result.pixels.size() / 3; ++i) {
    if (i % 2 == 0) random->gaussian_pair(&noise[0], &noise[1]);
    Hls hls = to_hls(&result.pixels[i * 3]);
    hls.hue += hue_deviation * noise[i % 2];
    hls.lightness += static_cast<float>(poisson.draw(random) * intensity) * (1 - hls.lightness);
    to_pixel(hls, &result.pixels[i * 3]);
  }
  return result;
}

image::Bitmap iso_noise(const image::Bitmap& picture, dataset::Random* random) {
  const double color_shift = random->uniform(0.01, 0.05);
  return iso_noise(picture, color_shift, random->uniform(0.2, 0.5), random);
}

}  // namespace berth::prepare
