// SPDX-License-Identifier: Apache-2.0
// Cutting a stream of bytes into lines so that the result does not depend on how the bytes arrive,
// and starting again at the end of any line gives the same lines. Pure. Internal to this folder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace berth::supervise {

/// Lines of an events file. One that is too long is not kept but reported by its length.
class EventLines {
 public:
  static constexpr std::size_t kLongest = 1U << 20;
  /// `length` is that of the line; when it is above kLongest the text is only its beginning.
  using Emit =
      std::function<void(std::string_view line, std::size_t length, std::uint64_t end_offset)>;

  void add(std::string_view bytes, const Emit& emit);
  /// What is left at the end of the file without a line feed counts as a line.
  void end(const Emit& emit);
  [[nodiscard]] std::uint64_t offset() const { return offset_; }  // behind the last byte added

 private:
  void keep(std::string_view bytes);
  std::string line_;
  std::size_t length_ = 0;
  std::uint64_t offset_ = 0;
};

/// Lines of a program's output. Of a line that carriage returns wrote over, the last state is
/// kept; a longer one than kLongest comes in pieces, never cut inside a UTF-8 sequence.
class OutputLines {
 public:
  static constexpr std::size_t kLongest = 64U << 10;
  using Emit = std::function<void(std::string_view line, std::uint64_t end_offset)>;

  explicit OutputLines(std::uint64_t offset) : offset_(offset) {}
  void add(std::string_view bytes, const Emit& emit);
  void end(const Emit& emit);
  /// Goes on behind bytes that are lost; what was pending goes with them.
  void skip_to(std::uint64_t offset);
  [[nodiscard]] std::uint64_t offset() const { return offset_; }

 private:
  void keep(std::string_view bytes, const Emit& emit);
  std::string line_;
  bool returned_ = false;  // carriage returns were seen behind line_, and nothing since
  std::uint64_t offset_ = 0;
};

}  // namespace berth::supervise
