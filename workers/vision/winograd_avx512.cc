// SPDX-License-Identifier: Apache-2.0
#if defined(__x86_64__)
#include "vision/winograd_lanes.h"

namespace berth::vision {

using Floats16 = float __attribute__((vector_size(64)));
const WinogradKernel kWinogradAvx512 = Winograd<Floats16, 12>::kKernel;

}  // namespace berth::vision
#endif
