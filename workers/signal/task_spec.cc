// SPDX-License-Identifier: Apache-2.0
#include "signal/task_spec.h"

#include <cmath>

namespace berth::signal {
namespace {

using protocol::ErrorCode;
using protocol::failed;
using protocol::Spec;
using protocol::Status;

constexpr double kLeast = -1e300;

tl::unexpected<protocol::Error> unknown(const char* field, const std::string& value,
                                        const std::string& known) {
  return failed(ErrorCode::kBadRequest, std::string("task specification: \"") + field + "\" is \"" +
                                            value + "\"; known: " + known);
}

}  // namespace

std::optional<double> optional_number(Spec* spec, const char* name) {
  const double value = spec->number(name, NAN, kLeast);
  if (std::isnan(value)) return std::nullopt;
  return value;
}

Status read_iq_options(Spec* spec, IqOptions* options) {
  if (const auto name = spec->text("format")) {
    options->format = format_named(*name);
    if (!options->format) return unknown("format", *name, "cf32, cf64, ci16, ci8, cu8");
  }
  const double rate = spec->number("sample_rate", NAN, 0);
  if (!std::isnan(rate)) options->sample_rate_hz = rate;
  const double scale = spec->number("scale", NAN, 0);
  if (!std::isnan(scale)) options->scale = scale;
  options->use_side_file = spec->boolean("use_side_file", true);
  return {};
}

void read_slice_options(Spec* spec, SliceOptions* options) {
  options->duration_s = spec->number("duration_time", options->duration_s, 0);
  options->ratio = spec->number("ratio", options->ratio, kLeast);
}

Status read_colormap(Spec* spec, ColormapKind* kind) {
  const auto name = spec->text("colormap");
  if (!name) return {};
  const auto found = colormap_named(*name);
  if (!found) return unknown("colormap", *name, colormap_names());
  *kind = *found;
  return {};
}

Status read_picture_options(Spec* spec, PictureOptions* options) {
  StftOptions& stft = options->stft;
  stft.length = static_cast<size_t>(spec->integer("stft_point", 1024, 1, 65536));
  stft.overlap = static_cast<size_t>(
      spec->integer("overlap", static_cast<int64_t>(stft.length / 2), 0, 65535));
  stft.periodic = spec->boolean("periodic", false);
  if (const auto name = spec->text("window")) {
    const auto window = window_named(*name);
    if (!window) return unknown("window", *name, "hamming, hann, blackman, rectangular");
    stft.window = *window;
  }
  options->width = static_cast<int>(spec->integer("width", options->width, 1, 8192));
  options->height = static_cast<int>(spec->integer("height", options->height, 1, 8192));
  if (const auto name = spec->text("decibels")) {
    if (*name != "amplitude" && *name != "power") {
      return unknown("decibels", *name, "amplitude (10 log10 |Z|), power (10 log10 |Z|^2)");
    }
    options->decibels = *name == "power" ? Decibels::kPower : Decibels::kAmplitude;
  }
  options->low_db = optional_number(spec, "low_db");
  options->high_db = optional_number(spec, "high_db");
  options->floor_db = spec->number("floor_db", options->floor_db, kLeast);
  return read_colormap(spec, &options->colormap);
}

Status read_waterfall_options(Spec* spec, double sample_rate_hz, WaterfallOptions* options) {
  options->length = static_cast<size_t>(spec->integer("fft_size", 256, 1, 65536));
  const double seconds = spec->number("duration_time", 0.1, 0);
  const double rows = seconds * sample_rate_hz / static_cast<double>(options->length);
  if (!(rows >= 1 && rows < 1e12)) {
    return failed(ErrorCode::kBadRequest, "frames of " + std::to_string(seconds) + " s have " +
                                              std::to_string(rows) + " rows of " +
                                              std::to_string(options->length) +
                                              " samples: choose another duration_time");
  }
  options->rows_per_frame = static_cast<size_t>(rows);
  options->advance = static_cast<size_t>(spec->integer("advance", 150, 1, 1'000'000'000));
  options->width = static_cast<int>(spec->integer("width", options->width, 1, 8192));
  options->height = static_cast<int>(spec->integer("height", options->height, 1, 8192));
  options->quality = static_cast<int>(spec->integer("quality", options->quality, 1, 100));
  options->low_db = optional_number(spec, "low_db");
  options->high_db = optional_number(spec, "high_db");
  return read_colormap(spec, &options->colormap);
}

}  // namespace berth::signal
