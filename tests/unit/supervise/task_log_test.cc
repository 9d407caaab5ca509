// SPDX-License-Identifier: Apache-2.0
#include "supervise/task_log.h"

#include <sys/mount.h>

#include <atomic>
#include <future>
#include <mutex>
#include <regex>

#include "supervise/log_reader.h"
#include "supervise/testing.h"

namespace berth::supervise {
namespace {

namespace json = base::json;
using namespace testing;
using Kind = TaskEvent::Kind;

const model::TaskId kTask("task-1");

// A task directory with one attempt, and a log thread whose notices are collected.
class TaskLogTest : public ::testing::Test {
 protected:
  TaskLogTest() { std::filesystem::create_directory(attempt_); }

  std::unique_ptr<LogThread> thread() {
    return std::make_unique<LogThread>([this](std::vector<LogNotice> notices) {
      const std::lock_guard lock(mutex_);
      for (auto& notice : notices) notices_.push_back(std::move(notice));
    });
  }
  static void drain(LogThread& logs, int attempt = 1) {
    std::promise<void> done;
    logs.finish(kTask, attempt, [&] { done.set_value(); });
    ASSERT_EQ(done.get_future().wait_for(kDeadline), std::future_status::ready);
  }
  void watch_and_drain(LogOptions options = {}) {
    const auto logs = thread();
    logs->watch(kTask, dir_.path(), 1, attempt_, options);
    drain(*logs);
  }
  void event(std::string_view line) const {
    append_to(attempt_ + "/events", std::string(line) + "\n");
  }

  [[nodiscard]] std::vector<json::object> records() const {
    std::vector<json::object> result;
    const auto chunk = read_log(log_path(dir_.path()), 0, 1U << 28);
    EXPECT_TRUE(chunk);
    for (const auto& entry : chunk->entries) {
      auto value = base::parse_json(entry.json);
      EXPECT_TRUE(value) << entry.json;
      result.push_back(value->as_object());
    }
    return result;
  }
  [[nodiscard]] std::vector<std::string> messages() const {
    std::vector<std::string> result;
    for (const auto& record : records()) result.push_back(base::string_or(record, "message"));
    return result;
  }
  std::vector<TaskEvent> events(bool replayed) {
    const std::lock_guard lock(mutex_);
    std::vector<TaskEvent> result;
    for (const auto& notice : notices_) {
      if (notice.replayed == replayed)
        result.insert(result.end(), notice.events.begin(), notice.events.end());
    }
    return result;
  }
  std::uint64_t reported_end() {
    const std::lock_guard lock(mutex_);
    return notices_.empty() ? 0 : notices_.back().end_offset;
  }

