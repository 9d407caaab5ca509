// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <thread>

#include "cli/follow.h"
#include "cli/screen.h"
#include "cli/session.h"
#include "cli/task_text.h"
#include "cli/verbs.h"
#include "cli/when.h"
#include "cli/width.h"
#include "http/event_reader.h"

namespace berth::cli {

namespace json = base::json;

namespace {

// Without --follow the records end where the stream falls silent.
constexpr std::chrono::milliseconds kReplaySilence{500};

std::string record_line(const json::object& record, const Screen& screen) {
  const auto time = parse_iso8601(base::string_or(record, "timestamp"));
  const std::string level = base::string_or(record, "level");
  const Tone tone = level == "ERROR" ? Tone::kBad : level == "WARNING" ? Tone::kWarn : Tone::kPlain;
  std::string text;
  if (time) text += paint(local_time(*time, base::now()), Tone::kDim, screen) + "  ";
  if (!level.empty()) text += paint(pad_right(level, 7), tone, screen) + "  ";
  return text + paint(printable(base::string_or(record, "message")), tone, screen) + "\n";
}

int records(Session& session, const std::string& id, const LogsOptions& options) {
  const Screen screen = screen_of(1);
  bool ended = false;
  http::EventReader reader([&](const http::Event& event) {
    const auto value = base::parse_json(event.data);
    if (!value || !value->is_object()) return true;
    ended = value->as_object().contains("status") && !value->as_object().contains("level");
    return write_all(1,
                     options.json ? event.data + "\n" : record_line(value->as_object(), screen)) &&
           !ended;
  });
  const auto answer = session.stream(
      task_path(id, options.follow ? "/logs" : "/logs?follow=false"),
      [&](std::string_view bytes) { return reader.feed(bytes); },
      options.follow ? std::chrono::milliseconds(0) : kReplaySilence);
  if (answer && !answer->ok()) return report(error_of(*answer));
  if (!answer && !ended && options.follow) return report(answer.error());
  return kDone;
}

// One raw stream as far as it has come.
int copy(const std::string& id, const char* name, int fd) {
  auto session = Session::open();
  if (!session) return report(session.error());
  const auto answer = session->stream(task_path(id, std::string("/output/") + name),
                                      [&](std::string_view bytes) { return write_all(fd, bytes); });
  if (!answer) return report(answer.error());
  return answer->ok() ? kDone : report(error_of(*answer));
}

int copy_following(const std::string& id, const char* name, int fd) {
  auto session = Session::open();
  if (!session) return report(session.error());
  const auto answer =
      session->stream(task_path(id, std::string("/output/") + name + "?follow=true"),
                      [&](std::string_view bytes) { return write_all(fd, bytes); });
  if (!answer) return report(answer.error());
  return answer->ok() ? kDone : report(error_of(*answer));
}

}  // namespace

int logs(const LogsOptions& options) {
  auto session = Session::open();
  if (!session) return report(session.error());
  const auto task = session->task(options.id);
  if (!task) return report(task.error());
  const std::string id = base::string_or(*task, "task_id");
  // Built-in tasks tell what they do in records; what a command tells is its output.
  const bool builtin = base::string_or(*task, "task_type", "command") != "command";
  if (options.records || options.json || (builtin && !options.out && !options.err))
    return records(*session, id, options);

  const bool out = options.out || !options.err;
  const bool err = options.err || !options.out;
  if (options.follow && out && err) {
    FollowOptions how;
    how.interruptible = false;  // Ctrl-C ends only the looking on
    const auto end = follow(id, how);
    return end ? kDone : report(end.error());
  }
  const auto show_stream = options.follow ? copy_following : copy;
  // A single stream that was asked for by name goes to standard output, so that it can be piped.
  if (out && err) {
    const int status = show_stream(id, "stdout", 1);
    return status != kDone ? status : show_stream(id, "stderr", 2);
  }
  return show_stream(id, out ? "stdout" : "stderr", 1);
}

}  // namespace berth::cli
