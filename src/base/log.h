// SPDX-License-Identifier: Apache-2.0
// The daemon's own log: a constant message and structured fields. Information goes to standard
// output; warnings and errors to standard error, which stays empty in a healthy run.
// Thread-safe: one write per line.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace berth::base {

enum class LogLevel { kInfo, kWarning, kError };

using LogFields = std::initializer_list<std::pair<std::string_view, std::string>>;

void log(LogLevel level, std::string_view message, LogFields fields = {});
inline void log_info(std::string_view message, LogFields fields = {}) {
  log(LogLevel::kInfo, message, fields);
}
inline void log_warning(std::string_view message, LogFields fields = {}) {
  log(LogLevel::kWarning, message, fields);
}
inline void log_error(std::string_view message, LogFields fields = {}) {
  log(LogLevel::kError, message, fields);
}

}  // namespace berth::base
