// SPDX-License-Identifier: Apache-2.0
#include "dataset/spectrogram.h"

#include <kiss_fft.h>

#include <algorithm>
#include <cmath>
#include <memory>

namespace berth::dataset {
namespace {

constexpr double kFloor = 1e-12;                             // -120 dB
constexpr double kBelowMedian = 12, kLeastAboveMedian = 20;  // dB

std::vector<float> hann_window(int length) {
  std::vector<float> window(static_cast<size_t>(length));
  for (int i = 0; i < length; ++i) {
    window[static_cast<size_t>(i)] =
        static_cast<float>(0.5 - 0.5 * std::cos(2 * M_PI * i / length));
  }
  return window;
}

}  // namespace

Spectrogram make_spectrogram(const Samples& samples, int length) {
  Spectrogram result;
  const auto size = static_cast<size_t>(length), hop = size / 2;
  result.rows = length;
  result.columns = samples.size() < size ? 0 : static_cast<int>((samples.size() - size) / hop + 1);
  result.values.resize(static_cast<size_t>(result.columns) * size);
  const std::vector<float> window = hann_window(length);
  const std::unique_ptr<kiss_fft_state, decltype(&kiss_fft_free)> transform(
      kiss_fft_alloc(length, 0, nullptr, nullptr), &kiss_fft_free);
  std::vector<kiss_fft_cpx> in(size), out(size);
  for (size_t column = 0; column < static_cast<size_t>(result.columns); ++column) {
    const std::complex<float>* from = samples.data() + column * hop;
    for (size_t i = 0; i < size; ++i) {
      in[i].r = from[i].real() * window[i];
      in[i].i = from[i].imag() * window[i];
    }
    kiss_fft(transform.get(), in.data(), out.data());
    float* to = result.values.data() + column * size;
    for (size_t row = 0; row < size; ++row) {
      // Bins 0..n/2-1 are frequencies from 0 up, the rest the negative ones.
      const size_t bin = (size + size / 2 - 1 - row) % size;
      const double power = static_cast<double>(out[bin].r) * out[bin].r +
                           static_cast<double>(out[bin].i) * out[bin].i;
      to[row] = static_cast<float>(10 * std::log10(std::max(power, kFloor)));
    }
  }
  return result;
}

std::array<uint8_t, 3> jet_colour(double level) {
  const double x = std::clamp(level, 0.0, 1.0) * 4;
  const auto channel = [&](double centre) {
    const double value = std::clamp(1.5 - std::abs(x - centre), 0.0, 1.0);
    return static_cast<uint8_t>(std::lround(255 * value));
  };
  return {channel(3), channel(2), channel(1)};
}

image::Bitmap paint(const Spectrogram& spectrogram) {
  image::Bitmap picture;
  picture.width = spectrogram.columns;
  picture.height = spectrogram.rows;
  picture.pixels.resize(spectrogram.values.size() * 3);
  if (spectrogram.values.empty()) return picture;
  std::vector<float> sorted = spectrogram.values;
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  const double median = *middle;
  const double most = *std::max_element(middle, sorted.end());
  const double low = median - kBelowMedian;
  const double range = std::max(most, median + kLeastAboveMedian) - low;
  std::array<std::array<uint8_t, 3>, 256> colours;
  for (size_t i = 0; i < colours.size(); ++i) colours[i] = jet_colour(static_cast<double>(i) / 255);
  const auto rows = static_cast<size_t>(spectrogram.rows);
  const auto columns = static_cast<size_t>(spectrogram.columns);
  for (size_t column = 0; column < columns; ++column) {
    for (size_t row = 0; row < rows; ++row) {
      const double level = (spectrogram.values[column * rows + row] - low) / range;
      const auto& colour = colours[static_cast<size_t>(std::clamp(level, 0.0, 1.0) * 255)];
      std::copy(colour.begin(), colour.end(),
                picture.pixels.begin() + static_cast<std::ptrdiff_t>((row * columns + column) * 3));
    }
  }
  return picture;
}

}  // namespace berth::dataset
