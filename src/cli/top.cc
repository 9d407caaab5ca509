// SPDX-License-Identifier: Apache-2.0
// The terminal of `berth top`: raw keys in, pictures out, once a second or when a key was pressed.
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <optional>

#include "base/text.h"
#include "cli/devices.h"
#include "cli/members.h"
#include "cli/session.h"
#include "cli/task_text.h"
#include "cli/top_view.h"
#include "cli/verbs.h"
#include "cli/words.h"
#include "http/event_reader.h"

namespace berth::cli {

namespace {

namespace json = base::json;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kRefresh{1000}, kEscapePause{50};
constexpr int kMostTasks = 1000;        // that live
constexpr int kEnded = 20;              // shown beside them
constexpr std::size_t kMostLog = 5000;  // lines
constexpr std::chrono::seconds kSilence{5}, kMessageTime{4};

std::atomic<int> ending{0};

// The terminal as it was, whatever ends us.
class Terminal {
 public:
  Terminal() {
    ok_ = ::tcgetattr(0, &before_) == 0;
    if (!ok_) return;
    termios raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ECHO | ICANON | ISIG | IEXTEN);
    raw.c_iflag &= ~static_cast<tcflag_t>(IXON | ICRNL);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    ::tcsetattr(0, TCSANOW, &raw);
    print("\x1b[?1049h\x1b[?25l");
    for (const int signal : {SIGTERM, SIGHUP, SIGINT}) {
      struct sigaction action{};
      action.sa_handler = [](int number) { ending = number; };
      ::sigaction(signal, &action, nullptr);
    }
    struct sigaction resized{};
    resized.sa_handler = [](int) {};  // ends the poll
    ::sigaction(SIGWINCH, &resized, nullptr);
  }
  ~Terminal() {
    if (!ok_) return;
    print("\x1b[?25h\x1b[?1049l");
    ::tcsetattr(0, TCSANOW, &before_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

 private:
  bool ok_ = false;
  termios before_{};
};

int rows_of_terminal() {
  winsize size{};
  return ::ioctl(1, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : 24;
}

// A line is cleared before it is written: behind one that fills it, terminals would clear its last
// character.
void draw(const std::vector<std::string>& lines) {
  std::string text = "\x1b[H";
  for (std::size_t i = 0; i < lines.size(); ++i)
    text += std::string(i > 0 ? "\r\n" : "") + "\x1b[K" + lines[i];
  print(text + "\x1b[J");
}

// What the daemon says, over one connection.
class Feed {
 public:
  void refresh(TopData& data) {
    data.now = base::now();
    auto report = devices_.read();
    data.problem.clear();
    if (report)
      data.report = std::move(*report);
    else
      data.problem = report.error().message;
    data.source = devices_.text();
    data.has_daemon = devices_.daemon();
    if (!data.has_daemon) {
      data.tasks.clear();
      session_.reset();
      return;
    }
    auto live = ask("/api/v2/tasks?status=live&limit=" + std::to_string(kMostTasks));
    if (!live) {
      data.problem = live.error().message;
      return;
    }
    data.tasks = list(*live);
    if (auto newest = ask("/api/v2/tasks?limit=" + std::to_string(kEnded))) {
      for (json::value& task : list(*newest)) {
        if (task.is_object() && is_final(task.as_object())) data.tasks.push_back(task);
      }
    }
  }

  std::string cancel(const std::string& task) {
    if (!open()) return tr("the daemon does not answer");
    const auto answer = session_->post(task_path(task, "/cancel"));
    return answer ? tr("{} is being cancelled", {short_id(task)}) : answer.error().message;
  }

  // What the log has more than before.
  void read_log(TopState& state) {
    if (!open()) return;
    if (state.log_task != log_task_) last_event_.clear();
    log_task_ = state.log_task;
    http::EventReader reader([&](const http::Event& event) {
      const auto record = base::parse_json(event.data);
      if (!record || !record->is_object()) return true;
      if (!record->as_object().contains("level")) return false;  // the task's end
      std::string message = base::string_or(record->as_object(), "message");
      for (std::string& line : base::split(message, '\n')) state.log.push_back(std::move(line));
      last_event_ = event.id;
      return true;
    });
    const auto answer = session_->stream(
        task_path(state.log_task, "/logs?follow=false"),
        [&](std::string_view bytes) { return reader.feed(bytes); }, kSilence, last_event_);
    if (!answer) session_.reset();
    if (state.log.size() > kMostLog) {
      state.log.erase(state.log.begin(), state.log.end() - static_cast<std::ptrdiff_t>(kMostLog));
    }
  }

 private:
  bool open() {
    if (session_) return true;
    auto session = Session::open();
    if (session) session_.emplace(std::move(*session));
    return session_.has_value();
  }
  base::Result<json::object> ask(const std::string& path) {
    if (!open())
      return base::fail(base::ErrorCode::kNotReachable, tr("the daemon does not answer"));
    auto answer = session_->object(path);
    if (!answer) session_.reset();
    return answer;
  }
  static json::array list(const json::object& answer) {
    const json::array* tasks = array_in(answer, "tasks");
    return tasks != nullptr ? *tasks : json::array{};
  }

  DeviceSource devices_;
  std::optional<Session> session_;
  std::string log_task_, last_event_;
};

class Top {
 public:
  int run() {
    const Terminal terminal;
    feed_.refresh(data_);
    Clock::time_point next = Clock::now() + kRefresh;
    while (ending == 0) {
      page_ = draw_now();
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(next - Clock::now());
      if (!wait_for_keys(std::max(left, std::chrono::milliseconds(0)))) return kDone;
      if (Clock::now() < next) continue;
      feed_.refresh(data_);
      if (Clock::now() - said_ > kMessageTime) state_.message.clear();
      if (!state_.log_task.empty()) feed_.read_log(state_);
      next = Clock::now() + kRefresh;
    }
    return 128 + ending;
  }

 private:
  std::size_t draw_now() {
    std::size_t page = 1;
    draw(render_top(data_, state_, screen_of(1), rows_of_terminal(), &page));
    return page;
  }

  // False when it is time to leave.
  bool wait_for_keys(std::chrono::milliseconds time) {
    // The rest of a sequence comes at once, if it comes.
    if (!typed_.empty()) time = std::min(time, kEscapePause);
    pollfd keyboard{0, POLLIN, 0};
    const int ready = ::poll(&keyboard, 1, static_cast<int>(time.count()));
    bool complete = ready == 0;
    if (ready > 0) {
      char bytes[256];
      const ssize_t count = ::read(0, bytes, sizeof bytes);
      if (count == 0 || (keyboard.revents & (POLLHUP | POLLERR)) != 0) return false;
      if (count > 0) typed_.append(bytes, static_cast<std::size_t>(count));
      complete = false;
    }
    for (const Pressed& key : take_keys(typed_, complete)) {
      if (!carry_out(press(state_, data_, key, page_))) return false;
    }
    return true;
  }

  bool carry_out(const TopWish& wish) {
    switch (wish.what) {
      case TopWish::What::kQuit:
        return false;
      case TopWish::What::kCancel:
        state_.message = feed_.cancel(wish.task);
        said_ = Clock::now();
        feed_.refresh(data_);
        break;
      case TopWish::What::kLog:
        state_.log_task = wish.task;
        state_.log.clear();
        state_.log_back = 0;
        feed_.read_log(state_);
        break;
      case TopWish::What::kRefresh:
        feed_.refresh(data_);
        break;
      case TopWish::What::kNothing:
        break;
    }
    return true;
  }

  Feed feed_;
  TopData data_;
  TopState state_;
  std::size_t page_ = 1;
  std::string typed_;
  Clock::time_point said_{};
};

}  // namespace

int top() {
  if (::isatty(0) != 1 || !screen_of(1).live) {
    print_error("berth: " + tr("berth top needs a terminal; berth gpus and berth ps have --json") +
                "\n");
    return kWrongUsage;
  }
  return Top().run();
}

}  // namespace berth::cli
