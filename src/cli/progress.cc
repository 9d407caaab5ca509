// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <algorithm>
#include <cmath>

namespace berth::cli {

namespace {

std::string repeat(std::string_view piece, int count) {
  std::string result;
  for (int i = 0; i < count; ++i) result += piece;
  return result;
}

}  // namespace

std::string bar(double filled, double also, int width, Tone tone, const Screen& screen) {
  const auto cells = [&](double fraction) {
    if (!(fraction > 0)) return 0;
    const int count = static_cast<int>(std::lround(std::min(fraction, 1.0) * width));
    return std::clamp(count, 1, width);  // something is never shown as nothing
  };
  const int full = cells(filled);
  const int outline = std::max(0, cells(also) - full);
  return paint(repeat("━", full), tone, screen) +
         paint(repeat("╍", outline), Tone::kAccent, screen) +
         paint(repeat("─", width - full - outline), Tone::kDim, screen);
}

Tone load_tone(double fraction) {
  return fraction <= 0.4 ? Tone::kGood : fraction <= 0.7 ? Tone::kWarn : Tone::kBad;
}

void LiveLine::update(std::string_view text) {
  if (!screen_.live) return;
  (void)write_all(fd_, "\r" + std::string(text) + "\x1b[K");
  shown_ = true;
}

void LiveLine::clear() {
  if (!shown_) return;
  (void)write_all(fd_, "\r\x1b[K");
  shown_ = false;
}

void LiveLine::keep() {
  if (!shown_) return;
  (void)write_all(fd_, "\n");
  shown_ = false;
}

}  // namespace berth::cli
