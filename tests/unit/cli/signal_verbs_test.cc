// SPDX-License-Identifier: Apache-2.0
// berth data for recordings of radio signals, against a scripted daemon.
#include <filesystem>

#include "cli/program.h"
#include "cli/samples.h"
#include "cli/signal_text.h"
#include "cli/stub_daemon.h"

namespace berth::cli {
namespace {

using namespace test;

std::string completed(const std::string& type, const std::string& result) {
  return R"({"task_id": "task-1", "task_type": ")" + type +
         R"(", "status": "completed", "result": )" + result + "}";
}

TEST(Signals, what_is_said_is_sent_and_nothing_else) {
  StubDaemon daemon;
  daemon.events = {completed("spectrogram", "{}")};
  const Ran ran = berth({"data", "spectrogram", "--input", "in", "--sample-rate", "1e6", "--low-db",
                         "-80", "--periodic", "--no-side-file", "--stft-point", "64"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  const auto body = json_object(daemon.body_of("/api/v2/preprocessing/spectrogram"));
  const std::string here = std::filesystem::current_path().string();
  EXPECT_EQ(base::json::value(body), (base::json::value{{"source_path", here + "/in"},
                                                        {"sample_rate", 1e6},
                                                        {"low_db", -80.0},
                                                        {"periodic", true},
                                                        {"use_side_file", false},
                                                        {"stft_point", 64},
                                                        {"priority", 5}}));
}

TEST(Signals, pictures_are_counted_and_what_was_left_out_is_named) {
  StubDaemon daemon;
  daemon.events = {completed(
      "iq_dataset", R"({"pictures": 12, "files": 3, "seconds": 0.5, "per_class": {"a": 4, "b": 8},
          "unreadable": {"count": 2, "files": [{"file": "/i/x.iq", "message": "it is empty"}]}, "save_path": "/o"})")};
  const Ran ran = berth({"iq-dataset", "--input", "/i", "--output", "/o"});
  EXPECT_EQ(ran.out,
            "images    12 of 3 recordings, in 0.50 s\n"
            "classes   a 4, b 8\n"
            "left out  2, the first /i/x.iq: it is empty\n"
            "result    /o\n");
  daemon.events = {
      completed("waterfall",
                R"({"frames": 30, "seconds": 2, "samples_not_finite": 7, "save_path": "/a.avi"})")};
  EXPECT_EQ(berth({"data", "waterfall", "--input", "/i", "--output", "/a.avi"}).out,
            "images  30, in 2.00 s\n"
            "note    samples that are NaN or infinite count as 0 (met 7 times)\n"
            "result  /a.avi\n");
}

TEST(Signals, ratios_are_a_table) {
  StubDaemon daemon;
  daemon.events = {completed("snr", R"({"files": [
      {"file": "/i/a.iq", "signal_found": true, "snr_db": 20.04, "full_band_snr_db": 13, "bandwidth_hz": 2e7,
       "centre_offset_hz": -1.5e6, "reference_snr_db": 20},
      {"file": "/i/long name.iq", "signal_found": false}], "unreadable": {"count": 0, "files": []}})")};
  EXPECT_EQ(berth({"snr", "--input", "/i"}).out,
            "RECORDING           SNR  WHOLE BAND  BANDWIDTH     OFFSET   STATED\n"
            "a.iq            20.0 dB     13.0 dB  20.00 MHz  -1.50 MHz  20.0 dB\n"
            "long name.iq  no signal\n");
}

TEST(Signals, copies_are_told_with_their_ratios) {
  StubDaemon daemon;
  daemon.events = {
      completed("awgn", R"({"measured": {"file": "/i/a.iq", "signal_found": true, "snr_db": 7},
      "files": [{"snr_db": -20}, {"snr_db": 6.5}], "snr_db_left_out": [8, 10], "save_path": "/o"})")};
  EXPECT_EQ(berth({"data", "awgn", "--input", "/i/a.iq", "--snr-step", "0.5"}).out,
            "RECORDING     SNR\n"
            "a.iq       7.0 dB\n"
            "\n"
            "copies    2, -20 to 6.5 dB\n"
            "left out  2 ratios above its own\n"
            "result    /o\n");
}

TEST(Signals, frequencies_have_the_unit_that_suits_them) {
  EXPECT_EQ(frequency_text(2.44e9), "2.44 GHz");
  EXPECT_EQ(frequency_text(-1.5e6), "-1.50 MHz");
  EXPECT_EQ(frequency_text(999), "999.00 Hz");
  EXPECT_EQ(frequency_text(0), "0.00 Hz");
}

}  // namespace
}  // namespace berth::cli
