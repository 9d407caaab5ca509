// SPDX-License-Identifier: Apache-2.0
// Colours for numbers, 256 of each kind.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace berth::signal {

enum class ColormapKind {
  kJet,  ///< byte for byte what matplotlib 3.6 makes of its piecewise linear segments
  // Polynomials of degree 7 fitted to matplotlib's tables (CC0): at most 4 of 255 away from them.
  kViridis,
  kMagma,
  kInferno,
  kPlasma,
  kGray,
};

/// "jet" and so on; nothing for an unknown name.
std::optional<ColormapKind> colormap_named(const std::string& name);
/// All names, comma separated.
std::string colormap_names();

using Colormap = std::array<std::array<uint8_t, 3>, 256>;

/// colours[i] is for i / 255. A value x of 0..1 takes entry min(255, floor(256 x)), as in
/// matplotlib.
Colormap make_colormap(ColormapKind kind);

}  // namespace berth::signal
