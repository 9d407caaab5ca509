// SPDX-License-Identifier: Apache-2.0
// Blur with a generalised Gaussian kernel, turned and disturbed.
#pragma once

#include "dataset/random.h"
#include "prepare/convolve.h"

namespace berth::prepare {

struct BlurShape {
  int side = 7;                            ///< odd, pixels
  double sigma_x = 7, sigma_y = 7;         ///< pixels, along the turned axes
  double angle = 0;                        ///< radians
  double beta = 1;                         ///< 1: Gaussian; below: peaked; above: flat
  double least_noise = 1, most_noise = 1;  ///< range of the factors that disturb the kernel
};

/// exp(-0.5 * (p' S^-1 p)^beta) at the pixels p around the centre, with S = R diag(sigma_x^2,
/// sigma_y^2) R' and R the turn by `angle`; each value times a factor drawn from the noise range;
/// then divided by the sum. Source: Pascal et al., "Parameter Estimation For Multivariate
/// Generalized Gaussian Distributions", IEEE TSP 2013, as albumentations' AdvancedBlur uses it.
Kernel blur_kernel(const BlurShape& shape, dataset::Random* random);

}  // namespace berth::prepare
