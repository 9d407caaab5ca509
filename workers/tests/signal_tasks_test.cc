// SPDX-License-Identifier: Apache-2.0
// berth-worker-signal as the daemon runs it: specification in, exit status, events and files out.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <cmath>
#include <cstring>
#include <thread>

#include "image/decode.h"
#include "signal/noise.h"
#include "temporary_folder.h"

namespace berth::signal {
namespace {

namespace fs = std::filesystem;
using boost::json::object;
using tests::TemporaryFolder;
using Complex = std::complex<float>;

/// Sweeps from 0.15 to 0.25 of the sample rate, on for the second half, in noise.
std::string recording(size_t samples, double power = 1, double noise = 0.01) {
  std::vector<Complex> values(samples);
  double phase = 0;
  for (size_t i = samples / 2; i < samples; ++i) {
    const double place = static_cast<double>(i % 1000) / 1000;
    values[i] = Complex(std::polar(std::sqrt(power), phase));
    phase += 2 * M_PI * (0.15 + 0.1 * place);
  }
  add_noise(0, samples, noise, 1, values.data());
  return std::string(reinterpret_cast<const char*>(values.data()), samples * sizeof(Complex));
}

class SignalWorker : public ::testing::Test {
 protected:
  pid_t start(const std::string& arguments, const std::string& prefix = "") {
    fs::remove(path("events"));
    const std::string command = prefix + "exec " BERTH_SIGNAL_WORKER " " + arguments + " > " +
                                path("stdout") + " 2> " + path("stderr");
    const pid_t child = ::fork();
    if (child == 0) {
      ::setenv("BERTH_EVENTS", path("events").c_str(), 1);
      ::setenv("BERTH_THREADS", "2", 1);
      ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
      ::_exit(127);
    }
    return child;
  }

