// SPDX-License-Identifier: Apache-2.0
#include "cli/screen.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/text.h"

namespace berth::cli {

Screen screen_of(int fd) {
  Screen screen;
  const char* term = std::getenv("TERM");
  screen.live = isatty(fd) == 1;
  const char* no_color = std::getenv("NO_COLOR");
  const bool dumb = term != nullptr && std::string_view(term) == "dumb";
  screen.color = screen.live && !dumb && (no_color == nullptr || *no_color == '\0');
  if (screen.live) {
    winsize size{};
    screen.width = ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
    if (dumb) screen.live = false;
  }
  if (const char* columns = std::getenv("COLUMNS"); columns != nullptr && !screen.live) {
    screen.width = static_cast<int>(base::parse_number(columns).value_or(screen.width));
  }
  return screen;
}

std::string paint(std::string_view text, Tone tone, const Screen& screen) {
  if (!screen.color || tone == Tone::kPlain || text.empty()) return std::string(text);
  std::string_view code;
  switch (tone) {
    case Tone::kDim:
      code = "2";
      break;
    case Tone::kBold:
      code = "1";
      break;
    case Tone::kGood:
      code = "32";
      break;
    case Tone::kWarn:
      code = "33";
      break;
    case Tone::kBad:
      code = "31";
      break;
    case Tone::kAccent:
      code = "36";
      break;
    case Tone::kPlain:
      break;
  }
  return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {  // somebody made our output non-blocking
      pollfd waiter{fd, POLLOUT, 0};
      (void)poll(&waiter, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

void note(const std::string& text) {
  print_error((screen_of(2).live ? "\r\x1b[K" : "") + std::string("berth: ") + text + "\n");
}

}  // namespace berth::cli
