// SPDX-License-Identifier: Apache-2.0
#include "protocol/event_writer.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <cmath>
#include <limits>
#include <regex>
#include <thread>

#include "temporary_folder.h"

namespace berth::protocol {
namespace {

using std::chrono::milliseconds;
using tests::TemporaryFolder;

/// A writer of events to a file, with a clock that tests set.
struct Scene {
  TemporaryFolder folder;
  std::string path = folder.path() + "/events";
  std::chrono::steady_clock::time_point now;
  EventWriter writer{path, /*text=*/false, [this] { return now; }};

  std::vector<boost::json::object> events() const {
    std::vector<boost::json::object> all;
    std::istringstream lines(TemporaryFolder::read(path));
    for (std::string line; std::getline(lines, line);) {
      all.push_back(boost::json::parse(line).as_object());
    }
    return all;
  }
};

TEST(EventWriter, WritesOneJsonObjectPerLine) {
  Scene scene;
  scene.writer.log(Level::kWarning, "line\nbreak", "training", {{"epoch", 2}});
  scene.writer.metrics({{"val_acc", 50.0}}, "validation");
  scene.writer.checkpoint("/x/best.safetensors");
  scene.writer.result({{"ok", true}});
  scene.writer.failure({ErrorCode::kNoSpace, "disk full", "/x/y"});
  const auto events = scene.events();
  ASSERT_EQ(events.size(), 5u);
  EXPECT_EQ(events[0].at("event"), "log");
  EXPECT_EQ(events[0].at("level"), "WARNING");
  EXPECT_EQ(events[0].at("message"), "line\nbreak");
  EXPECT_EQ(events[0].at("stage"), "training");
  EXPECT_EQ(events[0].at("metrics").at("epoch"), 2);
  EXPECT_EQ(events[1].at("data").at("val_acc"), 50.0);
  EXPECT_EQ(events[1].at("stage"), "validation");
  EXPECT_EQ(events[2].at("path"), "/x/best.safetensors");
  EXPECT_EQ(events[3].at("data").at("ok"), true);
  EXPECT_EQ(events[4].at("code"), "no_space");
  EXPECT_EQ(events[4].at("file"), "/x/y");
}

TEST(EventWriter, TimesAreThoseOfTheDaemon) {
  Scene scene;
  scene.writer.info("x");
  const std::string time(scene.events()[0].at("time").as_string());
  EXPECT_TRUE(std::regex_match(time, std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)")))
      << time;
}

TEST(EventWriter, ProgressIsThrottledButNeverLosesTheEnd) {
  Scene scene;
  for (int i = 0; i <= 100; ++i) {
    scene.writer.progress(i / 100.0);
    scene.now += milliseconds(10);
  }
  const auto events = scene.events();
  EXPECT_LE(events.size(), 8u);
  EXPECT_GE(events.size(), 5u);
  EXPECT_EQ(events.back().at("value"), 1.0);
}

TEST(EventWriter, ProgressNeverGoesBack) {
  Scene scene;
  scene.writer.progress(0.5);
  scene.now += milliseconds(500);
  scene.writer.progress(0.4);
  scene.now += milliseconds(500);
  scene.writer.progress(0.6);
  const auto events = scene.events();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[1].at("value"), 0.6);
}

TEST(EventWriter, ANewEpochIsToldAtOnce) {
  Scene scene;
  scene.writer.progress(0.1, EpochCount{1, 2});
  scene.writer.progress(0.5, EpochCount{2, 2});
  const auto events = scene.events();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[1].at("current_epoch"), 2);
  EXPECT_EQ(events[1].at("total_epochs"), 2);
}

TEST(EventWriter, NumbersThatJsonDoesNotKnowBecomeNull) {
  Scene scene;
  scene.writer.metrics({{"val_loss", std::nan("")}, {"x", std::numeric_limits<double>::infinity()}},
                       "validation");
  EXPECT_TRUE(scene.events()[0].at("data").at("val_loss").is_null());
  EXPECT_TRUE(scene.events()[0].at("data").at("x").is_null());
}

TEST(EventWriter, BytesThatAreNotUtf8AreReplaced) {
  EXPECT_EQ(valid_utf8("a\xFFz"), "a\xEF\xBF\xBDz");
  EXPECT_EQ(valid_utf8("训练完成"), "训练完成");
  EXPECT_EQ(valid_utf8("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD") << "a surrogate";
  Scene scene;
  scene.writer.checkpoint("/x/\xC3");
  EXPECT_EQ(scene.events()[0].at("path"), "/x/\xEF\xBF\xBD");
}

TEST(EventWriter, LinesOfManyThreadsDoNotMix) {
  Scene scene;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&scene] {
      for (int i = 0; i < 50; ++i) scene.writer.info(std::string(500, 'x'));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(scene.events().size(), 200u);
}

TEST(EventWriter, IsSilentWithoutAFile) {
  EventWriter writer("", /*text=*/false);
  writer.info("nobody hears this");
  writer.progress(1);
}

}  // namespace
}  // namespace berth::protocol
