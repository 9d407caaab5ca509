// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include "cli/array_text.h"
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

// The daemon sends what there is without a pause.
constexpr std::chrono::seconds kReplaySilence{30};

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
  // False after the last one, which has the task's state and no level.
  const auto show = [&](const http::Event& event) {
    const auto value = base::parse_json(event.data);
    if (!value || !value->is_object()) return true;
    const json::object& record = value->as_object();
    const bool last = record.contains("status") && !record.contains("level");
    return write_all(1, options.json ? event.data + "\n" : record_line(record, screen)) && !last;
  };
  if (options.follow) {
    const auto status = follow_events(id, "/logs", show);
    return status ? kDone : report(status.error());
  }
  http::EventReader reader(show);
  const auto answer = session.stream(
      task_path(id, "/logs?follow=false"),
      [&](std::string_view bytes) { return reader.feed(bytes); }, kReplaySilence);
  if (!answer) return report(answer.error());
  return answer->ok() ? kDone : report(error_of(*answer));
}

// One raw stream as far as it has come. An answer ends where a gap begins, so it is asked again
// until nothing new comes; a task that writes faster is not chased for ever.
int copy(const std::string& id, const std::string& name, int fd) {
  constexpr int kMostAnswers = 3;
  auto session = Session::open();
  if (!session) return report(session.error());
  std::uint64_t offset = 0;
  bool reader_gone = false;
  for (int answers = 0; answers < kMostAnswers && !reader_gone;) {
    const std::uint64_t before = offset;
    const auto answer = session->stream(
        task_path(id, "/output/" + name + "?exact=true&offset=" + std::to_string(offset)),
        [&](std::string_view bytes) {
          offset += bytes.size();
          reader_gone = !write_all(fd, bytes);
          return !reader_gone;
        });
    if (!answer) return report(answer.error());
    if (const auto kept = skip_lost(*answer, offset, name)) {
      offset = *kept;
      continue;
    }
    if (!answer->ok()) return report(error_of(*answer));
    if (offset == before) break;
    ++answers;
  }
  return kDone;
}

}  // namespace

int logs(const LogsOptions& options) {
  auto session = Session::open();
  if (!session) return report(session.error());
  const auto task = session->task(options.id);
  if (!task) return report(task.error());
  if (is_array(*task)) return report(name_one_of(*task, "logs"));
  const std::string id = base::string_or(*task, "task_id");
  // Built-in tasks tell what they do in records; what a command tells is its output.
  const bool builtin = base::string_or(*task, "task_type", "command") != "command";
  if (options.records || options.json || (builtin && !options.out && !options.err))
    return records(*session, id, options);

  const bool out = options.out || !options.err;
  const bool err = options.err || !options.out;
  // A single stream that was asked for by name goes to standard output, so that it can be piped.
  if (options.follow) {
    FollowOptions how;
    how.out = out ? 1 : -1;
    how.err = !err ? -1 : out ? 2 : 1;
    how.ours = false;
    const auto end = follow(id, how);
    return end ? kDone : report(end.error());
  }
  if (out && err) {
    const int status = copy(id, "stdout", 1);
    return status != kDone ? status : copy(id, "stderr", 2);
  }
  return copy(id, out ? "stdout" : "stderr", 1);
}

}  // namespace berth::cli
