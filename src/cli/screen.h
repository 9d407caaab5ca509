// SPDX-License-Identifier: Apache-2.0
// Where text goes: how wide it may be, whether it may have colour. Rendering code gets a Screen as
// a parameter and never asks the terminal itself, so every view is a pure function.
#pragma once

#include <string>
#include <string_view>

namespace berth::cli {

struct Screen {
  int width = 0;  // columns; 0: no limit (a file or a pipe)
  bool color = false;
  bool live = false;  // a terminal: lines can be drawn again

  /// The width to lay pictures (bars) out in: 80 where there is no limit.
  [[nodiscard]] int columns() const { return width > 0 ? width : 80; }
};

/// Asks the kernel about `fd`. Colour only on a terminal, without NO_COLOR and TERM=dumb.
Screen screen_of(int fd);

enum class Tone { kPlain, kDim, kBold, kGood, kWarn, kBad, kAccent };

/// `text` in the colour of `tone`, or unchanged without colour.
std::string paint(std::string_view text, Tone tone, const Screen& screen);

/// Writes all of `bytes`; false when the reader is gone or the device is full.
bool write_all(int fd, std::string_view bytes);
inline void print(std::string_view text) { (void)write_all(1, text); }
inline void print_error(std::string_view text) { (void)write_all(2, text); }
/// "berth: <text>" on standard error, over a line that may be drawn there.
void note(const std::string& text);

}  // namespace berth::cli
