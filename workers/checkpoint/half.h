// SPDX-License-Identifier: Apache-2.0
// Floating-point numbers of 16 bits and back, rounded to nearest, ties to even, as IEEE 754 has it.
#pragma once

#include <cstdint>

namespace berth::checkpoint {

/// binary16. Beyond 65504 (after rounding) an infinity; a NaN stays one.
uint16_t to_half(float value);
float from_half(uint16_t bits);

/// The upper half of a binary32. A NaN stays one.
uint16_t to_bfloat16(float value);
float from_bfloat16(uint16_t bits);

}  // namespace berth::checkpoint
