// SPDX-License-Identifier: Apache-2.0
// Threads: the caller's reads the task's events; "berth-out" and "berth-err" copy its output;
// "berth-wait" asks for the reason of waiting; Interrupts waits for Ctrl-C. They share nothing but
// a Shared, each has its own connection, and all are joined before follow() returns.
#include "cli/follow.h"

#include <pthread.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "cli/explain_text.h"
#include "cli/interrupts.h"
#include "cli/screen.h"
#include "cli/session.h"
#include "cli/task_text.h"
#include "cli/words.h"

namespace berth::cli {

namespace json = base::json;
using base::ErrorCode;
using base::fail;
using base::Result;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

namespace {

// A stream that is silent for so long is opened again: heartbeats come every 15 s, and a followed
// output is resumed at its offset.
constexpr milliseconds kSilence{45'000};
constexpr milliseconds kPause{250};
constexpr milliseconds kFirstReason{400};
constexpr milliseconds kReasonInterval{2'000};

struct Shared {
  std::mutex mutex;
  std::condition_variable changed;
  bool ended = false;    // the task is final, or we gave up
  bool gave_up = false;  // the daemon stays away, or the task is gone
  bool waiting = true;   // pending or queued
  int attempt = 0;       // the last one that is known

  // False when the end came first.
  bool sleep(milliseconds time) {
    std::unique_lock lock(mutex);
    return !changed.wait_for(lock, time, [&] { return ended; });
  }
  bool over() {
    const std::lock_guard lock(mutex);
    return ended;
  }
  bool given_up() {
    const std::lock_guard lock(mutex);
    return gave_up;
  }
  void set_state(bool waits, int number) {
    const std::lock_guard lock(mutex);
    waiting = waits;
    attempt = number;
  }
  int last_attempt() {
    const std::lock_guard lock(mutex);
    return attempt;
  }
  bool is_waiting() {
    const std::lock_guard lock(mutex);
    return waiting && !ended;
  }
  void end(bool because_we_gave_up) {
    const std::lock_guard lock(mutex);
    ended = true;
    gave_up = because_we_gave_up;
    changed.notify_all();
  }
};

// One output stream of a task, copied until the task is final and everything was sent: of our own
// task all attempts, one after the other, of another one from the attempt on that it is at.
class OutputCopy {
 public:
  OutputCopy(std::string id, std::string name, int fd, bool ours)
      : id_(std::move(id)), name_(std::move(name)), fd_(fd), ours_(ours) {}

  void run(Shared& shared) {
    std::optional<Clock::time_point> deadline;
    for (bool told = false; !shared.given_up();) {
      const bool last = shared.over();  // asked before reading: what is there then is all there is
      const int newest = shared.last_attempt();
      if (attempt_ == 0) attempt_ = ours_ ? std::min(newest, 1) : newest;
      if (attempt_ == 0) {
        if (last) return;  // it never ran
        (void)shared.sleep(kPause);
        continue;
      }
      auto session = Session::open();
      if (session) {
        const Step step = read(*session);
        if (step == Step::kNothingNew && attempt_ < newest) {
          ++attempt_;
          offset_ = 0;
          continue;
        }
        // A daemon that stops ends its answers as if they were complete: complete is one with
        // nothing new.
        if (step == Step::kEnd || (step == Step::kNothingNew && last)) return;
        if (step == Step::kMore && last) continue;
      }
      if (!last) {
        (void)shared.sleep(kPause);  // the thread that reads the events has the patience
        continue;
      }
      if (!deadline) deadline = Clock::now() + std::chrono::seconds(kPatienceSeconds);
      if (Clock::now() > *deadline)
        return note(tr("the rest of its {} could not be read", {name_}));
      if (!session && !std::exchange(told, true)) note_absence();
      std::this_thread::sleep_for(kPause);
    }
  }

 private:
  enum class Step { kMore, kNothingNew, kBroken, kEnd };

  Step read(Session& session) {
    const std::uint64_t before = offset_;
    bool reader_gone = false;
    const auto answer = session.stream(
        task_path(id_, "/output/" + name_ + "?follow=true&exact=true&attempt=" +
                           std::to_string(attempt_) + "&offset=" + std::to_string(offset_)),
        [&](std::string_view bytes) {
          offset_ += bytes.size();
          reader_gone = !write_all(fd_, bytes);
          return !reader_gone;
        },
        kSilence);
    if (reader_gone) {
      if (!ours_) _exit(128 + SIGPIPE);               // where SIGPIPE is ignored and did not end us
      (void)session.post(task_path(id_, "/cancel"));  // as SIGPIPE would have ended the command
      return Step::kEnd;
    }
    if (!answer) return Step::kBroken;
    if (answer->ok()) return offset_ > before ? Step::kMore : Step::kNothingNew;
    if (answer->status >= 500) return Step::kBroken;
    if (const auto kept = skip_lost(*answer, offset_, name_)) {
      offset_ = *kept;
      return Step::kMore;
    }
    if (answer->status != 404) note(tr("no {}: {}", {name_, problem(*answer)}));
    return Step::kEnd;
  }

  std::string id_, name_;
  int fd_;
  bool ours_;
  int attempt_ = 0;  // 0: none has been launched yet
  std::uint64_t offset_ = 0;
};

void announce_reason(const std::string& id, milliseconds after, Shared& shared) {
  std::string said;
  std::optional<Session> session;
  for (milliseconds pause = after > milliseconds(0) ? after : kFirstReason; shared.sleep(pause);
       pause = kReasonInterval) {
    if (!shared.is_waiting()) continue;
    if (!session) {
      auto opened = Session::open();
      if (!opened) continue;
      session.emplace(std::move(*opened));
    }
    const auto explanation = session->object(task_path(id, "/explain"));
    if (!explanation) {
      session.reset();
      continue;
    }
    const std::string reason = waiting_reason(*explanation);
    if (reason.empty() || reason == said || !shared.is_waiting()) continue;
    said = reason;
    const Screen screen = screen_of(2);
    print_error((screen.live ? "" : "berth: ") +
                paint(tr("waiting: {}", {reason}), Tone::kDim, screen) + "\n");
  }
}

class NamedThread {
 public:
  template <class Work>
  NamedThread(const char* name, Work work) : thread_(std::move(work)) {
    pthread_setname_np(thread_.native_handle(), name);
  }
  ~NamedThread() { thread_.join(); }
  NamedThread(const NamedThread&) = delete;
  NamedThread& operator=(const NamedThread&) = delete;

 private:
  std::thread thread_;
};

}  // namespace

void note_absence() {
  note(tr("the daemon is away; trying to reach it again for {} s",
          {std::to_string(kPatienceSeconds)}));
}

base::Error still_away(const std::string& id) {
  return base::Error{
      ErrorCode::kNotReachable,
      tr("the daemon at {} has been away for {} s; task {} may still run (berth show {})",
         {daemon_url(), std::to_string(kPatienceSeconds), id, id}),
      {}};
}

std::optional<std::uint64_t> skip_lost(const http::ClientResponse& answer, std::uint64_t offset,
                                       const std::string& name) {
  if (answer.status != 416) return std::nullopt;
  const auto body = base::parse_json(answer.body);
  if (!body || !body->is_object()) return std::nullopt;
  const auto kept = static_cast<std::uint64_t>(base::int_or(body->as_object(), "offset"));
  if (kept <= offset) return std::nullopt;
  const base::Bytes lost{static_cast<std::int64_t>(kept - offset)};
  note(tr("{} of its {} are no longer kept (only the newest are: max_output)",
          {base::to_text(lost), name}));
  return kept;
}

base::Status follow_events(const std::string& id, std::string_view rest,
                           const http::EventReader::OnEvent& on_event) {
  auto last_contact = Clock::now();
  std::string last_id;
  for (bool told = false;;) {
    auto session = Session::open();
    if (session) {
      bool complete = false;
      http::EventReader reader([&](const http::Event& event) {
        last_contact = Clock::now();
        told = false;
        last_id = event.id;
        complete = !on_event(event);
        return !complete;
      });
      const auto answer = session->stream(
          task_path(id, rest), [&](std::string_view bytes) { return reader.feed(bytes); }, kSilence,
          last_id);
      if (complete) return {};
      if (answer && !answer->ok() && answer->status < 500) return fail(error_of(*answer));
      if (answer && answer->ok()) last_contact = Clock::now();
    } else if (session.error().code != ErrorCode::kNotReachable) {
      return fail(session.error());
    }
    if (Clock::now() - last_contact > std::chrono::seconds(kPatienceSeconds)) {
      return fail(still_away(id));
    }
    if (!session && !std::exchange(told, true)) note_absence();
    std::this_thread::sleep_for(kPause);
  }
}

Result<json::object> watch_task(const std::string& id,
                                const std::function<void(const json::object&)>& on_change) {
  json::object final_state;
  const auto status = follow_events(id, "/events", [&](const http::Event& event) {
    const auto value = base::parse_json(event.data);
    if (!value || !value->is_object()) return true;
    if (on_change) on_change(value->as_object());
    if (!is_final(value->as_object())) return true;
    final_state = value->as_object();
    return false;
  });
  if (!status) return fail(status.error());
  return final_state;
}

Result<json::object> follow(const std::string& id, const FollowOptions& options) {
  Shared shared;
  std::optional<Interrupts> signals;
  if (options.ours) {
    signals.emplace(id);
    (void)std::signal(SIGPIPE, SIG_IGN);  // a reader that is gone is seen by write_all()
  }
  OutputCopy out_copy(id, "stdout", options.out, options.ours);
  OutputCopy err_copy(id, "stderr", options.err, options.ours);
  std::optional<NamedThread> out;
  std::optional<NamedThread> err;
  std::optional<NamedThread> reason;
  if (options.out >= 0) out.emplace("berth-out", [&] { out_copy.run(shared); });
  if (options.err >= 0) err.emplace("berth-err", [&] { err_copy.run(shared); });
  if (options.announce)
    reason.emplace("berth-wait", [&] { announce_reason(id, options.announce_after, shared); });
  auto result = watch_task(id, [&](const json::object& task) {
    const std::string state = base::string_or(task, "status");
    const bool waits = state == "pending" || state == "queued";
    shared.set_state(waits, static_cast<int>(base::int_or(task, "attempt", waits ? 0 : 1)));
    if (options.on_change) options.on_change(task);
  });
  shared.end(!result);
  reason.reset();
  out.reset();
  err.reset();
  signals.reset();
  return result;
}

}  // namespace berth::cli
