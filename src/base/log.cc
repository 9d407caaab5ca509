// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <unistd.h>

#include "base/time.h"

namespace berth::base {

void log(LogLevel level, std::string_view message, LogFields fields) {
  std::string line = iso8601(now());
  line += level == LogLevel::kInfo      ? " info "
          : level == LogLevel::kWarning ? " warning "
                                        : " error ";
  line += message;
  for (const auto& [key, value] : fields) {
    line += ' ';
    line += key;
    line += '=';
    const bool plain = !value.empty() && value.find_first_of(" \"\n=") == std::string::npos;
    if (!plain) line += '"';
    for (const char c : value) {
      if (c == '"' || c == '\\') line += '\\';
      line += c == '\n' ? ' ' : c;
    }
    if (!plain) line += '"';
  }
  line += '\n';
  const int fd = level == LogLevel::kInfo ? STDOUT_FILENO : STDERR_FILENO;
  [[maybe_unused]] const auto written = ::write(fd, line.data(), line.size());
}

}  // namespace berth::base
