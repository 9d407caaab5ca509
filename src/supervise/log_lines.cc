// SPDX-License-Identifier: Apache-2.0
#include "supervise/log_lines.h"

#include <algorithm>

namespace berth::supervise {
namespace {

// How many bytes at the end of `text` begin a UTF-8 sequence that is not complete: 0 to 3.
std::size_t incomplete_tail(std::string_view text) {
  for (std::size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xC0U) == 0x80U) continue;  // within a sequence
    const std::size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}

}  // namespace

void EventLines::keep(std::string_view bytes) {
  length_ += bytes.size();
  offset_ += bytes.size();
  if (line_.size() <= kLongest) line_ += bytes.substr(0, kLongest + 1 - line_.size());
}

void EventLines::add(std::string_view bytes, const Emit& emit) {
  while (!bytes.empty()) {
    const auto feed = bytes.find('\n');
    keep(bytes.substr(0, feed));
    if (feed == std::string_view::npos) return;
    ++offset_;
    bytes.remove_prefix(feed + 1);
    emit(line_, length_, offset_);
    line_.clear();
    length_ = 0;
  }
}

void EventLines::end(const Emit& emit) {
  if (length_ > 0) emit(line_, length_, offset_);
  line_.clear();
  length_ = 0;
}

void OutputLines::keep(std::string_view bytes, const Emit& emit) {
  if (bytes.empty()) return;
  if (returned_) line_.clear();
  returned_ = false;
  while (!bytes.empty()) {
    if (line_.size() == kLongest) {
      const std::size_t tail = incomplete_tail(line_);
      emit(std::string_view(line_).substr(0, kLongest - tail), offset_ - tail);
      line_.erase(0, kLongest - tail);
    }
    const std::size_t taken = std::min(bytes.size(), kLongest - line_.size());
    line_ += bytes.substr(0, taken);
    offset_ += taken;
    bytes.remove_prefix(taken);
  }
}

void OutputLines::add(std::string_view bytes, const Emit& emit) {
  while (!bytes.empty()) {
    const auto stop = bytes.find_first_of("\r\n");
    keep(bytes.substr(0, stop), emit);
    if (stop == std::string_view::npos) return;
    ++offset_;
    if (bytes[stop] == '\r') {
      returned_ = true;
    } else {
      emit(line_, offset_);
      line_.clear();
      returned_ = false;
    }
    bytes.remove_prefix(stop + 1);
  }
}

void OutputLines::end(const Emit& emit) {
  if (!line_.empty()) emit(line_, offset_);
  line_.clear();
  returned_ = false;
}

void OutputLines::skip_to(std::uint64_t offset) {
  line_.clear();
  returned_ = false;
  offset_ = offset;
}

}  // namespace berth::supervise