  static int wait(pid_t child) {
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  std::string write_spec(const object& spec) {
    return folder_.write("spec.json", boost::json::serialize(spec));
  }
  int run(const std::string& task, const object& spec, const std::string& prefix = "") {
    return wait(start(task + " --spec " + write_spec(spec), prefix));
  }

  std::vector<object> events(const std::string& kind) const {
    std::vector<object> all;
    std::istringstream lines(TemporaryFolder::read(path("events")));
    for (std::string line; std::getline(lines, line);) {
      object event = boost::json::parse(line).as_object();
      if (event.at("event").as_string() == kind) all.push_back(std::move(event));
    }
    return all;
  }

  object result() const {
    const auto all = events("result");
    EXPECT_EQ(all.size(), 1u) << TemporaryFolder::read(path("stderr"));
    return all.empty() ? object{} : all[0].at("data").as_object();
  }
  std::string failure() const {
    const auto all = events("failure");
    return all.size() == 1 ? std::string(all[0].at("code").as_string()) : "";
  }

  std::string path(const std::string& name) const { return folder_.path() + "/" + name; }

  /// Names of all files below, relative and sorted.
  std::vector<std::string> files_in(const std::string& name) const {
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(path(name))) {
      if (entry.is_regular_file()) names.push_back(fs::relative(entry.path(), path(name)).string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  object small_pictures(const std::string& source, const std::string& out) const {
    return {{"source_path", path(source)},
            {"save_path", path(out)},
            {"sample_rate", 10000},
            {"stft_point", 64},
            {"width", 48},
            {"height", 32}};
  }

  TemporaryFolder folder_;
};

TEST_F(SignalWorker, DrawsEverySliceOfARecording) {
  folder_.write("rec.iq", recording(3500));
  ASSERT_EQ(run("spectrogram", small_pictures("rec.iq", "out")), 0)
      << TemporaryFolder::read(path("stderr"));
  EXPECT_EQ(files_in("out"),
            (std::vector<std::string>{"rec (0).jpg", "rec (1).jpg", "rec (2).jpg"}));
  const auto picture = image::decode_file(path("out/rec (2).jpg"), 0);
  ASSERT_TRUE(picture);
  EXPECT_EQ(picture->width, 48);
  EXPECT_EQ(picture->height, 32);
  const object facts = result();
  EXPECT_EQ(facts.at("pictures").to_number<int>(), 3);
  EXPECT_EQ(events("progress").back().at("value").to_number<double>(), 1);
  EXPECT_EQ(TemporaryFolder::read(path("stderr")), "");
}

TEST_F(SignalWorker, DrawsPngsWithHalfOverlappingSlicesWhenAsked) {
  folder_.write("rec.iq", recording(3000));
  object spec = small_pictures("rec.iq", "out");
  spec["ratio"] = 1;
  spec["image_format"] = "png";
  spec["max_slices"] = 4;
  spec["colormap"] = "viridis";
  ASSERT_EQ(run("spectrogram", spec), 0);
  EXPECT_EQ(files_in("out").size(), 4u);
  EXPECT_TRUE(image::decode_file(path("out/rec (3).png"), 0));
}

TEST_F(SignalWorker, MakesADataSetAndNamesWhatItLeavesOut) {
  folder_.write("raw/MINI4/pack1.iq", recording(2500));
  folder_.write("raw/MINI4/pack1.dat", std::string(4 * 1000, 'x'));
  folder_.write("raw/MINI4/notes.txt", "not a recording");
  folder_.write("raw/AVATA/pack2.iq", recording(1000));
  folder_.write("raw/AVATA/empty.iq", "");
  folder_.write("raw/AVATA/short.iq", recording(500));
  folder_.write("out/AVATA/pack2/AVATA (1).jpg", "of an earlier run with more slices");
  folder_.write("out/AVATA/pack2/mine.jpg", "not ours");
  ASSERT_EQ(run("dataset", small_pictures("raw", "out")), 0)
      << TemporaryFolder::read(path("stderr"));
  EXPECT_EQ(files_in("out"), (std::vector<std::string>{
                                 "AVATA/pack2/AVATA (0).jpg", "AVATA/pack2/mine.jpg",
                                 "MINI4/pack1.dat/MINI4 (0).jpg", "MINI4/pack1.iq/MINI4 (0).jpg",
                                 "MINI4/pack1.iq/MINI4 (1).jpg", "dataset.json"}));
  const object facts = result();
  EXPECT_EQ(facts.at("pictures").to_number<int>(), 4);
  EXPECT_EQ(facts.at("files").to_number<int>(), 3);
  EXPECT_EQ(facts.at("per_class").at("MINI4").to_number<int>(), 3);
  EXPECT_EQ(facts.at("unreadable").at("count").to_number<int>(), 2);
  EXPECT_EQ(facts.at("unreadable").at("files").at(0).at("file").as_string(),
            path("raw/AVATA/empty.iq").c_str());
  EXPECT_EQ(boost::json::parse(TemporaryFolder::read(path("out/dataset.json")))
                .at("pictures")
                .to_number<int>(),
            4);
}

TEST_F(SignalWorker, FailsWhenNothingCanBeDrawn) {
  folder_.write("raw/A/short.iq", recording(500));
  EXPECT_EQ(run("dataset", small_pictures("raw", "out")), 1);
  EXPECT_EQ(failure(), "bad_request");
  EXPECT_EQ(run("dataset", small_pictures("absent", "out")), 1);
  EXPECT_EQ(failure(), "io_error");
  fs::create_directories(path("bare"));
  EXPECT_EQ(run("spectrogram", small_pictures("bare", "out")), 1);
  EXPECT_EQ(failure(), "bad_request");
}

TEST_F(SignalWorker, RefusesWrongFields) {
  folder_.write("rec.iq", recording(2000));
  const std::pair<const char*, boost::json::value> wrong[] = {
      {"stft_point", 0},       {"stft_point", 65537},   {"overlap", 64},   {"window", "kaiser"},
      {"colormap", "ocean"},   {"width", 9000},         {"quality", 101},  {"format", "cf16"},
      {"decibels", "volts"},   {"ratio", -1},           {"ratio", 17},     {"duration_time", 1e-9},
      {"sample_rate", "fast"}, {"image_format", "gif"}, {"source_path", 7}};
  for (const auto& [name, value] : wrong) {
    object spec = small_pictures("rec.iq", "out");
    spec[name] = value;
    EXPECT_EQ(run("spectrogram", spec), 1) << name;
    EXPECT_EQ(failure(), "bad_request") << name;
  }
  EXPECT_FALSE(fs::exists(path("out/rec (0).jpg")));
}

TEST_F(SignalWorker, StopsAtOnceWhenToldAndLeavesWholeFilesOnly) {
  folder_.write("raw/A/long.iq", recording(400'000));
  object spec = small_pictures("raw", "out");
  spec["duration_time"] = 0.01;  // 4000 pictures
  spec["width"] = spec["height"] = 256;
  const pid_t child = start("dataset --spec " + write_spec(spec));
  const std::string tenth = path("out/A/long/A (9).jpg");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!fs::exists(tenth) && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ::kill(child, SIGTERM);
  EXPECT_EQ(wait(child), 143);
  const auto files = files_in("out");
  EXPECT_GE(files.size(), 9u) << "two threads: the tenth may come before the ninth";
  EXPECT_LT(files.size(), 4000u);
  for (const std::string& file : files) {
    ASSERT_TRUE(image::decode_file(path("out/" + file), 0)) << file;
  }
}

TEST_F(SignalWorker, MakesWaterfallsAsFilmAndAsPictures) {
  folder_.write("rec.iq", recording(20'000));
  object spec{{"source_path", path("rec.iq")},
              {"save_path", path("film/w.avi")},
              {"sample_rate", 10000},
              {"duration_time", 0.5},
              {"fft_size", 32},
              {"advance", 20},
              {"width", 64},
              {"height", 48}};
  ASSERT_EQ(run("waterfall", spec), 0) << TemporaryFolder::read(path("stderr"));
  // 625 rows, 156 of them in a frame.
  EXPECT_EQ(result().at("frames").to_number<int>(), (625 - 156) / 20 + 1);
  EXPECT_EQ(TemporaryFolder::read(path("film/w.avi")).substr(0, 4), "RIFF");
  spec["save_path"] = path("frames");
  spec["max_frames"] = 3;
  ASSERT_EQ(run("waterfall", spec), 0);
  EXPECT_EQ(files_in("frames"),
            (std::vector<std::string>{"0_waterfall_spectrogram.jpg", "1_waterfall_spectrogram.jpg",
                                      "2_waterfall_spectrogram.jpg"}));
  EXPECT_TRUE(image::decode_file(path("frames/2_waterfall_spectrogram.jpg"), 0));
  spec["save_path"] = path("w.mp4");
  EXPECT_EQ(run("waterfall", spec, "PATH=/nowhere; export PATH; "), 1);
  EXPECT_EQ(failure(), "bad_request");
  spec["duration_time"] = 3;
  spec["save_path"] = path("long.avi");
  EXPECT_EQ(run("waterfall", spec), 1);
  EXPECT_EQ(failure(), "bad_request");
  EXPECT_FALSE(fs::exists(path("long.avi")));
}

TEST_F(SignalWorker, MeasuresAndAddsNoise) {
  folder_.write("raw/rec.iq", recording(1 << 20, 1, 0.01));
  folder_.write("raw/short.iq", recording(100));
  object spec{{"source_path", path("raw")}, {"sample_rate", 1e6}};
  ASSERT_EQ(run("snr", spec), 0) << TemporaryFolder::read(path("stderr"));
  const object judged = result();
  EXPECT_EQ(judged.at("unreadable").at("count").to_number<int>(), 1);
  const object rec = judged.at("files").at(0).as_object();
  EXPECT_TRUE(rec.at("signal_found").as_bool());
  // Power 1 for half of the time, noise of power 0.01.
  EXPECT_NEAR(rec.at("full_band_snr_db").to_number<double>(), 10 * std::log10(0.5 / 0.01), 0.5);
  EXPECT_NEAR(rec.at("centre_offset_hz").to_number<double>(), 0.2e6, 2000);
  EXPECT_NEAR(rec.at("bandwidth_hz").to_number<double>(), 0.1e6, 0.01e6);

  spec["source_path"] = path("raw/rec.iq");
  spec["save_path"] = path("noisy");
  spec["snr_min"] = 0;
  spec["snr_max"] = 10;
  spec["snr_step"] = 5;
  spec["seed"] = 4;
  ASSERT_EQ(run("awgn", spec), 0) << TemporaryFolder::read(path("stderr"));
  EXPECT_EQ(files_in("noisy"),
            (std::vector<std::string>{"rec_0dB.iq", "rec_0dB.sigmf-meta", "rec_10dB.iq",
                                      "rec_10dB.sigmf-meta", "rec_5dB.iq", "rec_5dB.sigmf-meta"}));
  for (const double wanted : {0.0, 5.0, 10.0}) {
    const auto file =
        IqFile::open(path("noisy/rec_" + std::to_string(static_cast<int>(wanted)) + "dB.iq"));
    ASSERT_TRUE(file);
    EXPECT_EQ(file->sample_rate_hz(), 1e6) << "from the description beside it";
    const auto again = estimate_snr(part_of(*file, 0, file->samples()), 2);
    EXPECT_NEAR(again->snr_db, wanted, 1);
  }
  spec["snr_min"] = 190;
  spec["snr_max"] = 200;
  EXPECT_EQ(run("awgn", spec), 1);
  EXPECT_EQ(failure(), "bad_request") << "noise does not make a recording cleaner";
}

TEST_F(SignalWorker, ExplainsItsUsage) {
  EXPECT_EQ(wait(start("")), 2);
  EXPECT_EQ(wait(start("paint --spec x")), 2);
  EXPECT_EQ(wait(start("snr")), 2);
  EXPECT_EQ(wait(start("--help")), 0);
  EXPECT_EQ(wait(start("snr --spec " + path("absent.json"))), 1);
  EXPECT_EQ(failure(), "io_error");
}

}  // namespace
}  // namespace berth::signal
