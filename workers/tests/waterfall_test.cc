// SPDX-License-Identifier: Apache-2.0
#include "signal/waterfall.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cmath>
#include <cstdlib>
#include <cstring>

#include "image/decode.h"
#include "image/encode.h"
#include "signal/video.h"
#include "temporary_folder.h"

namespace berth::signal {
namespace {

using Complex = std::complex<float>;
using protocol::ErrorCode;
using protocol::Status;
using tests::TemporaryFolder;

std::vector<Complex> noise(size_t count) {
  std::vector<Complex> samples(count);
  uint32_t state = 99;
  const auto next = [&] {
    state = state * 1664525u + 1013904223u;
    return static_cast<float>(state >> 8) / 8388608.0f - 1;
  };
  for (Complex& sample : samples) {
    const float re = next(), im = next();
    sample = Complex(re, im);
  }
  return samples;
}

Signal signal_of(const std::vector<Complex>& samples) {
  return {[&samples](int64_t first, size_t count, Complex* out) -> Status {
            std::copy_n(samples.begin() + first, count, out);
            return {};
          },
          samples.size()};
}

WaterfallOptions small() {
  WaterfallOptions options;
  options.length = 32;
  options.rows_per_frame = 60;
  options.advance = 6;
  options.width = 20;  // a line is three rows
  options.height = 32;
  options.quality = 100;
  options.colormap = ColormapKind::kGray;
  return options;
}

std::vector<std::string> frames_of(const std::vector<Complex>& samples,
                                   const WaterfallOptions& options, int threads) {
  std::vector<std::string> frames;
  const auto made = make_waterfall(signal_of(samples), options, UINT64_MAX, threads,
                                   [&](uint64_t frame, const std::string& jpeg) -> Status {
                                     EXPECT_EQ(frame, frames.size());
                                     frames.push_back(jpeg);
                                     return {};
                                   });
  EXPECT_TRUE(made) << (made ? "" : made.error().message);
  return frames;
}

/// A frame from the whole transform, without a ring: mean logarithms of three rows each.
std::vector<double> frame_by_definition(const std::vector<Complex>& samples, size_t frame) {
  const auto window = make_window(WindowKind::kHann, 32, false);
  std::vector<double> levels(20 * 32);
  double low = 1e9, high = -1e9;
  for (size_t row = 0; row < 60; ++row) {
    for (int bin = 0; bin < 32; ++bin) {
      std::complex<double> sum = 0;
      for (size_t i = 0; i < 32; ++i) {
        const Complex sample = samples[(frame * 6 + row) * 32 + i];
        sum += std::complex<double>(sample) * window[i] *
               std::polar(1.0, -2 * M_PI * (bin - 16) * static_cast<double>(i) / 32);
      }
      const double level = std::log10(std::abs(sum));
      low = std::min(low, level);
      high = std::max(high, level);
      levels[row / 3 * 32 + static_cast<size_t>(bin)] += level / 3;
    }
  }
  for (double& level : levels) level = std::floor(256 * (level - low) / (high - low));
  return levels;
}

TEST(Waterfall, EveryFrameIsWhatItsRowsSay) {
  const auto samples = noise(32 * 150);
  const auto frames = frames_of(samples, small(), 2);
  ASSERT_EQ(frames.size(), 16u);
  for (const size_t frame : {0, 1, 7, 15}) {
    const auto bitmap = image::decode(reinterpret_cast<const uint8_t*>(frames[frame].data()),
                                      frames[frame].size(), 0);
    ASSERT_TRUE(bitmap);
    const auto wanted = frame_by_definition(samples, frame);
    double worst = 0;
    for (size_t x = 0; x < 20; ++x) {
      for (size_t y = 0; y < 32; ++y) {
        const double got = bitmap->pixels[(y * 20 + x) * 3];
        worst = std::max(worst, std::abs(got - wanted[x * 32 + 31 - y]));
      }
    }
    EXPECT_LE(worst, 4) << "frame " << frame << ": a JPEG of quality 100 is about that exact";
  }
}

TEST(Waterfall, IsTheSameForAnyNumberOfThreads) {
  const auto samples = noise(32 * 200);
  EXPECT_EQ(frames_of(samples, small(), 1), frames_of(samples, small(), 3));
}

TEST(Waterfall, CountsFrames) {
  const WaterfallOptions options;
  EXPECT_EQ(waterfall_frames(options, 256ull * 39'061), 0u);
  EXPECT_EQ(waterfall_frames(options, 256ull * 39'062), 1u);
  EXPECT_EQ(waterfall_frames(options, 100'000'000), 2344u) << "a second at 100 MS/s";
}

TEST(Waterfall, EndsWithTheSinksError) {
  const auto samples = noise(32 * 150);
  int calls = 0;
  const auto made = make_waterfall(signal_of(samples), small(), 100, 1,
                                   [&](uint64_t, const std::string&) -> Status {
                                     ++calls;
                                     return protocol::failed(ErrorCode::kNoSpace, "full");
                                   });
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::kNoSpace);
  EXPECT_EQ(calls, 1);
}

TEST(Waterfall, RefusesWhatItCannotHold) {
  const auto samples = noise(32 * 59);
  const FrameSink sink = [](uint64_t, const std::string&) -> Status { return {}; };
  EXPECT_FALSE(make_waterfall(signal_of(samples), small(), 1, 1, sink)) << "shorter than a frame";
  const Signal endless{nullptr, UINT64_MAX / 2};
  WaterfallOptions options = small();
  options.advance = 61;
  EXPECT_FALSE(make_waterfall(endless, options, 1, 1, sink)) << "gaps between frames";
  options.rows_per_frame = 1'000'000'007;
  options.advance = 1'000'000'007;
  EXPECT_FALSE(make_waterfall(endless, options, 1, 1, sink)) << "too much memory";
  options = small();
  options.height = 0;
  EXPECT_FALSE(make_waterfall(endless, options, 1, 1, sink));
}

uint32_t number_at(const std::string& text, size_t at) {
  uint32_t value = 0;
  std::memcpy(&value, text.data() + at, sizeof value);
  return value;
}

std::string jpeg_of(uint8_t gray, int width) {
  image::Bitmap bitmap{width, 8, std::vector<uint8_t>(static_cast<size_t>(width) * 8 * 3, gray)};
  return *image::encode_jpeg(bitmap, 90);
}

TEST(AviVideo, HoldsWhatARiffReaderNeeds) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/a.avi";
  const std::vector<std::string> jpegs = {jpeg_of(10, 8), jpeg_of(200, 8) + "x", jpeg_of(90, 8)};
  {
    auto video = open_video(path, {8, 8, 25});
    ASSERT_TRUE(video);
    for (const std::string& jpeg : jpegs) ASSERT_TRUE((*video)->add(jpeg));
    EXPECT_FALSE(std::filesystem::exists(path)) << "not there before it is whole";
    ASSERT_TRUE((*video)->finish());
  }
  const std::string file = TemporaryFolder::read(path);
  EXPECT_EQ(file.substr(0, 4), "RIFF");
  EXPECT_EQ(number_at(file, 4), file.size() - 8);
  EXPECT_EQ(file.substr(8, 8), "AVI LIST");
  const size_t avih = file.find("avih");
  EXPECT_EQ(number_at(file, avih + 8), 40000u) << "microseconds per frame";
  EXPECT_EQ(number_at(file, avih + 8 + 16), 3u) << "frames";
  const size_t movi = file.find("movi"), index = file.find("idx1");
  EXPECT_EQ(number_at(file, movi - 4), index - movi);
  EXPECT_EQ(number_at(file, index + 4), 3 * 16u);
  for (size_t i = 0; i < 3; ++i) {
    const size_t entry = index + 8 + i * 16;
    const size_t place = movi + number_at(file, entry + 8);
    const size_t size = number_at(file, entry + 12);
    EXPECT_EQ(file.substr(place, 4), "00dc");
    EXPECT_EQ(number_at(file, place + 4), size);
    EXPECT_EQ(place % 2, 0u);
    EXPECT_EQ(file.substr(place + 8, size), jpegs[i]);
  }
}

TEST(AviVideo, StopsBeforeTheLimitAndLeavesNothing) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/a.avi";
  {
    auto video = open_avi(path, {8, 8, 25}, 5000);
    ASSERT_TRUE(video);
    Status added;
    int count = 0;
    while (added && count < 100) {
      added = (*video)->add(std::string(1000, 'j'));
      ++count;
    }
    EXPECT_EQ(count, 5);
    ASSERT_FALSE(added);
    EXPECT_EQ(added.error().code, ErrorCode::kBadRequest);
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(OpenVideo, RefusesOtherEndingsAndRates) {
  const TemporaryFolder folder;
  EXPECT_EQ(open_video(folder.path() + "/a.mkv", {8, 8, 25}).error().code, ErrorCode::kBadRequest);
  EXPECT_EQ(open_video(folder.path() + "/a.avi", {8, 8, 0}).error().code, ErrorCode::kBadRequest);
  EXPECT_EQ(open_video(folder.path() + "/no/a.avi", {8, 8, 25}).error().code, ErrorCode::kIoError);
}

/// A program of that name before all others in PATH.
class FakeFfmpeg : public ::testing::Test {
 protected:
  void SetUp() override { path_ = std::getenv("PATH"); }
  void TearDown() override { ::setenv("PATH", path_.c_str(), 1); }

  void install(const std::string& script) {
    const std::string program = folder_.write("bin/ffmpeg", "#!/bin/sh\n" + script);
    ASSERT_EQ(::chmod(program.c_str(), 0755), 0);
    ::setenv("PATH", (folder_.path() + "/bin:" + path_).c_str(), 1);
  }

  TemporaryFolder folder_;
  std::string path_;
};

TEST_F(FakeFfmpeg, GetsThePicturesAndTheFileAppearsAtTheEnd) {
  install("for last; do :; done\ncat >\"${last#file:}\"\n");
  const std::string path = folder_.path() + "/a.mp4";
  auto video = open_video(path, {8, 8, 25});
  ASSERT_TRUE(video) << video.error().message;
  ASSERT_TRUE((*video)->add("one "));
  ASSERT_TRUE((*video)->add("two"));
  EXPECT_FALSE(std::filesystem::exists(path));
  ASSERT_TRUE((*video)->finish());
  EXPECT_EQ(TemporaryFolder::read(path), "one two");
}

TEST_F(FakeFfmpeg, ThatFailsIsQuotedAndLeavesNothing) {
  install("for last; do :; done\ncat >\"${last#file:}\"\necho no such encoder >&2\nexit 3\n");
  {
    auto video = open_video(folder_.path() + "/a.mp4", {8, 8, 25});
    ASSERT_TRUE(video);
    ASSERT_TRUE((*video)->add("one"));
    const auto finished = (*video)->finish();
    ASSERT_FALSE(finished);
    EXPECT_NE(finished.error().message.find("status 3: no such encoder"), std::string::npos)
        << finished.error().message;
  }
  std::filesystem::remove_all(folder_.path() + "/bin");
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

TEST_F(FakeFfmpeg, ThatIsMissingIsNamed) {
  ::setenv("PATH", folder_.path().c_str(), 1);
  const auto video = open_video(folder_.path() + "/a.mp4", {8, 8, 25});
  ASSERT_FALSE(video);
  EXPECT_EQ(video.error().code, ErrorCode::kBadRequest);
  EXPECT_NE(video.error().message.find("ffmpeg"), std::string::npos);
}

}  // namespace
}  // namespace berth::signal
