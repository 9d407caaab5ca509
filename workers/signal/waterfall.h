// SPDX-License-Identifier: Apache-2.0
// A waterfall that moves: each frame shows the same span of time, a little later than the one
// before. RFUAV's: a row is a window of 256 samples (symmetric Hann, not overlapping), a frame is
// 39 062 rows (0.1 s at 100 MS/s) and begins 150 rows after the one before; log10 of the magnitude,
// colours scaled to each frame's smallest and largest value; time to the right, frequency upwards.
// (Upstream's frames hold one row more.)
//
// Rows are transformed once. `group` of them, a divisor of the advance, become one line, their mean
// (of the logarithms), already as high as the picture; lines go around in a ring that holds one
// frame and what the next few frames add. So a frame costs a walk over its pixels, and memory does
// not grow with the recording.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "protocol/result.h"
#include "signal/colormap.h"
#include "signal/spectrogram.h"

namespace berth::signal {

struct WaterfallOptions {
  size_t length = 256;             ///< samples of a row, 1 .. 65536
  size_t rows_per_frame = 39'062;  ///< at least 1
  size_t advance = 150;            ///< rows, at least 1
  int width = 1280;                ///< pixels, 1 .. 8192
  int height = 720;
  int quality = 90;  ///< of the JPEGs
  ColormapKind colormap = ColormapKind::kJet;
  std::optional<double> low_db;  ///< 10 log10 |Z|; absent: each frame's own
  std::optional<double> high_db;
};

/// Frames that a recording of that many samples gives; 0 if it is shorter than one.
uint64_t waterfall_frames(const WaterfallOptions& options, uint64_t samples);

/// A frame as JPEG; called in order, by one thread.
using FrameSink = std::function<protocol::Status(uint64_t frame, const std::string& jpeg)>;

/// Makes all frames (at most `most`) on `threads` threads. Errors: kBadRequest (options, a signal
/// shorter than a frame), kOutOfMemory, those of the signal's reader and of the sink, which end it.
protocol::Status make_waterfall(const Signal& signal, const WaterfallOptions& options,
                                uint64_t most, int threads, const FrameSink& sink);

}  // namespace berth::signal
