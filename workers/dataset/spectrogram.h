// SPDX-License-Identifier: Apache-2.0
// Spectrograms: short-time Fourier transform, decibels, colours.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "dataset/signals.h"
#include "image/bitmap.h"

namespace berth::dataset {

/// Power in dB: values[column * rows + row]; a column is a moment, rows go from the highest
/// frequency
/// (+half the sample rate) down to the lowest.
struct Spectrogram {
  int columns = 0;
  int rows = 0;
  std::vector<float> values;
};

/// Hann window of `length` samples (a power of two), half overlapping, two-sided. Powers below
/// -120 dB are lifted to it, so that silence is a number.
Spectrogram make_spectrogram(const Samples& samples, int length);

/// The colour of `level` (0..1, clamped): dark blue, cyan, yellow, dark red (the "jet" look).
std::array<uint8_t, 3> jet_colour(double level);

/// Time to the right, frequency upwards. Colours span from 12 dB below the median (the noise floor)
/// to the strongest value, but at least 20 dB above the median.
image::Bitmap paint(const Spectrogram& spectrogram);

}  // namespace berth::dataset
