// SPDX-License-Identifier: Apache-2.0
#include "signal/tasks.h"

#include <algorithm>
#include <filesystem>

#include "protocol/json_text.h"
#include "protocol/output_file.h"
#include "signal/task_report.h"
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
  warn_of_not_finite(set->not_finite, events);
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
  warn_of_not_finite(file->not_finite(), events);
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
  if (task == "snr") return measure_noise(&*spec, threads, events);
  if (task == "awgn") return add_noise_copies(&*spec, threads, events);
  return draw(&*spec, task == "dataset", threads, events);
}

}  // namespace berth::signal
