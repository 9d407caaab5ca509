// SPDX-License-Identifier: Apache-2.0
#if defined(__x86_64__)
#include "vision/winograd_lanes.h"

namespace berth::vision {

using Floats8 = float __attribute__((vector_size(32)));
const WinogradKernel kWinogradAvx2 = Winograd<Floats8, 6>::kKernel;

}  // namespace berth::vision
#endif
