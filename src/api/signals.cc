// SPDX-License-Identifier: Apache-2.0
// /api/v2/preprocessing: what berth-worker-signal makes of recordings of radio signals. Every field
// of its specifications is one of the request, `threads` apart, which is the daemon's.
#include <array>
#include <cmath>
#include <filesystem>

#include "api/builtin.h"
#include "api/option_fields.h"
#include "api/paths.h"
#include "api/routes.h"
#include "model/task_type.h"

namespace berth::api {

namespace {

using base::json::object;

constexpr double kMostHertz = 1e12;
constexpr double kMostSeconds = 1e6;
constexpr double kMostDecibels = 1000;
constexpr std::int64_t kMostPixels = 8192;
constexpr std::int64_t kMostPictures = 1 << 30;

constexpr std::array kSampleFormats{ChoiceField{"format", {"cf32", "cf64", "ci16", "ci8", "cu8"}}};
constexpr std::array kSampleNumbers{PositiveField{"sample_rate", kMostHertz},
                                    PositiveField{"scale", 1e12}};

// Of pictures, moving or not.
constexpr std::array kPictureIntegers{IntegerField{"width", 1, kMostPixels},
                                      IntegerField{"height", 1, kMostPixels},
                                      IntegerField{"quality", 1, 100}};
constexpr std::array kPictureSeconds{PositiveField{"duration_time", kMostSeconds}};
constexpr std::array kPictureLevels{NumberField{"low_db", -kMostDecibels, kMostDecibels},
                                    NumberField{"high_db", -kMostDecibels, kMostDecibels}};
constexpr std::array kColormaps{
    ChoiceField{"colormap", {"jet", "viridis", "magma", "inferno", "plasma", "gray"}}};

constexpr std::int64_t kUsualWindow = 1024;
constexpr std::array kSpectrogramNumbers{NumberField{"ratio", 0, 16},
                                         NumberField{"floor_db", -kMostDecibels, kMostDecibels}};
constexpr std::array kSpectrogramIntegers{IntegerField{"stft_point", 1, 65'536},
                                          IntegerField{"overlap", 0, 65'535},
                                          IntegerField{"max_slices", 1, kMostPictures}};
constexpr std::array kSpectrogramChoices{
    ChoiceField{"window", {"hamming", "hann", "blackman", "rectangular"}},
    ChoiceField{"decibels", {"amplitude", "power"}}, ChoiceField{"image_format", {"jpg", "png"}}};

constexpr std::array kWaterfallIntegers{
    IntegerField{"fft_size", 1, 65'536}, IntegerField{"advance", 1, 1'000'000'000},
    IntegerField{"fps", 1, 1000}, IntegerField{"max_frames", 1, kMostPictures}};

constexpr std::array kRatioLimits{NumberField{"snr_min", -200, 200},
                                  NumberField{"snr_max", -200, 200}};
constexpr std::array kRatioSteps{PositiveField{"snr_step", 1000}};
constexpr std::array kSeeds{IntegerField{"seed", 0, 9'000'000'000'000'000}};
constexpr double kMostRatios = 1000;

// Reads the fields of one kind of task into record.parameters; gives where its results are to go.
using Read = std::string (*)(Fields& fields, object& to);

// How samples are to be read; where it is not said, a file beside the recording or its name tells.
void read_samples(Fields& fields, object& to) {
  to["source_path"] = absolute_path(required_path(fields, "source_path"));
  read_options(fields, kSampleFormats, to);
  read_options(fields, kSampleNumbers, to);
  read_option(fields, "use_side_file", to);
}

void read_picture(Fields& fields, object& to) {
  read_options(fields, kPictureIntegers, to);
  read_options(fields, kPictureSeconds, to);
  read_options(fields, kPictureLevels, to);
  read_options(fields, kColormaps, to);
  const auto low = base::maybe_double(to, "low_db");
  const auto high = base::maybe_double(to, "high_db");
  if (low && high && !(*low < *high))
    fields.refuse("value_error", "high_db", "high_db must be greater than low_db");
}

void read_slices(Fields& fields, object& to) {
  read_samples(fields, to);
  read_picture(fields, to);
  read_options(fields, kSpectrogramNumbers, to);
  read_options(fields, kSpectrogramIntegers, to);
  read_options(fields, kSpectrogramChoices, to);
  read_option(fields, "periodic", to);
  const auto window = base::int_or(to, "stft_point", kUsualWindow);
  if (base::int_or(to, "overlap") >= window) {
    fields.refuse("value_error", "overlap",
                  "overlap must be less than stft_point, which is " + std::to_string(window));
  }
}

std::string read_spectrogram(Fields& fields, object& to) {
  read_slices(fields, to);
  return fields.nullable_string("save_path");
}

std::string read_dataset(Fields& fields, object& to) {
  read_slices(fields, to);
  return required_path(fields, "save_path");
}

std::string read_waterfall(Fields& fields, object& to) {
  read_samples(fields, to);
  read_picture(fields, to);
  read_options(fields, kWaterfallIntegers, to);
  std::string save_path = required_path(fields, "save_path");
  const std::string ending = std::filesystem::path(save_path).extension().string();
  if (!ending.empty() && ending != ".avi" && ending != ".mp4") {
    fields.refuse(
        "value_error", "save_path",
        "A film's name ends in .avi or .mp4; without an ending it is a folder of pictures");
  }
  return save_path;
}

std::string read_snr(Fields& fields, object& to) {
  read_samples(fields, to);
  return "";
}

std::string read_awgn(Fields& fields, object& to) {
  read_samples(fields, to);
  read_options(fields, kRatioLimits, to);
  read_options(fields, kRatioSteps, to);
  read_options(fields, kSeeds, to);
  const double least = base::double_or(to, "snr_min", -20);
  const double most = base::double_or(to, "snr_max", 20);
  const double step = base::double_or(to, "snr_step", 2);
  if (least > most) {
    fields.refuse("value_error", "snr_max", "snr_max must not be less than snr_min");
  } else if (std::floor((most - least) / step) + 1 > kMostRatios) {
    fields.refuse("value_error", "snr_step", "From snr_min to snr_max are more than 1000 steps");
  }
  return fields.nullable_string("save_path");
}

base::Status check(const Service& service, const model::TaskRecord& record, Language language) {
  return first_error(
      {check_signal_worker(service),
       check_exists(service, base::string_or(record.parameters, "source_path"),
                    Phrase::kSourceMissing, language),
       record.save_path.empty() ? base::Status() : check_save_path(service, record)});
}

void start(Service& service, const http::Request& request, http::Exchange exchange,
           std::string_view type, Read read) {
  Fields fields(request.body);
  if (!fields.valid()) return exchange.respond(fields.refusal());
  model::TaskRecord record = preprocessing_record(fields, service, type);
  const std::string save_path = read(fields, record.parameters);
  if (!fields.valid()) return exchange.respond(fields.refusal());
  if (type != model::kSnr) {  // which writes nothing
    set_save_path(service, save_path, record);
    record.parameters["save_path"] = record.save_path;
  }
  if (auto status = check(service, record, language_of(request)); !status)
    return exchange.fail(status.error());
  submit_task(service, request, std::move(exchange), std::move(record));
}

}  // namespace

void add_signal_routes(http::Router& router, Service& service) {
  const auto add = [&](const char* path, std::string_view type, Read read) {
    router.add("POST", path,
               [&service, type, read](const http::Request& request, http::Exchange exchange) {
                 start(service, request, std::move(exchange), type, read);
               });
  };
  add("/api/v2/preprocessing/spectrogram", model::kSpectrogram, read_spectrogram);
  add("/api/v2/preprocessing/waterfall", model::kWaterfall, read_waterfall);
  add("/api/v2/preprocessing/iq-dataset", model::kIqDataset, read_dataset);
  add("/api/v2/preprocessing/snr", model::kSnr, read_snr);
  add("/api/v2/preprocessing/awgn", model::kAwgn, read_awgn);
}

}  // namespace berth::api
