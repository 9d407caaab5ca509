// SPDX-License-Identifier: Apache-2.0
#include "cli/signal_arguments.h"

#include "cli/data_arguments.h"
#include "cli/options.h"

namespace berth::cli {

namespace {

namespace json = base::json;

constexpr const char* kSamples = "How samples are stored";
constexpr const char* kPicture = "What is drawn";
constexpr const char* kRecording = "a recording: .iq, .dat or .sigmf-data";
constexpr const char* kRecordings = "a recording (.iq, .dat, .sigmf-data), or a directory\nof them";
constexpr const char* kOwnFolder =
    "where they go; by default a directory of the daemon's,\nwhich is told";

CLI::App* add_work(CLI::App* data, const char* name, const char* text, const char* input,
                   DataOptions& to, DataWork work) {
  CLI::App* verb = data->add_subcommand(name, text);
  verb->add_option("--input", to.input, input)->required()->type_name("PATH");
  verb->parse_complete_callback([&to, work] { to.work = work; });
  return verb;
}

CLI::Option* add_output(CLI::App* verb, DataOptions& to, const char* text) {
  return verb->add_option("--output", to.output, text)->type_name("PATH");
}

void add_samples(CLI::App* verb, json::object& to) {
  add_word(verb, "--format", "format", to,
           "cf32, cf64, ci16, ci8 or cu8; by default as the file beside\n"
           "the recording says, else ci16 for .dat, else cf32",
           kSamples);
  add_number(verb, "--sample-rate", "sample_rate", to,
             "in hertz; by default as the file beside the recording\nsays, else 100000000",
             kSamples);
  add_number(verb, "--scale", "scale", to, "factor on the values as they are stored", kSamples);
  add_switch(verb, "--side-file,!--no-side-file", "use_side_file", to,
             "read .sigmf-meta or .xml beside the recording; so it is\nby default", kSamples);
}

// Of pictures, moving or not.
void add_picture(CLI::App* verb, json::object& to, const char* size) {
  add_number(verb, "--duration", "duration_time", to, "seconds in a picture, 0.1 by default",
             kPicture);
  add_count(verb, "--width", "width", to, size, kPicture);
  add_count(verb, "--height", "height", to, "in pixels, too", kPicture);
  add_word(verb, "--colormap", "colormap", to,
           "jet (by default), viridis, magma, inferno, plasma, gray", kPicture);
  add_number(verb, "--low-db", "low_db", to,
             "level of the lowest colour; by default the lowest of\nthe picture", kPicture);
  add_number(verb, "--high-db", "high_db", to, "level of the highest colour", kPicture);
  add_count(verb, "--quality", "quality", to, "of JPEG, 1 to 100", kPicture);
}

void add_slices(CLI::App* verb, json::object& to) {
  add_picture(verb, to, "in pixels, 1920 x 1440 by default");
  add_number(verb, "--ratio", "ratio", to,
             "a picture begins 2^-ratio of its time after the one\nbefore; 0 by default", kPicture);
  add_count(verb, "--stft-point", "stft_point", to, "samples of a window, 1024 by default",
            kPicture);
  add_count(verb, "--overlap", "overlap", to, "samples that windows share, half of them by default",
            kPicture);
  add_word(verb, "--window", "window", to, "hamming (by default), hann, blackman or rectangular",
           kPicture);
  add_switch(verb, "--periodic", "periodic", to, "a periodic window", kPicture);
  add_word(verb, "--decibels", "decibels", to, "of the amplitude (by default) or the power",
           kPicture);
  add_number(verb, "--floor-db", "floor_db", to, "levels below it count as it, -200 by default",
             kPicture);
  add_word(verb, "--image-format", "image_format", to, "jpg (by default) or png", kPicture);
  add_count(verb, "--max-slices", "max_slices", to, "at most so many pictures of a recording",
            kPicture);
}

void add_spectrogram(CLI::App* data, DataOptions& to) {
  CLI::App* verb = add_work(data, "spectrogram", "Draws recordings of radio signals.", kRecordings,
                            to, DataWork::kSpectrogram);
  add_output(verb, to, kOwnFolder);
  add_slices(verb, to.more);
  add_samples(verb, to.more);
  add_common_of_data(verb, to);
}

void add_dataset(CLI::App* data, DataOptions& to) {
  CLI::App* verb = add_work(data, "iq-dataset",
                            "Makes a data set of images out of recordings, a class per directory.",
                            "one sub-directory of recordings per class", to, DataWork::kIqDataset);
  add_output(verb, to, "where the images go, in the same sub-directories")->required();
  add_slices(verb, to.more);
  add_samples(verb, to.more);
  add_common_of_data(verb, to);
}

void add_waterfall(CLI::App* data, DataOptions& to) {
  CLI::App* verb = add_work(data, "waterfall", "Makes a film of the spectrum of a recording.",
                            kRecording, to, DataWork::kWaterfall);
  add_output(verb, to, "a film, .avi or .mp4, or a directory for its pictures")->required();
  add_picture(verb, to.more, "in pixels, 1280 x 720 by default");
  add_count(verb, "--fft-size", "fft_size", to.more, "samples of a row, 256 by default", kPicture);
  add_count(verb, "--advance", "advance", to.more, "rows from picture to picture, 150 by default",
            kPicture);
  add_count(verb, "--fps", "fps", to.more, "pictures per second, 30 by default", kPicture);
  add_count(verb, "--max-frames", "max_frames", to.more, "at most so many pictures", kPicture);
  add_samples(verb, to.more);
  add_common_of_data(verb, to);
}

void add_snr(CLI::App* data, DataOptions& to) {
  CLI::App* verb = add_work(data, "snr", "Measures how far signals stand out of the noise.",
                            kRecordings, to, DataWork::kSnr);
  add_samples(verb, to.more);
  add_common_of_data(verb, to);
}

void add_awgn(CLI::App* data, DataOptions& to) {
  CLI::App* verb = add_work(data, "awgn", "Writes copies of a recording with white noise added.",
                            kRecording, to, DataWork::kAwgn);
  add_output(verb, to, kOwnFolder);
  add_number(verb, "--snr-min", "snr_min", to.more, "the least ratio in dB, -20 by default",
             nullptr);
  add_number(verb, "--snr-max", "snr_max", to.more, "the greatest, 20 by default", nullptr);
  add_number(verb, "--snr-step", "snr_step", to.more, "from ratio to ratio, 2 by default", nullptr);
  add_count(verb, "--seed", "seed", to.more, "for other random numbers; 0 by default", nullptr);
  add_samples(verb, to.more);
  add_common_of_data(verb, to);
}

}  // namespace

void add_signals(CLI::App* data, DataOptions& to) {
  add_spectrogram(data, to);
  add_waterfall(data, to);
  add_dataset(data, to);
  add_snr(data, to);
  add_awgn(data, to);
}

}  // namespace berth::cli