  TempDir dir_;
  const std::string attempt_ = dir_ / "1";
  std::mutex mutex_;
  std::vector<LogNotice> notices_;
};

TEST_F(TaskLogTest, EventsBecomeRecordsAndNotices) {
  event(R"({"event":"log","message":"one"})");
  event(R"({"event":"progress","value":0.5})");
  event(R"({"event":"metrics","data":{"loss":1}})");
  event(R"({"event":"result","data":{"ok":true}})");
  watch_and_drain();
  EXPECT_EQ(messages(), (std::vector<std::string>{"one", "loss=1"}));
  const auto seen = events(false);
  ASSERT_EQ(seen.size(), 3U);
  EXPECT_EQ(seen[0].kind, Kind::kProgress);
  EXPECT_EQ(seen[1].kind, Kind::kMetrics);
  EXPECT_EQ(seen[2].kind, Kind::kResult);
  EXPECT_EQ(reported_end(), content(log_path(dir_.path())).size());
}

TEST_F(TaskLogTest, WhatATaskAppendsIsSeenWhileItRuns) {
  const auto logs = thread();
  logs->watch(kTask, dir_.path(), 1, attempt_, {});
  for (int i = 1; i <= 20; ++i) {
    event(R"({"event":"log","message":"line"})");
    ASSERT_TRUE(wait_until([&] { return messages().size() == static_cast<std::size_t>(i); }));
  }
}

TEST_F(TaskLogTest, AnAttemptDirectoryThatComesLaterIsFollowed) {
  const std::string later = dir_ / "2";
  const auto logs = thread();
  logs->watch(kTask, dir_.path(), 2, later, {});
  std::filesystem::create_directory(later);
  append_to(later + "/events", "{\"event\":\"log\",\"message\":\"x\"}\n");
  EXPECT_TRUE(wait_until([&] { return messages().size() == 1; }));
}

TEST_F(TaskLogTest, ALineIsOnlyReadWhenItIsWhole) {
  const auto logs = thread();
  logs->watch(kTask, dir_.path(), 1, attempt_, {});
  append_to(attempt_ + "/events", R"({"event":"log",)");
  event(R"("message":"whole"})");
  EXPECT_TRUE(wait_until([&] { return messages() == std::vector<std::string>{"whole"}; }));
  append_to(attempt_ + "/events", R"({"event":"log","message":"without line feed"})");
  drain(*logs);
  EXPECT_EQ(messages().back(), "without line feed");
}

TEST_F(TaskLogTest, OutputLinesBecomeRecordsWhereTheTaskWantsThem) {
  const LaunchSpec spec = [&] {
    LaunchSpec wanted =
        script(dir_, "echo out; printf '1%%\\r2%%\\n\\377\\n'; echo err >&2; printf tail");
    wanted.directory = attempt_;
    return wanted;
  }();
  run(spec);
  LogOptions options;
  options.standard_output = options.standard_error = true;
  watch_and_drain(options);
  EXPECT_EQ(messages(), (std::vector<std::string>{"out", "2%", "\xEF\xBF\xBD", "err", "tail"}));
  const auto all = records();
  EXPECT_EQ(base::string_or(all[0], "level"), "INFO");
  EXPECT_EQ(base::string_or(all[0], "stream"), "stdout");
  EXPECT_EQ(base::string_or(all[3], "level"), "WARNING");
  EXPECT_EQ(base::string_or(all[3], "stream"), "stderr");
}

TEST_F(TaskLogTest, LinesThatAreNoEventsAreKeptAsWarningsButNotWithoutEnd) {
  for (int i = 0; i < 2500; ++i) event("not json");
  append_to(attempt_ + "/events", std::string(2U << 20, 'x') + "\n");
  event(R"({"event":"log","message":"goes on"})");
  watch_and_drain();
  const auto all = records();
  ASSERT_EQ(all.size(), 13U);  // ten, then every thousandth
  EXPECT_EQ(base::string_or(all[0], "level"), "WARNING");
  EXPECT_NE(base::string_or(all[0], "message").find("not json"), std::string::npos);
  EXPECT_EQ(messages().back(), "goes on");
}

TEST_F(TaskLogTest, ALongLineInTheMiddleIsNamedByItsLength) {
  append_to(attempt_ + "/events", std::string(2U << 20, 'x') + "\n");
  watch_and_drain();
  ASSERT_EQ(records().size(), 1U);
  EXPECT_NE(messages()[0].find("2097152 bytes"), std::string::npos) << messages()[0];
}

TEST_F(TaskLogTest, TheLogIsContinuedExactlyOnceFromATearAtEveryByte) {
  event(R"({"event":"log","message":"first","time":"2026-01-01T00:00:00Z"})");
  event("broken line");
  event(R"({"event":"progress","value":0.5})");
  event(R"({"event":"metrics","data":{"loss":1.5},"stage":"training"})");
  event(R"({"event":"checkpoint","path":"/x"})");
  event(R"({"event":"log","message":"\u00fcber"})");
  append_to(attempt_ + "/events", R"({"event":"log","message":"no line feed"})");
  append_to(attempt_ + "/stdout", "hello\n\n10%\r20%\nworld");
  append_to(attempt_ + "/stderr", "oh\n");
  LogOptions options;
  options.standard_output = options.standard_error = true;
  const std::string path = log_path(dir_.path());
  const auto complete = [&] {
    const auto logs = thread();
    logs->open(kTask, dir_.path());
    logs->append(kTask, {{"level", "INFO"}, {"code", "queued"}}, 5);
    logs->append(kTask, {{"level", "INFO"}, {"code", "started"}}, 9);
    logs->watch(kTask, dir_.path(), 1, attempt_, options);
    drain(*logs);
    static const std::regex kTime("\"timestamp\":\"[^\"]*\"");
    return std::regex_replace(content(path), kTime, "\"timestamp\":\"\"");
  };
  const std::string reference = complete();
  const std::string log = content(path);
  ASSERT_EQ(std::count(log.begin(), log.end(), '\n'), 13);
  for (std::size_t length = 0; length <= log.size(); ++length) {
    std::ofstream(path, std::ios::binary) << log.substr(0, length);
    ASSERT_EQ(complete(), reference) << "torn at " << length;
  }
}

TEST_F(TaskLogTest, AfterARestartWhatWasReportedComesAgainAsASummary) {
  event(R"({"event":"metrics","data":{"loss":3}})");
  event(R"({"event":"progress","value":0.1})");
  event(R"({"event":"progress","value":0.2})");
  event(R"({"event":"metrics","data":{"loss":2}})");
  event(R"({"event":"result","data":{"n":1}})");
  event(R"({"event":"log","message":"so far"})");
  watch_and_drain();
  EXPECT_TRUE(events(true).empty());
  notices_.clear();
  event(R"({"event":"progress","value":0.3})");
  watch_and_drain();
  const auto old = events(true);
  ASSERT_EQ(old.size(), 4U);
  EXPECT_EQ(json::serialize(old[0].data), R"({"loss":3})");
  EXPECT_EQ(json::serialize(old[1].data), R"({"loss":2})");
  EXPECT_DOUBLE_EQ(old[2].value, 0.2);
  EXPECT_EQ(old[3].kind, Kind::kResult);
  const auto fresh = events(false);
  ASSERT_EQ(fresh.size(), 1U);
  EXPECT_DOUBLE_EQ(fresh[0].value, 0.3);
  EXPECT_EQ(messages(), (std::vector<std::string>{"loss=3", "loss=2", "so far"}));
}

TEST_F(TaskLogTest, DaemonRecordsAreMarkedAndAKeyIsWrittenOnce) {
  const auto logs = thread();
  logs->open(kTask, dir_.path());
  logs->append(kTask, {{"level", "INFO"}, {"code", "a"}}, 7);
  logs->append(kTask, {{"level", "INFO"}, {"code", "again"}}, 7);
  logs->append(kTask, {{"level", "INFO"}, {"code", "b"}, {"timestamp", "given"}}, 8);
  logs->append(kTask, {{"level", "INFO"}, {"code", "c"}});
  drain(*logs);
  const auto all = records();
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(base::string_or(all[0], "code"), "a");
  EXPECT_FALSE(base::string_or(all[0], "timestamp").empty());
  EXPECT_EQ(base::string_or(all[1], "timestamp"), "given");
  EXPECT_EQ(base::string_or(all[2], "code"), "c");
  EXPECT_TRUE(read_log(log_path(dir_.path()), 0, 1000)->entries[0].daemon_record);
}

TEST_F(TaskLogTest, AttemptsShareOneLog) {
  event(R"({"event":"log","message":"first attempt"})");
  const std::string second = dir_ / "2";
  std::filesystem::create_directory(second);
  append_to(second + "/events", "{\"event\":\"log\",\"message\":\"second attempt\"}\n");
  for (int restart = 0; restart < 2; ++restart) {
    const auto logs = thread();
    logs->watch(kTask, dir_.path(), 1, attempt_, {});
    drain(*logs, 1);
    logs->watch(kTask, dir_.path(), 2, second, {});
    drain(*logs, 2);
    EXPECT_EQ(messages(), (std::vector<std::string>{"first attempt", "second attempt"}));
  }
}

TEST_F(TaskLogTest, AFullLogSaysSoOnceAndTakesDaemonRecordsOnly) {
  for (int i = 0; i < 200; ++i) event(R"({"event":"log","message":"0123456789"})");
  event(R"({"event":"result","data":{"n":1}})");
  LogOptions options;
  options.limit = base::Bytes{4000};
  for (int restart = 0; restart < 2; ++restart) {
    const auto logs = thread();
    logs->watch(kTask, dir_.path(), 1, attempt_, options);
    drain(*logs);
    logs->append(kTask, {{"level", "INFO"}, {"code", "end"}}, 1);
    drain(*logs);
    const auto all = records();
    EXPECT_EQ(base::string_or(all.back(), "code"), "end");
    EXPECT_EQ(base::string_or(all[all.size() - 2], "level"), "WARNING");
    EXPECT_LT(content(log_path(dir_.path())).size(), 4500U);
    EXPECT_EQ(std::count_if(all.begin(), all.end(),
                            [](const auto& r) { return base::string_or(r, "level") == "WARNING"; }),
              1);
  }
  EXPECT_EQ(events(false).front().kind, Kind::kResult);
}

TEST_F(TaskLogTest, FinishLosesNothingOfATaskThatWroteUntilTheEnd) {
  const LaunchSpec spec = [&] {
    LaunchSpec wanted = script(dir_,
                               "i=0; while [ $i -lt 2000 ]; do echo "
                               "\"{\\\"event\\\":\\\"log\\\",\\\"message\\\":\\\"$i\\\"}\" "
                               ">> $BERTH_EVENTS; i=$((i+1)); done");
    wanted.directory = attempt_;
    return wanted;
  }();
  const auto logs = thread();
  logs->watch(kTask, dir_.path(), 1, attempt_, {});
  wait_for_shim(start(spec));
  drain(*logs);
  const auto all = messages();
  ASSERT_EQ(all.size(), 2000U);
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i], std::to_string(i));
}

