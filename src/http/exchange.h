// SPDX-License-Identifier: Apache-2.0
// The answering side of one request. Everything here is used on the loop's thread only.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "http/request.h"

namespace berth::http {

/// What an EventStream writes to: a connection, or a test's recorder.
class StreamSink {
 public:
  virtual ~StreamSink() = default;
  [[nodiscard]] virtual bool open() const = 0;
  [[nodiscard]] virtual std::size_t buffered() const = 0;
  [[nodiscard]] virtual bool writable() const = 0;
  virtual bool write(std::string bytes, std::function<void()> on_drained) = 0;
  virtual void close() = 0;
  virtual void on_closed(std::function<void()> callback) = 0;
};

/// What an Exchange answers through.
class AnswerSink {
 public:
  virtual ~AnswerSink() = default;
  virtual void respond(Response response) = 0;
  /// `events`: a text/event-stream that gets heartbeats.
  virtual std::shared_ptr<StreamSink> start_stream(int status, std::string content_type,
                                                   HeaderList headers, bool events) = 0;
  /// The exchange was dropped without an answer.
  virtual void abandon() = 0;
};

/// An answer that goes on: server-sent events, or the bytes of a log that is still written.
/// Copies share one stream; when the last copy goes the stream is closed as by close().
///
/// Buffering is bounded. Pull style: write a piece, go on in `on_drained`. Push style: look at
/// writable() first. A writer that does neither and gets further ahead of the client than
/// ServerOptions::stream_limit loses the stream (the client may come back with Last-Event-ID).
class EventStream {
 public:
  EventStream() = default;
  explicit EventStream(std::shared_ptr<StreamSink> sink);

  /// The client is there and neither side has closed.
  [[nodiscard]] bool open() const { return sink_ && sink_->open(); }
  /// open(), and less than ServerOptions::stream_buffer bytes wait for the client.
  [[nodiscard]] bool writable() const { return sink_ && sink_->writable(); }
  /// Bytes written here and not yet taken by the kernel.
  [[nodiscard]] std::size_t buffered() const { return sink_ ? sink_->buffered() : 0; }

  /// Sends `bytes`. `on_drained` runs, never from inside write(), when the kernel has taken them;
  /// it does not run when the stream ends before. False (nothing kept) when the stream is not open.
  bool write(std::string bytes, std::function<void()> on_drained = {});

  /// Sends what is buffered, then ends the answer. No callback runs after that.
  void close();

  /// `callback` runs once, from the loop, when the stream ends otherwise than by close(): the
  /// client went away, it was too slow, or the server stops. Set after the end, it still runs.
  void on_closed(std::function<void()> callback);

 private:
  std::shared_ptr<StreamSink> sink_;
};

/// The right and duty to answer one request, once; move-only. May be kept and answered later from
/// the loop. Dropped without an answer it sends 500. Answering a client that is gone does nothing.
class Exchange {
 public:
  explicit Exchange(std::shared_ptr<AnswerSink> sink) : sink_(std::move(sink)) {}
  Exchange(Exchange&&) noexcept = default;
  Exchange& operator=(Exchange&& other) noexcept;
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange();

  void respond(Response response);
  /// respond(error_response(...)).
  void fail(int status, std::string_view detail) { respond(error_response(status, detail)); }
  void fail(const base::Error& error) { respond(error_response(error)); }

  /// 200 text/event-stream with Cache-Control: no-cache, Connection: keep-alive and
  /// X-Accel-Buffering: no; a comment is sent in each silence of ServerOptions::heartbeat.
  [[nodiscard]] EventStream start_events(HeaderList headers = {});
  /// 200 and bytes as they come, without heartbeats.
  [[nodiscard]] EventStream start_stream(std::string content_type, HeaderList headers = {});

  [[nodiscard]] bool answered() const { return sink_ == nullptr; }

 private:
  std::shared_ptr<AnswerSink> sink_;
};

/// One server-sent event in its wire form. Each line of `data` becomes a "data:" line; `id` and
/// `event` are left out when empty (and must hold no line break).
std::string format_event(std::string_view data, std::string_view id = {},
                         std::string_view event = {});

}  // namespace berth::http
