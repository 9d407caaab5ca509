// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/quoted.h"

#include "protocol/event_writer.h"

namespace berth::checkpoint {

std::string readable(std::string_view text, size_t most) {
  const bool shortened = text.size() > most;
  std::string plain(text.substr(0, most));
  for (char& character : plain) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte < 0x20 || byte == 0x7F) character = '\xFF';  // no part of UTF-8
  }
  plain = protocol::valid_utf8(std::move(plain));
  // U+0080 to U+009F are control characters too.
  for (size_t i = 0; i + 1 < plain.size(); ++i) {
    const auto second = static_cast<unsigned char>(plain[i + 1]);
    if (plain[i] == '\xC2' && second >= 0x80 && second <= 0x9F) plain.replace(i, 2, "\xEF\xBF\xBD");
  }
  return shortened ? plain + "..." : plain;
}

std::string quoted(std::string_view text) { return "\"" + readable(text) + "\""; }

}  // namespace berth::checkpoint
