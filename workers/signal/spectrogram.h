// SPDX-License-Identifier: Apache-2.0
// Pictures of IQ samples: time runs to the right, frequency upwards (the top row is the highest,
// +half the sample rate; the centre frequency is in the middle), without axes. This is how RFUAV
// draws (imshow with origin 'lower', 6.4 x 4.8 inches at 300 dpi).
//
// The logarithms are resampled, not the powers and not the colours: with a triangle (triangle.h),
// along time and frequency. The ends of the colour range, when not given, are the smallest and the
// largest level BEFORE resampling, silence (a magnitude of 0) left out, as in matplotlib; silence
// itself takes the lowest colour (matplotlib would leave the picture's background).
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "image/bitmap.h"
#include "protocol/result.h"
#include "signal/colormap.h"
#include "signal/iq_file.h"
#include "signal/stft.h"

namespace berth::signal {

enum class Decibels {
  kAmplitude,  ///< RFUAV's: 10 log10 |Z|, half of what power would give
  kPower,      ///< 10 log10 |Z|^2; a full-scale tone is at 0 dB
};

struct PictureOptions {
  StftOptions stft;
  int width = 1920;  ///< pixels, 1 .. 8192
  int height = 1440;
  ColormapKind colormap = ColormapKind::kJet;
  Decibels decibels = Decibels::kAmplitude;
  std::optional<double> low_db;  ///< the lowest colour; absent: from the picture
  std::optional<double> high_db;
  double floor_db = -200;  ///< levels below it count as it
};

/// kBadRequest if no signal could be drawn that way.
protocol::Status check(const PictureOptions& options);

/// Samples on demand: [first, first + count) to `out`, 0 outside of the signal. Any thread may ask.
using SampleReader =
    std::function<protocol::Status(int64_t first, size_t count, std::complex<float>* out)>;

struct Signal {
  SampleReader read;
  uint64_t samples = 0;
};

/// `count` samples of `file` from `first` on, 0 outside of them. `file` must outlive the signal.
Signal part_of(const IqFile& file, uint64_t first, uint64_t count);

struct Picture {
  image::Bitmap bitmap;
  double low_db = 0;  ///< what the lowest and the highest colour stand for
  double high_db = 0;
};

/// The same picture for any number of threads. Memory: width * height * 7 bytes, and some MB for
/// each thread, however long the signal is.
/// Errors: kBadRequest (options, no samples), kOutOfMemory, those of the reader.
protocol::Result<Picture> paint(const Signal& signal, const PictureOptions& options, int threads);

/// How a recording is cut. RFUAV: 0.1 s, a slice begins 2^-ratio slices after the one before.
struct SliceOptions {
  double duration_s = 0.1;
  double ratio = 0;
};

/// Slices that lie wholly within the file. Error: kBadRequest (no sample in a slice, a ratio
/// outside 0..16).
protocol::Result<uint64_t> slice_count(const IqFile& file, const SliceOptions& options);

/// The first sample of a slice; its length is duration_s * sample rate, cut to an integer.
uint64_t slice_begin(const IqFile& file, const SliceOptions& options, uint64_t index);

/// For inference on IQ files: slice `index` (from 0) as a picture. Errors: those of paint() and
/// slice_count(); kBadRequest for an index beyond the last slice.
protocol::Result<Picture> picture_of(const IqFile& file, uint64_t index, const SliceOptions& slices,
                                     const PictureOptions& options, int threads = 1);

}  // namespace berth::signal
