// SPDX-License-Identifier: Apache-2.0
#include "signal/tasks.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <chrono>
#include <cmath>
#include <filesystem>

#include "protocol/json_text.h"
#include "protocol/output_file.h"
#include "signal/noise.h"
#include "signal/task_spec.h"
#include "signal/video.h"

namespace berth::signal {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using protocol::ErrorCode;
using protocol::EventWriter;
using protocol::failed;
using protocol::Result;
using protocol::Spec;
using protocol::Status;

class Clock {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

/// Ends a task: the last line, the whole progress, the result.
void complete(const std::string& line, json::object result, EventWriter* events) {
  events->log(protocol::Level::kInfo, line, "completed");
  events->progress(1.0);
  events->result(std::move(result));
}

std::string shown(double value, const char* format = "%.1f") {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

/// Recordings that were left out, named; a list of thousands would help nobody.
json::object unreadable_facts(const std::vector<Unreadable>& unreadable) {
  constexpr size_t kNamed = 100;
  json::array named;
  for (size_t i = 0; i < std::min(kNamed, unreadable.size()); ++i) {
    named.push_back(json::object{{"file", unreadable[i].path}, {"message", unreadable[i].message}});
  }
  return {{"count", unreadable.size()}, {"files", named}};
}

/// "spectrogram": of a file or the files of a folder. "dataset": of a folder of drones.
Status draw(Spec* spec, bool dataset, int threads, EventWriter* events) {
  PictureSetOptions options;
  const std::string source = spec->required_text("source_path");
  const std::string out =
      dataset ? spec->required_text("save_path") : spec->text("save_path").value_or("results");
  if (auto read = read_iq_options(spec, &options.samples); !read) return read;
  read_slice_options(spec, &options.slices);
  if (auto read = read_picture_options(spec, &options.picture); !read) return read;
  options.quality = static_cast<int>(spec->integer("quality", 92, 1, 100));
  const std::string format = spec->text("image_format").value_or("jpg");
  if (format != "jpg" && format != "png") {
    return failed(ErrorCode::kBadRequest,
                  "task specification: \"image_format\" is \"" + format + "\"; known: jpg, png");
  }
  options.format = format == "png" ? PictureFormat::kPng : PictureFormat::kJpeg;
  options.most = static_cast<uint64_t>(spec->integer("max_slices", 1 << 30, 1, 1 << 30));
  options.threads = static_cast<int>(spec->integer("threads", threads, 1, 1024));
  if (auto status = spec->status(); !status) return status;
  const Clock clock;
  auto recordings = dataset ? find_recordings(source, out) : recordings_at(source, out);
  if (!recordings) return forward_error(recordings);
  events->info("Drawing spectrograms of " + std::to_string(recordings->size()) +
               " recordings into " + out);
  auto set = make_pictures(*recordings, options, events);
  if (!set) return forward_error(set);
  json::object per_name;
  for (const auto& [name, count] : set->per_name) per_name[name] = count;
  json::object facts{{"source_path", source},
                     {"save_path", out},
                     {"pictures", set->pictures},
                     {"files", set->files},
                     {"per_class", per_name},
                     {"unreadable", unreadable_facts(set->unreadable)},
                     {"samples_not_finite", set->not_finite},
                     {"width", options.picture.width},
                     {"height", options.picture.height},
                     {"stft_point", options.picture.stft.length},
                     {"duration_time", options.slices.duration_s},
                     {"ratio", options.slices.ratio}};
  if (dataset) {
    auto written = protocol::write_file(out + "/dataset.json", protocol::json_text(facts) + "\n");
    if (!written) return written;
  }
  const double seconds = clock.seconds();
  facts["seconds"] = seconds;
  complete(std::to_string(set->pictures) + " spectrograms of " + std::to_string(set->files) +
               " recordings in " + shown(seconds) + " s; " +
               std::to_string(set->unreadable.size()) + " recordings left out",
           std::move(facts), events);
  return {};
}

/// Frames as single files, as upstream names them.
class FrameFolder : public Video {
 public:
  explicit FrameFolder(std::string folder) : folder_(std::move(folder)) {}
  Status add(const std::string& jpeg) override {
    return protocol::write_file(
        folder_ + "/" + std::to_string(count_++) + "_waterfall_spectrogram.jpg", jpeg,
        protocol::Durability::kRenamed);
  }
  Status finish() override { return {}; }

 private:
  std::string folder_;
  uint64_t count_ = 0;
};

Result<std::unique_ptr<Video>> open_frames(const std::string& path, const VideoFormat& format) {
  const std::string ending = fs::path(path).extension().string();
  if (!ending.empty()) return open_video(path, format);
  if (auto made = protocol::make_folders(path); !made) return forward_error(made);
  return std::make_unique<FrameFolder>(path);
}

Status waterfall(Spec* spec, int threads, EventWriter* events) {
  const Clock clock;
  const std::string source = spec->required_text("source_path");
  const std::string out = spec->required_text("save_path");
  IqOptions samples;
  if (auto read = read_iq_options(spec, &samples); !read) return read;
  const auto fps = static_cast<int>(spec->integer("fps", 30, 1, 1000));
  const auto most = static_cast<uint64_t>(spec->integer("max_frames", 1 << 30, 1, 1 << 30));
  threads = static_cast<int>(spec->integer("threads", threads, 1, 1024));
  if (auto status = spec->status(); !status) return status;
  auto file = IqFile::open(source, samples);
  if (!file) return forward_error(file);
  for (const std::string& note : file->notes()) events->warning(note);
  WaterfallOptions options;
  auto read = read_waterfall_options(spec, file->sample_rate_hz(), &options);
  if (!read) return read;
  if (auto status = spec->status(); !status) return status;
  const uint64_t frames = std::min(most, waterfall_frames(options, file->samples()));
  events->info("Drawing " + std::to_string(frames) + " frames of " + source + " into " + out);
  if (fs::path(out).has_parent_path()) {
    if (auto made = protocol::make_folders(fs::path(out).parent_path().string()); !made) {
      return made;
    }
  }
  auto video = open_frames(out, {options.width, options.height, fps});
  if (!video) return forward_error(video);
  uint64_t bytes = 0;
  auto drawn = make_waterfall(
      part_of(*file, 0, file->samples()), options, most, threads,
      [&](uint64_t frame, const std::string& jpeg) -> Status {
        bytes += jpeg.size();
        events->progress(0.999 * static_cast<double>(frame + 1) / static_cast<double>(frames));
        return (*video)->add(jpeg);
      });
  if (!drawn) return drawn;
  if (auto finished = (*video)->finish(); !finished) return finished;
  const double seconds = clock.seconds();
  complete(std::to_string(frames) + " frames in " + shown(seconds) + " s",
           {{"source_path", source},
            {"save_path", out},
            {"frames", frames},
            {"rows_per_frame", options.rows_per_frame},
            {"advance", options.advance},
            {"jpeg_bytes", bytes},
            {"samples_not_finite", file->not_finite()},
            {"seconds", seconds}},
           events);
  return {};
}

json::object snr_facts(const IqFile& file, const SnrEstimate& estimate) {
  json::object facts{{"file", file.path()},
                     {"signal_found", estimate.found},
                     {"samples", file.samples()},
                     {"sample_rate", file.sample_rate_hz()},
                     {"total_power", estimate.total_power},
                     {"noise_power", estimate.noise_power}};
  if (file.side().reference_snr_db) facts["reference_snr_db"] = *file.side().reference_snr_db;
  if (!estimate.found) return facts;
  facts["snr_db"] = estimate.snr_db;
  facts["full_band_snr_db"] = estimate.full_band_snr_db;
  facts["signal_power"] = estimate.signal_power;
  facts["bandwidth_hz"] = estimate.bandwidth * file.sample_rate_hz();
  facts["centre_offset_hz"] = estimate.centre * file.sample_rate_hz();
  if (file.centre_frequency_hz()) {
    facts["centre_frequency_hz"] =
        *file.centre_frequency_hz() + estimate.centre * file.sample_rate_hz();
  }
  return facts;
}

Status snr(Spec* spec, int threads, EventWriter* events) {
  const Clock clock;
  const std::string source = spec->required_text("source_path");
  IqOptions samples;
  if (auto read = read_iq_options(spec, &samples); !read) return read;
  threads = static_cast<int>(spec->integer("threads", threads, 1, 1024));
  if (auto status = spec->status(); !status) return status;
  auto recordings = recordings_at(source, "");
  if (!recordings) return forward_error(recordings);
  json::array found;
  std::vector<Unreadable> unreadable;
  for (const Recording& recording : *recordings) {
    auto file = IqFile::open(recording.path, samples);
    auto estimate = file ? estimate_snr(part_of(*file, 0, file->samples()), threads)
                         : Result<SnrEstimate>(forward_error(file));
    if (!estimate) {
      unreadable.push_back({recording.path, estimate.error().message});
      events->warning("left out: " + estimate.error().message);
      // One file alone: its error is the task's.
      if (recordings->size() == 1) return forward_error(estimate);
      continue;
    }
    events->info(recording.path + (estimate->found
                                       ? ": " + shown(estimate->snr_db) + " dB in " +
                                             shown(estimate->bandwidth * 100) + " % of the band"
                                       : ": no signal found"));
    found.push_back(snr_facts(*file, *estimate));
    events->progress(0.999 * static_cast<double>(found.size() + unreadable.size()) /
                     static_cast<double>(recordings->size()));
  }
  if (found.empty()) {
    return failed(ErrorCode::kBadRequest,
                  "none of " + std::to_string(recordings->size()) +
                      " recordings could be judged; the first: " + unreadable.front().message,
                  unreadable.front().path);
  }
  const std::string line = std::to_string(found.size()) + " recordings judged";
  complete(line,
           {{"source_path", source},
            {"files", std::move(found)},
            {"unreadable", unreadable_facts(unreadable)},
            {"seconds", clock.seconds()}},
           events);
  return {};
}

/// What the copy with noise is, for whoever reads it later.
Status write_description(const IqFile& file, const std::string& stem, double snr_db,
                         uint64_t seed) {
  json::object capture{{"core:sample_start", 0}};
  if (file.centre_frequency_hz()) capture["core:frequency"] = *file.centre_frequency_hz();
  const json::object whole{
      {"global",
       json::object{{"core:datatype", "cf32_le"},
                    {"core:version", "1.0.0"},
                    {"core:sample_rate", file.sample_rate_hz()},
                    {"core:description",
                     "white noise added to " + fs::path(file.path()).filename().string() + " for " +
                         shown(snr_db, "%g") + " dB, seed " + std::to_string(seed)}}},
      {"captures", json::array{capture}},
      {"annotations", json::array{}}};
  return protocol::write_file(stem + ".sigmf-meta", protocol::json_text(whole) + "\n");
}

struct Ratios {
  double least = 0, step = 0;  // dB
  int count = 0;
  double at(int i) const { return least + i * step; }
};

Result<Ratios> read_ratios(Spec* spec) {
  Ratios ratios;
  ratios.least = spec->number("snr_min", -20, -201);
  const double most = spec->number("snr_max", 20, -201);
  ratios.step = spec->number("snr_step", 2, 0);
  const double count = std::floor((most - ratios.least) / ratios.step + 1e-9) + 1;
  if (!(count >= 1 && count <= 1000)) {
    return failed(ErrorCode::kBadRequest, "from " + shown(ratios.least, "%g") + " to " +
                                              shown(most, "%g") + " dB in steps of " +
                                              shown(ratios.step, "%g") +
                                              " dB: that must be 1 to 1000 ratios");
  }
  ratios.count = static_cast<int>(count);
  return ratios;
}

/// The measured ratio of a recording that holds a signal.
Result<SnrEstimate> measure(const IqFile& file, const Signal& signal, int threads,
                            EventWriter* events) {
  auto estimate = estimate_snr(signal, threads);
  if (!estimate) return estimate;
  if (!estimate->found) {
    return failed(ErrorCode::kBadRequest,
                  "no signal was found in " + file.path() + ": there is nothing to relate noise to",
                  file.path());
  }
  events->info(file.path() + " has " + shown(estimate->snr_db) + " dB; its signal's power is " +
               shown(estimate->signal_power, "%.3g"));
  return estimate;
}

struct NoisyCopies {
  json::array files, left_out;
};

/// One copy for each ratio that is below the recording's own.
Result<NoisyCopies> write_copies(const IqFile& file, const SnrEstimate& estimate,
                                 const Ratios& ratios, uint64_t seed, const std::string& out,
                                 int threads, EventWriter* events) {
  const Signal signal = part_of(file, 0, file.samples());
  NoisyCopies copies;
  for (int i = 0; i < ratios.count; ++i) {
    const double power = noise_to_add(estimate, ratios.at(i));
    if (power <= 0) {
      copies.left_out.push_back(ratios.at(i));
      continue;
    }
    const std::string stem =
        out + "/" + fs::path(file.path()).stem().string() + "_" + shown(ratios.at(i), "%g") + "dB";
    const uint64_t own_seed = seed + static_cast<uint64_t>(i);
    const auto progress = [&](uint64_t done) {
      const double part = static_cast<double>(done) / static_cast<double>(signal.samples);
      events->progress(0.999 * (i + part) / ratios.count);
    };
    auto written = write_with_noise(signal, power, own_seed, stem + ".iq", threads, progress);
    if (!written) return forward_error(written);
    auto described = write_description(file, stem, ratios.at(i), own_seed);
    if (!described) return forward_error(described);
    copies.files.push_back(json::object{{"file", stem + ".iq"},
                                        {"snr_db", ratios.at(i)},
                                        {"seed", own_seed},
                                        {"noise_power_added", power}});
  }
  return copies;
}

Status awgn(Spec* spec, int threads, EventWriter* events) {
  const Clock clock;
  const std::string source = spec->required_text("source_path");
  const std::string out = spec->text("save_path").value_or("results");
  IqOptions samples;
  if (auto read = read_iq_options(spec, &samples); !read) return read;
  auto ratios = read_ratios(spec);
  const auto seed = static_cast<uint64_t>(spec->integer("seed", 0, 0, 9'000'000'000'000'000));
  threads = static_cast<int>(spec->integer("threads", threads, 1, 1024));
  if (auto status = spec->status(); !status) return status;
  if (!ratios) return forward_error(ratios);
  auto file = IqFile::open(source, samples);
  if (!file) return forward_error(file);
  for (const std::string& note : file->notes()) events->warning(note);
  auto estimate = measure(*file, part_of(*file, 0, file->samples()), threads, events);
  if (!estimate) return forward_error(estimate);
  if (auto made = protocol::make_folders(out); !made) return made;
  auto copies = write_copies(*file, *estimate, *ratios, seed, out, threads, events);
  if (!copies) return forward_error(copies);
  if (copies->files.empty()) {
    return failed(ErrorCode::kBadRequest,
                  source + " has " + shown(estimate->snr_db) +
                      " dB; adding noise cannot bring it to " + shown(ratios->least, "%g") +
                      " dB or more: ask for less",
                  source);
  }
  if (!copies->left_out.empty()) {
    events->warning(std::to_string(copies->left_out.size()) + " ratios above the recording's own " +
                    shown(estimate->snr_db) + " dB were left out");
  }
  const std::string line = std::to_string(copies->files.size()) + " recordings with noise written";
  complete(line,
           {{"source_path", source},
            {"save_path", out},
            {"measured", snr_facts(*file, *estimate)},
            {"files", std::move(copies->files)},
            {"snr_db_left_out", std::move(copies->left_out)},
            {"seconds", clock.seconds()}},
           events);
  return {};
}

}  // namespace

bool is_task(const std::string& name) {
  return name == "spectrogram" || name == "waterfall" || name == "dataset" || name == "snr" ||
         name == "awgn";
}

Status run_task(const std::string& task, const std::string& spec_path, int threads,
                EventWriter* events) {
  auto spec = Spec::read(spec_path);
  if (!spec) return forward_error(spec);
  if (task == "waterfall") return waterfall(&*spec, threads, events);
  if (task == "snr") return snr(&*spec, threads, events);
  if (task == "awgn") return awgn(&*spec, threads, events);
  return draw(&*spec, task == "dataset", threads, events);
}

}  // namespace berth::signal
