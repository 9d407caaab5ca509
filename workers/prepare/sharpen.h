// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "prepare/convolve.h"

namespace berth::prepare {

/// (1 - alpha) times the picture plus alpha times its Laplacian with 8 + lightness in the middle.
Kernel sharpen_kernel(double alpha, double lightness);

}  // namespace berth::prepare
