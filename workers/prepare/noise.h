// SPDX-License-Identifier: Apache-2.0
// The two kinds of camera noise with their strength given.
#pragma once

#include "dataset/random.h"
#include "image/bitmap.h"

namespace berth::prepare {

/// To each value its own normal deviate of mean 0; `variance` in squares of 1/255.
image::Bitmap gauss_noise(const image::Bitmap& picture, double variance, dataset::Random* random);

/// In HLS: L += intensity * Poisson(intensity * standard deviation of L) * (1 - L), and the hue
/// gets a normal deviate of color_shift * intensity full circles. Both 0..1.
image::Bitmap iso_noise(const image::Bitmap& picture, double color_shift, double intensity,
                        dataset::Random* random);

}  // namespace berth::prepare
