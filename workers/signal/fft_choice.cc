// SPDX-License-Identifier: Apache-2.0
#include "signal/fft_kernel.h"

namespace berth::signal {

namespace portable {
extern const Kernels kKernels;
}
#ifdef BERTH_HAS_AVX2
namespace avx2 {
extern const Kernels kKernels;
}
#endif

const Kernels& portable_kernels() { return portable::kKernels; }

const Kernels& kernels() {
#ifdef BERTH_HAS_AVX2
  static const bool usable = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (usable) return avx2::kKernels;
#endif
  return portable::kKernels;
}

}  // namespace berth::signal
