// SPDX-License-Identifier: Apache-2.0
#include "cli/top_view.h"

#include <cstdlib>
#include <ctime>

#include "base/text.h"
#include "cli/samples.h"
#include "cli/width.h"

namespace berth::cli {
namespace {

using namespace test;

constexpr std::string_view kTasks = R"JSON({"tasks": [
  {"task_id": "0f3c8a11-aaaa-4000-8000-000000000000", "task_type": "training", "kind": "training", "status": "running",
   "device": "cuda:0", "priority": 5, "user": "alice", "progress": 40, "created_at": "2026-01-02T03:00:00Z",
   "started_at": "2026-01-02T03:01:00Z", "name": "night run", "command": null, "parameters": null},
  {"task_id": "late", "task_type": "command", "kind": "command", "status": "queued", "device": "cuda", "priority": 5,
   "user": "bob", "progress": 0, "created_at": "2026-01-02T03:03:00Z", "started_at": null, "name": null,
   "waiting_for": "memory", "command": ["python", "b.py"], "parameters": null},
  {"task_id": "urgent", "task_type": "command", "kind": "command", "status": "queued", "device": "cuda", "priority": 1,
   "user": "bob", "progress": 0, "created_at": "2026-01-02T03:04:00Z", "started_at": null, "name": null,
   "waiting_for": "kind_limit", "command": ["python", "a.py"], "parameters": null},
  {"task_id": "gone", "task_type": "command", "kind": "command", "status": "failed", "device": "cpu", "priority": 5,
   "user": "bob", "progress": 0, "created_at": "2026-01-02T02:00:00Z", "started_at": "2026-01-02T02:00:00Z",
   "finished_at": "2026-01-02T02:00:05Z", "exit_code": 3, "name": null, "command": ["false"], "parameters": null}]})JSON";

class Top : public ::testing::Test {
 protected:
  Top() {
    data_.report = json_object(kGpus);
    data_.tasks = json_object(kTasks).at("tasks").as_array();
    data_.source = "berthd at http://127.0.0.1:8000";
    data_.now = *base::parse_iso8601("2026-01-02T03:05:00Z");
  }
  std::string picture(int width, int height, bool color = false) {
    std::string text;
    for (const std::string& line : render_top(data_, state_, {width, color, true}, height, &page_))
      text += line + "\n";
    return text;
  }
  TopWish type(const std::string& letters) {
    TopWish wish;
    for (const char letter : letters) wish = press(state_, data_, {Key::kText, {letter}}, page_);
    return wish;
  }
  TopWish type(Key key) { return press(state_, data_, {key}, page_); }
  std::vector<std::string> keys() {
    std::vector<std::string> all;
    for (const TopRow& row : top_rows(data_, state_)) all.push_back(row.key.substr(0, 8));
    return all;
  }

  TopData data_;
  TopState state_;
  std::size_t page_ = 10;
};

TEST_F(Top, AtEightyColumns) {
  const std::string text = picture(80, 16);
  const auto lines = base::split(text, '\n');
  EXPECT_TRUE(
      lines[0].starts_with("berth top · berthd at http://127.0.0.1:8000 · 1 running, 2 wait"))
      << text;
  EXPECT_TRUE(lines[1].starts_with("DEVICE  MODEL")) << text;
  EXPECT_TRUE(lines[2].starts_with("cuda:0  RTX 4090")) << text;
  EXPECT_EQ(lines[5], "        ✗ lost: GPU is lost (XID 79)") << text;
  EXPECT_EQ(lines[6],
            "Tasks: 4 · by state ────────────────────────────────────────────────────────────")
      << text;
  EXPECT_EQ(lines[7], "  ID        STATE    KIND      DEVICE  PRI  USER     TIME  DETAIL      TASK")
      << text;
  EXPECT_TRUE(lines[8].starts_with("> 0f3c8a11  running  train")) << text;
  EXPECT_TRUE(lines[9].starts_with("  urgent    queued")) << text;
  EXPECT_TRUE(lines[10].starts_with("  late      queued")) << text;
  EXPECT_TRUE(lines[11].starts_with("  gone      failed")) << text;
  EXPECT_TRUE(lines[15].starts_with("q leave · Tab tasks/processes")) << text;
}

// Without what paints it and without blanks at the ends of lines.
std::string plain(const std::string& painted) {
  std::string text;
  for (std::size_t i = 0; i < painted.size(); ++i) {
    if (painted[i] == '\x1b') {
      i = painted.find('m', i);
      continue;
    }
    while (painted[i] == '\n' && text.ends_with(' ')) text.pop_back();
    text += painted[i];
  }
  return text;
}

