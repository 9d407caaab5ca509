// SPDX-License-Identifier: Apache-2.0
#include "signal/window.h"

#include <cmath>

namespace berth::signal {
namespace {

struct WindowRow {
  WindowKind kind;
  const char* name;
  double a0, a1, a2;  // a0 - a1 cos(x) + a2 cos(2 x)
};
constexpr WindowRow kWindows[] = {
    {WindowKind::kHamming, "hamming", 0.54, 0.46, 0},
    {WindowKind::kHann, "hann", 0.5, 0.5, 0},
    {WindowKind::kBlackman, "blackman", 0.42, 0.5, 0.08},
    {WindowKind::kRectangular, "rectangular", 1, 0, 0},
};

}  // namespace

std::optional<WindowKind> window_named(const std::string& name) {
  for (const WindowRow& row : kWindows) {
    if (name == row.name) return row.kind;
  }
  return std::nullopt;
}

std::vector<double> make_window(WindowKind kind, size_t length, bool periodic) {
  std::vector<double> weights(length, 1.0);
  if (length == 1) return weights;
  const double whole = static_cast<double>(periodic ? length : length - 1);
  for (const WindowRow& row : kWindows) {
    if (row.kind != kind) continue;
    for (size_t i = 0; i < length; ++i) {
      const double x = 2 * M_PI * static_cast<double>(i) / whole;
      weights[i] = row.a0 - row.a1 * std::cos(x) + row.a2 * std::cos(2 * x);
    }
  }
  return weights;
}

}  // namespace berth::signal
