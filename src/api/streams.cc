// SPDX-License-Identifier: Apache-2.0
// Answers that go on: a task's log and changes as server-sent events, its raw output as bytes.
// Each reader pulls from the task's files at its own speed, so that none can slow another down or
// make the daemon hold more than one chunk for it, and a late reader gets everything.
#include <charconv>

#include "api/live_response.h"
#include "api/routes.h"
#include "api/schema.h"
#include "api/task_codec.h"
#include "api/texts.h"

namespace berth::api {

namespace {

constexpr std::size_t kChunk = 64U << 10;
// A progress bar writes no line feed, so the log does not grow with it: raw output is looked at
// this often while somebody follows it.
constexpr base::Duration kOutputInterval{200};

// What the three streams share: woken by changes of the task, one write at a time.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Service& service, model::TaskId id, http::EventStream stream)
      : service_(service), id_(std::move(id)), stream_(std::move(stream)) {}
  virtual ~Session() = default;

  // The stream's callback keeps the session alive until the client goes or the end is reached.
  void start() {
    watch_ = service_.watch(id_, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->pump();
    });
    stream_.on_closed([self = shared_from_this()] { self->finish(); });
    self_ = shared_from_this();
    pump();
  }

  /// Beside the changes: look again after each interval.
  void poll(base::Duration interval) {
    if (done_) return;
    ticker_ = service_.every(interval, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->pump();
    });
  }

 protected:
  enum class Next { kWait, kSent, kEnd };
  virtual Next next() = 0;

  Service& service() { return service_; }
  const model::TaskId& id() const { return id_; }

  Next send(std::string bytes) {
    writing_ = true;
    const bool sent = stream_.write(std::move(bytes), [weak = weak_from_this()] {
      if (const auto self = weak.lock()) {
        self->writing_ = false;
        self->pump();
      }
    });
    return sent ? Next::kSent : Next::kEnd;
  }
  void send_last(std::string bytes) { stream_.write(std::move(bytes)); }

 private:
  void pump() {
    if (writing_ || done_) return;
    if (next() != Next::kEnd) return;
    stream_.close();
    finish();
  }
  void finish() {
    done_ = true;
    watch_.reset();
    ticker_.reset();
    self_.reset();
  }

  Service& service_;
  model::TaskId id_;
  http::EventStream stream_;
  std::shared_ptr<void> watch_;
  std::shared_ptr<void> ticker_;
  std::shared_ptr<Session> self_;
  bool writing_ = false;
  bool done_ = false;
};

class LogSession : public Session {
 public:
  LogSession(Service& service, const model::TaskId& id, http::EventStream stream,
             std::uint64_t offset, bool follow, Language language)
      : Session(service, id, std::move(stream)),
        offset_(offset),
        follow_(follow),
        language_(language) {}

 private:
  Next next() override {
    const auto task = service().find(id());
    // Looked at before the log is read: what closes the log is then certainly in what is read.
    const bool closed = task == nullptr || task->log_closed;
    const auto page = service().read_log(id(), offset_, kChunk);
    if (!page) return Next::kEnd;
    std::string bytes;
    for (const LogRecord& record : page->records) {
      bytes += http::format_event(
          record.daemon_record ? render_record(record.json, language_) : record.json,
          std::to_string(record.end_offset));
    }
    offset_ = page->next_offset;
    if (!bytes.empty()) return send(std::move(bytes));
    if (!page->at_end || (!closed && follow_)) return Next::kWait;
    if (closed && task != nullptr) {
      const base::json::object last{{"status", model::to_text(task->state)},
                                    {"message", phrase(Phrase::kTaskEnded, language_)}};
      send_last(http::format_event(base::to_text(last), std::to_string(offset_)));
    }
    return Next::kEnd;
  }

  std::uint64_t offset_;
  bool follow_;
  Language language_;
};

class EventSession : public Session {
 public:
  EventSession(Service& service, const model::TaskId& id, http::EventStream stream,
               Language language)
      : Session(service, id, std::move(stream)), language_(language) {}

 private:
  Next next() override {
    const auto task = service().find(id());
    if (task == nullptr) return Next::kEnd;
    std::string text = base::to_text(LiveResponses(service())(*task, language_));
    if (text == last_)
      return model::is_final(task->state) && task->log_closed ? Next::kEnd : Next::kWait;
    last_ = std::move(text);
    return send(http::format_event(last_, std::to_string(++count_)));
  }

  Language language_;
  std::string last_;
  std::uint64_t count_ = 0;
};

