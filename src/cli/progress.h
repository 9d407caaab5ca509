// SPDX-License-Identifier: Apache-2.0
// Bars, and the one line at the bottom of a terminal that is drawn again and again.
#pragma once

#include <string>
#include <string_view>

#include "cli/screen.h"

namespace berth::cli {

/// `width` columns: `filled` (0..1) in the colour of `tone`, from there to `also` in outline, the
/// rest a thin line. Readable without colour too: "━━━━╍╍──".
std::string bar(double filled, double also, int width, Tone tone, const Screen& screen);

/// Green up to 40 %, amber up to 70 %, red above.
Tone load_tone(double fraction);

/// A line that is overwritten in place on a terminal; elsewhere update() does nothing.
class LiveLine {
 public:
  LiveLine(int fd, const Screen& screen) : fd_(fd), screen_(screen) {}
  ~LiveLine() { clear(); }
  LiveLine(const LiveLine&) = delete;
  LiveLine& operator=(const LiveLine&) = delete;

  /// `text` must fit the screen's width.
  void update(std::string_view text);
  /// Takes the line away, so that ordinary text can be written.
  void clear();
  /// Leaves the line as it stands and goes to the next one.
  void keep();

 private:
  int fd_;
  Screen screen_;
  bool shown_ = false;
};

}  // namespace berth::cli
