// SPDX-License-Identifier: Apache-2.0
#include <boost/json/array.hpp>
#include <cmath>
#include <filesystem>

#include "protocol/json_text.h"
#include "protocol/output_file.h"
#include "signal/noise.h"
#include "signal/task_report.h"
#include "signal/task_spec.h"

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

}  // namespace

Status measure_noise(Spec* spec, int threads, EventWriter* events) {
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
    warn_of_not_finite(file->not_finite(), events);
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

namespace {

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

}  // namespace

Status add_noise_copies(Spec* spec, int threads, EventWriter* events) {
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
  warn_of_not_finite(file->not_finite(), events);
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

}  // namespace berth::signal
