// SPDX-License-Identifier: Apache-2.0
// Reads server-sent events from bytes that come in pieces cut anywhere (WHATWG HTML, 9.2.6).
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace berth::http {

struct Event {
  std::string id;     // the last id seen, also by an earlier event
  std::string event;  // "message" when the stream names none
  std::string data;   // lines joined by "\n"
};

class EventReader {
 public:
  /// Returns false to stop reading.
  using OnEvent = std::function<bool(const Event&)>;

  explicit EventReader(OnEvent on_event);

  /// Takes the next bytes; false once a callback has returned false. Fits Client::stream's on_data.
  bool feed(std::string_view bytes);

  /// For the header Last-Event-ID when the stream is opened again.
  [[nodiscard]] const std::string& last_event_id() const { return last_id_; }
  /// Comment lines seen so far: a heartbeat is one.
  [[nodiscard]] std::size_t comments() const { return comments_; }

 private:
  bool line(std::string_view text);
  bool dispatch();

  OnEvent on_event_;
  std::string partial_;
  std::string data_;
  std::string event_;
  std::string last_id_;
  std::string pending_id_;
  std::size_t comments_ = 0;
  bool has_data_ = false;
  bool skip_lf_ = false;
  bool at_start_ = true;
  bool stopped_ = false;
};

}  // namespace berth::http
