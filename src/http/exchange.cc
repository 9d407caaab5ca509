// SPDX-License-Identifier: Apache-2.0
#include "http/exchange.h"

#include "base/check.h"

namespace berth::http {

// The deleter, not the sink's destructor, closes: the connection itself also holds the sink.
EventStream::EventStream(std::shared_ptr<StreamSink> sink) {
  StreamSink* raw = sink.get();
  sink_ = std::shared_ptr<StreamSink>(
      raw, [owned = std::move(sink)](StreamSink* last) { last->close(); });
}

bool EventStream::write(std::string bytes, std::function<void()> on_drained) {
  return sink_ && sink_->write(std::move(bytes), std::move(on_drained));
}

void EventStream::close() {
  if (sink_) sink_->close();
}

void EventStream::on_closed(std::function<void()> callback) {
  if (sink_) sink_->on_closed(std::move(callback));
}

Exchange& Exchange::operator=(Exchange&& other) noexcept {
  if (this != &other) {
    if (sink_) std::exchange(sink_, nullptr)->abandon();
    sink_ = std::move(other.sink_);
  }
  return *this;
}

Exchange::~Exchange() {
  if (sink_) sink_->abandon();
}

void Exchange::respond(Response response) {
  CHECK(sink_ != nullptr);  // a request is answered once
  std::exchange(sink_, nullptr)->respond(std::move(response));
}

EventStream Exchange::start_events(HeaderList headers) {
  CHECK(sink_ != nullptr);
  headers.emplace_back("Cache-Control", "no-cache");
  headers.emplace_back("X-Accel-Buffering", "no");
  return EventStream(
      std::exchange(sink_, nullptr)
          ->start_stream(200, "text/event-stream; charset=utf-8", std::move(headers), true));
}

EventStream Exchange::start_stream(std::string content_type, HeaderList headers) {
  CHECK(sink_ != nullptr);
  return EventStream(std::exchange(sink_, nullptr)
                         ->start_stream(200, std::move(content_type), std::move(headers), false));
}

std::string format_event(std::string_view data, std::string_view id, std::string_view event) {
  std::string text;
  text.reserve(data.size() + id.size() + event.size() + 32);
  if (!id.empty()) text.append("id: ").append(id).append("\n");
  if (!event.empty()) text.append("event: ").append(event).append("\n");
  for (;;) {
    const auto end = data.find('\n');
    text.append("data: ").append(data.substr(0, end)).append("\n");
    if (end == std::string_view::npos) break;
    data.remove_prefix(end + 1);
  }
  text += '\n';
  return text;
}

}  // namespace berth::http