constexpr std::string_view kAt40By12 = R"TEXT(1 running, 2 waiting            03:05:00
DEVICE  MEMORY               LOAD  TASKS
cuda:0  ━━━━━─ 21.2/23.7 GB   98%      3
cuda:1  ━╍╍───  0.2/23.7 GB    0%      -
cuda:2          n/a/80.0 GB   n/a      -
        ✗ lost: GPU is lost (XID 79)
Tasks: 4 · by state ────────────────────
  ID        STATE    DEVICE  TASK
> 0f3c8a11  running  cuda:0  night run
  urgent    queued   cuda    python a.py
  late      queued   cuda    python b.py
q leave · c cancel · l log · ? help
)TEXT";

constexpr std::string_view kAt30By8 = R"TEXT(1 running, 2 waiting  03:05:00
cuda:0  21.2/23.7 GB   98%
cuda:1   0.2/23.7 GB    0%
... and 3 more lines
Tasks: 4 · by state ──────────
> 0f3c8a11  running  cuda:0
  urgent    queued   cuda
q leave · c cancel · ? help
)TEXT";

TEST_F(Top, OnANarrowScreenWhatMattersLeastIsLeftOut) {
  setenv("TZ", "UTC", 1);
  tzset();
  EXPECT_EQ(plain(picture(40, 12)), kAt40By12);
  EXPECT_EQ(plain(picture(30, 8)), kAt30By8);
}

TEST_F(Top, ANarrowScreenWithColourShowsTheSame) {
  setenv("TZ", "UTC", 1);
  tzset();
  const std::string text = picture(40, 12, true);
  EXPECT_EQ(plain(text), kAt40By12);
  EXPECT_NE(text.find("\x1b[31mcuda:2\x1b[0m"), std::string::npos) << text;
  EXPECT_NE(text.find("\x1b[7m> 0f3c8a11  running  cuda:0  night run  \x1b[0m"), std::string::npos)
      << text;
  EXPECT_EQ(plain(picture(30, 8, true)), kAt30By8);
}

TEST_F(Top, OnANarrowScreenAQuestionAndTheFilterAreSeenWhole) {
  type("/bo");
  EXPECT_NE(picture(30, 8).find("\nTasks: 3 · filter: bo▏ "), std::string::npos) << picture(30, 8);
  type(Key::kEnter);
  data_.tasks[2].as_object()["task_id"] = "an-id-that-is-longer-than-the-screen";
  type(Key::kHome);
  type("c");
  EXPECT_NE(picture(22, 8).find("\ncancel task an…? y / n\n"), std::string::npos) << picture(22, 8);
}

TEST_F(Top, OnANarrowScreenHelpAndLogHaveItToThemselves) {
  type("?");
  EXPECT_EQ(plain(picture(40, 12)), R"TEXT(1 running, 2 waiting            03:05:00
↑ ↓ PgUp PgDn  move (also j k g G)
Tab, t, p  tasks, processes
s, r  sort by the next column, the
  other way round
/  show only what contains a text; Esc
  shows all
Enter, l  the log of the task
c  cancel the task
q, Ctrl-C  leave

q leave · c cancel · l log · ? help
)TEXT");
  type("?");
  state_.log_task = "urgent";
  for (int i = 0; i < 100; ++i) state_.log.push_back("line " + std::to_string(i));
  const auto lines = base::split(picture(30, 8), '\n');
  EXPECT_EQ(lines[1], "Log of task urgent");
  EXPECT_EQ(lines[2], "line 95");
}

TEST_F(Top, OnTheSmallestScreensItSaysWhatItCan) {
  EXPECT_EQ(picture(1, 1), "…\n");
  EXPECT_EQ(picture(26, 2), "this terminal is too small\n");
  EXPECT_EQ(plain(picture(20, 3)),
            "1 running, 2 waiting\ncuda:0  21.2/23.7 GB\nq leave · ? help\n");
}

TEST_F(Top, WhereRoomIsShortAnArraysTasksAreToldApartByTheirIndices) {
  data_.tasks.at(0).as_object()["task_id"] = "c1b33fb5-1111-4000-8000-000000000000_12";
  data_.tasks.at(0).as_object()["array"] = *base::parse_json(
      R"({"id": "c1b33fb5-1111-4000-8000-000000000000", "index": 12, "size": 20})");
  EXPECT_NE(plain(picture(50, 20)).find("c1b3…_12"), std::string::npos) << plain(picture(50, 20));
  EXPECT_NE(plain(picture(100, 20)).find("c1b33fb5_12"), std::string::npos);
}

