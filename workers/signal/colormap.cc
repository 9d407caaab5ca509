// SPDX-License-Identifier: Apache-2.0
#include "signal/colormap.h"

#include <algorithm>

namespace berth::signal {
namespace {

struct KindRow {
  ColormapKind kind;
  const char* name;
};
constexpr KindRow kKinds[] = {
    {ColormapKind::kJet, "jet"},       {ColormapKind::kViridis, "viridis"},
    {ColormapKind::kMagma, "magma"},   {ColormapKind::kInferno, "inferno"},
    {ColormapKind::kPlasma, "plasma"}, {ColormapKind::kGray, "gray"},
};

struct Knot {
  double x, y;
};
// matplotlib's _jet_data.
constexpr Knot kJetRed[] = {{0, 0}, {0.35, 0}, {0.66, 1}, {0.89, 1}, {1, 0.5}};
constexpr Knot kJetGreen[] = {{0, 0}, {0.125, 0}, {0.375, 1}, {0.64, 1}, {0.91, 0}, {1, 0}};
constexpr Knot kJetBlue[] = {{0, 0.5}, {0.11, 1}, {0.34, 1}, {0.65, 0}, {1, 0}};

// Red, green, blue; lowest power first.
using Polynomials = double[3][8];
constexpr Polynomials kViridis = {
    {0.260984, 1.05834, -14.0707, 73.6848, -210.441, 315.681, -228.037, 62.8509},
    {0.00357321, 1.49921, -0.871982, -1.19254, 5.00113, -4.60038, 0.407159, 0.65868},
    {0.324254, 2.05849, -10.1624, 41.4818, -117.197, 191.59, -162.57, 54.616}};
constexpr Polynomials kMagma = {
    {0.00652971, -0.347721, 16.6697, -74.6788, 182.93, -240.42, 156.197, -39.3648},
    {-0.0112381, 1.40809, -12.7236, 60.7242, -145.49, 186.249, -117.936, 28.759},
    {0.00132089, 1.57488, 14.4304, -95.8431, 243.75, -331.497, 237.984, -69.6636}};
constexpr Polynomials kInferno = {
    {-0.00358074, 0.436786, 6.75639, -13.3398, -3.65932, 48.1684, -62.8832, 25.5076},
    {-0.00809518, 1.20695, -12.0984, 57.8659, -130.553, 153.556, -87.2813, 18.3018},
    {-0.0012769, 2.00843, 14.3911, -139.309, 457.957, -746.335, 594.201, -182.283}};
constexpr Polynomials kPlasma = {
    {0.0525487, 2.82882, -11.9865, 57.5594, -150.93, 208.813, -145.422, 40.0272},
    {0.0229848, 0.451871, -10.206, 55.1165, -110.263, 101.126, -38.1648, 2.8852},
    {0.53642, 0.32797, 11.1963, -82.9673, 229.376, -319.244, 221.825, -60.9107}};

/// Written as matplotlib does it, in entries instead of 0..1: bytes are cut off, so that the last
/// digit counts.
template <size_t kCount>
double interpolate(const Knot (&knots)[kCount], double entry) {
  size_t i = 1;
  while (i + 1 < kCount && knots[i].x * 255 < entry) ++i;
  const double begin = knots[i - 1].x * 255, end = knots[i].x * 255;
  return (entry - begin) / (end - begin) * (knots[i].y - knots[i - 1].y) + knots[i - 1].y;
}

double evaluate(const double (&coefficients)[8], double x) {
  double value = 0;
  for (int i = 7; i >= 0; --i) value = value * x + coefficients[i];
  return value;
}

const Polynomials& polynomials(ColormapKind kind) {
  switch (kind) {
    case ColormapKind::kMagma:
      return kMagma;
    case ColormapKind::kInferno:
      return kInferno;
    case ColormapKind::kPlasma:
      return kPlasma;
    default:
      return kViridis;
  }
}

std::array<double, 3> colour(ColormapKind kind, double entry) {
  const double x = entry / 255;
  if (kind == ColormapKind::kGray) return {x, x, x};
  if (kind == ColormapKind::kJet) {
    return {interpolate(kJetRed, entry), interpolate(kJetGreen, entry),
            interpolate(kJetBlue, entry)};
  }
  const Polynomials& p = polynomials(kind);
  return {evaluate(p[0], x), evaluate(p[1], x), evaluate(p[2], x)};
}

}  // namespace

std::optional<ColormapKind> colormap_named(const std::string& name) {
  for (const KindRow& row : kKinds) {
    if (name == row.name) return row.kind;
  }
  return std::nullopt;
}

std::string colormap_names() {
  std::string names;
  for (const KindRow& row : kKinds) names += std::string(names.empty() ? "" : ", ") + row.name;
  return names;
}

Colormap make_colormap(ColormapKind kind) {
  Colormap map;
  for (size_t i = 0; i < map.size(); ++i) {
    const auto parts = colour(kind, static_cast<double>(i));
    for (size_t c = 0; c < 3; ++c) {
      // matplotlib cuts off instead of rounding.
      map[i][c] = static_cast<uint8_t>(std::clamp(parts[c], 0.0, 1.0) * 255);
    }
  }
  return map;
}

}  // namespace berth::signal