class OutputSession : public Session {
 public:
  OutputSession(Service& service, const model::TaskId& id, http::EventStream stream, int attempt,
                bool standard_error, std::uint64_t offset, bool follow, bool exact)
      : Session(service, id, std::move(stream)),
        attempt_(attempt),
        standard_error_(standard_error),
        offset_(offset),
        follow_(follow),
        exact_(exact) {}

 private:
  Next next() override {
    const auto task = service().find(id());
    const bool passed = task != nullptr && attempt_ > 0 && task->attempt != attempt_;
    const bool over = task == nullptr || passed || model::is_final(task->state) || !follow_;
    auto page = service().read_output(id(), attempt_, standard_error_, offset_, kChunk);
    if (!page) return Next::kEnd;
    if (exact_ && page->offset > offset_) return Next::kEnd;  // asked again, it is told how far
    offset_ = page->next_offset;
    if (!page->bytes.empty()) return send(std::move(page->bytes));
    return over ? Next::kEnd : Next::kWait;
  }

  int attempt_;  // 0: the last one
  bool standard_error_;
  std::uint64_t offset_;
  bool follow_;
  bool exact_;
};

bool is_true(std::string_view text) { return text == "true" || text == "1"; }

// 416 when the output from `offset` on is no longer kept, with the offset from which it is.
std::optional<http::Response> refuse_gap(const Service& service, const model::TaskId& id,
                                         int attempt, bool standard_error, std::uint64_t offset) {
  const auto page = service.read_output(id, attempt, standard_error, offset, 1);
  if (!page || page->offset <= offset) return std::nullopt;
  return json_response(
      base::json::object{{"detail", "Only the newest output is kept: it begins at byte " +
                                        std::to_string(page->offset) + " (max_output)"},
                         {"offset", page->offset}},
      416);
}

std::uint64_t number_or_zero(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  return code == std::errc{} && end == text.data() + text.size() ? number : 0;
}

void stream_output(Service& service, const http::Request& request, http::Exchange exchange) {
  const auto task = find_task(service, request, exchange, own_language(request));
  if (task == nullptr) return;
  const auto name = request.parameter("stream");
  if (name != "stdout" && name != "stderr") {
    return exchange.fail(404, "A task has the outputs stdout and stderr");
  }
  const bool follow = is_true(request.query.get("follow"));
  const bool exact = is_true(request.query.get("exact"));
  const auto offset = number_or_zero(request.query.get("offset"));
  const auto attempt = number_or_zero(request.query.get("attempt"));
  if (attempt > static_cast<std::uint64_t>(task->attempt)) {
    return exchange.fail(404, "Task " + task->id().value + " has no attempt " +
                                  std::to_string(attempt) + ": the last one is " +
                                  std::to_string(task->attempt));
  }
  const int number = static_cast<int>(attempt);
  if (exact) {
    if (auto gap = refuse_gap(service, task->id(), number, name == "stderr", offset))
      return exchange.respond(std::move(*gap));
  }
  const auto session = std::make_shared<OutputSession>(
      service, task->id(), exchange.start_stream("application/octet-stream"), number,
      name == "stderr", offset, follow, exact);
  session->start();
  if (follow) session->poll(kOutputInterval);
}

}  // namespace

void stream_log(Service& service, const http::Request& request, http::Exchange exchange,
                const std::shared_ptr<const model::TaskRecord>& task) {
  std::make_shared<LogSession>(service, task->id(), exchange.start_events(),
                               number_or_zero(request.headers.get("Last-Event-ID")),
                               request.query.get("follow") != "false",
                               language_of(request, task->type))
      ->start();
}

void add_stream_routes(http::Router& router, Service& service) {
  router.add("GET", "/api/v2/tasks/{task_id}/logs",
             [&service](const http::Request& request, http::Exchange exchange) {
               const auto task = find_task(service, request, exchange, language_of(request));
               if (task != nullptr) stream_log(service, request, std::move(exchange), task);
             });
  router.add("GET", "/api/v2/tasks/{task_id}/events",
             [&service](const http::Request& request, http::Exchange exchange) {
               const auto task = find_task(service, request, exchange, own_language(request));
               if (task == nullptr) return;
               std::make_shared<EventSession>(service, task->id(), exchange.start_events(),
                                              own_language(request))
                   ->start();
             });
  router.add("GET", "/api/v2/tasks/{task_id}/output/{stream}",
             [&service](const http::Request& request, http::Exchange exchange) {
               stream_output(service, request, std::move(exchange));
             });
}

}  // namespace berth::api