TEST_F(Top, ALeaseIsNoCommand) {
  data_.report["leases"] =
      *base::parse_json(R"([{"lease_id": "l", "devices": [{"device": "cuda:1"}]}])");
  data_.report.at("devices").at(1).at("current_tasks").as_object()["command"] = 1;
  const auto lines = base::split(picture(100, 16), '\n');
  EXPECT_TRUE(lines[3].starts_with("cuda:1") && lines[3].ends_with("  1 lease")) << lines[3];
  EXPECT_TRUE(lines[4].starts_with("cuda:2")) << "who holds it stands in the panes: " << lines[4];
}

TEST_F(Top, NoLineIsWiderOrMoreThanTheTerminal) {
  for (const auto& task : base::json::array(data_.tasks)) data_.tasks.push_back(task);
  for (const bool chinese : {false, true}) {
    speak(chinese ? Language::kChinese : Language::kEnglish);
    for (const int width : {1, 2, 19, 20, 21, 30, 40, 50, 59, 60, 80, 100, 200}) {
      for (const int height : {1, 3, 4, 5, 8, 12, 24, 60}) {
        for (const bool color : {false, true}) {
          const auto lines = render_top(data_, state_, {width, color, true}, height, &page_);
          EXPECT_LE(lines.size(), static_cast<std::size_t>(height));
          for (const std::string& line : lines)
            EXPECT_LE(display_width(line), width) << width << "x" << height << ": " << line;
        }
      }
    }
  }
  speak(Language::kEnglish);
}

TEST_F(Top, TheQueueStandsInTheOrderInWhichItWouldStart) {
  EXPECT_EQ(keys(), (std::vector<std::string>{"0f3c8a11", "urgent", "late", "gone"}));
  type("s");  // age: the oldest first
  EXPECT_EQ(keys(), (std::vector<std::string>{"gone", "0f3c8a11", "late", "urgent"}));
  type("r");
  EXPECT_EQ(keys().front(), "urgent");
  type("s");
  EXPECT_EQ(keys().front(), "0f3c8a11") << "alice before bob";
}

TEST_F(Top, AFilterShowsWhatContainsIt) {
  type("/bo");
  EXPECT_TRUE(state_.typing_filter);
  EXPECT_EQ(keys(), (std::vector<std::string>{"urgent", "late", "gone"}));
  EXPECT_NE(picture(80, 16).find("filter: bo▏"), std::string::npos);
  type(Key::kBackspace);
  EXPECT_EQ(state_.filter, "b");
  type(Key::kEnter);
  EXPECT_FALSE(state_.typing_filter);
  type(Key::kEscape);
  EXPECT_EQ(keys().size(), 4U);
  type("/nothing like it");
  EXPECT_NE(picture(80, 16).find("nothing contains nothing like it"), std::string::npos);
}

TEST_F(Top, LettersOfAFilterAreNoCommands) {
  EXPECT_EQ(type("/q").what, TopWish::What::kNothing);
  EXPECT_EQ(state_.filter, "q");
}

TEST_F(Top, CancellingIsAskedForFirst) {
  type(Key::kDown);
  EXPECT_EQ(type("c").what, TopWish::What::kNothing);
  EXPECT_NE(picture(80, 16).find("cancel task urgent? y / n"), std::string::npos);
  EXPECT_EQ(type("n").what, TopWish::What::kNothing);
  EXPECT_EQ(type("c").what, TopWish::What::kNothing);
  const TopWish wish = type("y");
  EXPECT_EQ(wish.what, TopWish::What::kCancel);
  EXPECT_EQ(wish.task, "urgent");
  EXPECT_EQ(type("y").what, TopWish::What::kNothing) << "the question is answered";
}

TEST_F(Top, TheSelectionStaysWithItsTask) {
  type(Key::kDown);
  type(Key::kDown);
  EXPECT_EQ(state_.selected, "late");
  data_.tasks.erase(data_.tasks.begin());  // the first one is gone
  picture(80, 16);
  EXPECT_EQ(state_.selected, "late");
  type(Key::kEnd);
  EXPECT_EQ(state_.selected, "gone");
  type(Key::kDown);
  EXPECT_EQ(state_.selected, "gone");
  type("g");
  EXPECT_EQ(state_.selected, "urgent");
}

