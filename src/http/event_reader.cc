// SPDX-License-Identifier: Apache-2.0
#include "http/event_reader.h"

#include <utility>

namespace berth::http {

namespace {
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
}  // namespace

EventReader::EventReader(OnEvent on_event) : on_event_(std::move(on_event)) {}

bool EventReader::feed(std::string_view bytes) {
  while (!bytes.empty() && !stopped_) {
    if (std::exchange(skip_lf_, false) && bytes.front() == '\n') {
      bytes.remove_prefix(1);
      continue;
    }
    const auto end = bytes.find_first_of("\r\n");
    if (end == std::string_view::npos) {
      partial_ += bytes;
      break;
    }
    skip_lf_ = bytes[end] == '\r';
    const std::string_view tail = bytes.substr(0, end);
    bytes.remove_prefix(end + 1);
    if (partial_.empty()) {
      stopped_ = !line(tail);
    } else {
      partial_ += tail;
      stopped_ = !line(std::exchange(partial_, {}));
    }
  }
  return !stopped_;
}

bool EventReader::line(std::string_view text) {
  if (std::exchange(at_start_, false) && text.starts_with(kByteOrderMark))
    text.remove_prefix(kByteOrderMark.size());
  if (text.empty()) return dispatch();
  const auto colon = text.find(':');
  if (colon == 0) {
    ++comments_;
    return true;
  }
  const std::string_view field = text.substr(0, colon);
  std::string_view value =
      colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "data") {
    if (has_data_) data_ += '\n';
    data_ += value;
    has_data_ = true;
  } else if (field == "event") {
    event_ = value;
  } else if (field == "id" && value.find('\0') == std::string_view::npos) {
    pending_id_ = value;
  }
  return true;
}

bool EventReader::dispatch() {
  last_id_ = pending_id_;
  Event event{last_id_, event_.empty() ? "message" : std::exchange(event_, {}),
              std::exchange(data_, {})};
  if (!std::exchange(has_data_, false)) return true;
  return on_event_(event);
}

}  // namespace berth::http