TEST_F(TaskLogTest, AnEventsFileThatIsAPipeOrALinkHoldsNothingUp) {
  ASSERT_EQ(::symlink("/etc/passwd", (attempt_ + "/events").c_str()), 0);
  watch_and_drain();
  EXPECT_TRUE(messages().empty());
}

TEST_F(TaskLogTest, ForgetStopsAndDeletes) {
  const auto logs = thread();
  logs->watch(kTask, dir_.path(), 1, attempt_, {});
  std::promise<void> done;
  logs->forget(kTask, true, [&](std::uint64_t) { done.set_value(); });
  ASSERT_EQ(done.get_future().wait_for(kDeadline), std::future_status::ready);
  EXPECT_FALSE(exists(dir_.path()));
  drain(*logs);  // unknown by now, done at once
}

TEST_F(TaskLogTest, RecordsOfAFullDiskAreWrittenWhenThereIsRoomAgain) {
  if (::getuid() != 0) GTEST_SKIP() << "needs root to mount a small tmpfs";
  if (::mount("tmpfs", dir_.path().c_str(), "tmpfs", 0, "size=128k") != 0)
    GTEST_SKIP() << "mount is not allowed here";
  std::ofstream(dir_ / "filler") << std::string(1 << 20, 'x');
  const TempDir elsewhere;
  {
    const auto logs = thread();
    logs->watch(kTask, dir_.path(), 1, elsewhere.path(), {});
    ::testing::internal::CaptureStderr();
    std::string said;  // at once: what comes after a record that cannot be written waits
    for (int i = 0; i < 10; ++i)
      said += "{\"event\":\"log\",\"message\":\"" + std::string(1000, 'a') + "\"}\n";
    append_to(elsewhere / "events", said + "{\"event\":\"progress\",\"value\":1}\n");
    EXPECT_TRUE(wait_until([&] { return !events(false).empty(); }));
    drain(*logs);
    EXPECT_NE(::testing::internal::GetCapturedStderr().find("cannot be written"),
              std::string::npos);
    std::filesystem::remove(dir_ / "filler");
    EXPECT_TRUE(wait_until([&] { return messages().size() == 10; }));
  }
  ::umount2(dir_.path().c_str(), MNT_DETACH);
}

}  // namespace
}  // namespace berth::supervise