TEST_F(Top, ALongListScrollsWithTheSelection) {
  const auto one = data_.tasks[1];
  for (int i = 0; i < 1000; ++i) {
    auto copy = one.as_object();
    copy["task_id"] = "task-" + std::to_string(1000 + i);
    data_.tasks.push_back(std::move(copy));
  }
  picture(80, 20);
  for (int i = 0; i < 30; ++i) type(Key::kDown);
  std::string text = picture(80, 20);
  EXPECT_NE(text.find("> task-1027"), std::string::npos) << text;
  type(Key::kPageDown);
  text = picture(80, 20);
  EXPECT_NE(text.find("> task-" + std::to_string(1027 + page_ - 1)), std::string::npos) << text;
  type(Key::kHome);
  EXPECT_NE(picture(80, 20).find("> 0f3c8a11"), std::string::npos);
}

TEST_F(Top, ProcessesAreListedByMemoryAndLeadToTheirTask) {
  type(Key::kTab);
  const auto rows = top_rows(data_, state_);
  ASSERT_EQ(rows.size(), 6U);
  EXPECT_EQ(rows[0].key, "cuda:0/1863729");
  EXPECT_EQ(rows[0].cells[2], "18.55 GB");
  EXPECT_EQ(type(Key::kEnter).task, "0f3c8a11-aaaa-4000-8000-000000000000");
  type(Key::kDown);
  EXPECT_EQ(type("c").what, TopWish::What::kNothing);
  EXPECT_NE(picture(80, 16).find("that process belongs to no task of Berth's"), std::string::npos);
}

TEST_F(Top, ALogIsShownFromItsEndAndScrolls) {
  state_.log_task = "urgent";
  for (int i = 0; i < 100; ++i) state_.log.push_back("line " + std::to_string(i) + "\x1b[31m");
  std::string text = picture(80, 20);
  EXPECT_NE(text.find("Log of task urgent"), std::string::npos);
  EXPECT_NE(text.find("line 99·[31m\n"), std::string::npos) << text;
  type(Key::kUp);
  text = picture(80, 20);
  EXPECT_EQ(text.find("line 99"), std::string::npos);
  type(Key::kHome);
  EXPECT_NE(picture(80, 20).find("line 0·"), std::string::npos);
  EXPECT_EQ(type("q").what, TopWish::What::kNothing) << "leaves the log, not the program";
  EXPECT_TRUE(state_.log_task.empty());
  EXPECT_EQ(type("q").what, TopWish::What::kQuit);
}

TEST_F(Top, WithColourTheSelectedRowIsReversed) {
  EXPECT_NE(picture(80, 16, true).find("\x1b[7m> 0f3c8a11"), std::string::npos);
}

TEST_F(Top, HelpGoesWithAnyKey) {
  type("?");
  EXPECT_NE(picture(80, 20).find("cancel the task"), std::string::npos);
  EXPECT_EQ(type("q").what, TopWish::What::kNothing);
  EXPECT_FALSE(state_.help);
}

TEST_F(Top, WithoutADaemonThereAreDevicesAndProcesses) {
  data_.has_daemon = false;
  data_.tasks.clear();
  EXPECT_NE(picture(80, 16).find("no daemon, so no tasks"), std::string::npos);
  data_.report = json_object(R"({"devices": [], "hints": ["install a driver"]})");
  EXPECT_NE(picture(80, 16).find("No GPU on this machine"), std::string::npos);
}

TEST(Keys, SequencesAreOneKeyAlsoInPieces) {
  std::string bytes = "\x1b[A\x1b[5~j\x1bOB\r\t\x7f\x03ü\x1b[99;5X";
  const auto keys = take_keys(bytes, false);
  EXPECT_EQ(keys, (std::vector<Pressed>{{Key::kUp},
                                        {Key::kPageUp},
                                        {Key::kText, "j"},
                                        {Key::kDown},
                                        {Key::kEnter},
                                        {Key::kTab},
                                        {Key::kBackspace},
                                        {Key::kInterrupt},
                                        {Key::kText, "ü"}}));
  EXPECT_EQ(bytes, "");
  bytes = "\x1b[";
  EXPECT_TRUE(take_keys(bytes, false).empty());
  bytes += "B";
  EXPECT_EQ(take_keys(bytes, false), std::vector<Pressed>{{Key::kDown}});
  bytes = "\x1b";
  EXPECT_TRUE(take_keys(bytes, false).empty());
  EXPECT_EQ(take_keys(bytes, true), std::vector<Pressed>{{Key::kEscape}});
  bytes = "\xc3";
  EXPECT_TRUE(take_keys(bytes, false).empty()) << "half a character";
}

}  // namespace
}  // namespace berth::cli
