// SPDX-License-Identifier: Apache-2.0
// Window functions as scipy.signal.windows has them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace berth::signal {

enum class WindowKind { kHamming, kHann, kBlackman, kRectangular };

/// "hamming", "hann", "blackman", "rectangular"; nothing for an unknown name.
std::optional<WindowKind> window_named(const std::string& name);

/// `length` weights, cosine sums with the coefficients 0.54/0.46, 0.5/0.5, 0.42/0.5/0.08.
/// Symmetric: the first equals the last. Periodic: the first `length` of a symmetric one that is
/// longer by one. A length of 1 gives a weight of 1.
std::vector<double> make_window(WindowKind kind, size_t length, bool periodic);

}  // namespace berth::signal
