// SPDX-License-Identifier: Apache-2.0
// Groups of fields that several tasks have, read from a specification. Wrong values are remembered
// by the Spec or returned in `problem`.
#pragma once

#include "protocol/spec.h"
#include "signal/picture_set.h"
#include "signal/waterfall.h"

namespace berth::signal {

/// Absent: nothing.
std::optional<double> optional_number(protocol::Spec* spec, const char* name);

/// format, sample_rate, scale, use_side_file.
protocol::Status read_iq_options(protocol::Spec* spec, IqOptions* options);
/// duration_time, ratio.
void read_slice_options(protocol::Spec* spec, SliceOptions* options);
/// stft_point, overlap, window, periodic, width, height, colormap, decibels, low_db, high_db,
/// floor_db.
protocol::Status read_picture_options(protocol::Spec* spec, PictureOptions* options);
/// fft_size, duration_time, advance, width, height, quality, colormap, low_db, high_db; needs the
/// sample rate for the rows of a frame.
protocol::Status read_waterfall_options(protocol::Spec* spec, double sample_rate_hz,
                                        WaterfallOptions* options);
protocol::Status read_colormap(protocol::Spec* spec, ColormapKind* kind);

/// The tasks "snr" and "awgn"; the others are in tasks.cc.
protocol::Status measure_noise(protocol::Spec* spec, int threads, protocol::EventWriter* events);
protocol::Status add_noise_copies(protocol::Spec* spec, int threads, protocol::EventWriter* events);

}  // namespace berth::signal
