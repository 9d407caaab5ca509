// SPDX-License-Identifier: Apache-2.0
#include "daemon/allocator_hints.h"

#include <algorithm>
#include <cstdio>

namespace berth::daemon {

std::map<std::string, std::string> allocator_hints(const model::Placement& placement,
                                                   std::optional<base::Bytes> total) {
  if (placement.rule != model::ReservationRule::kRequested || placement.shares.empty()) return {};
  if (!total || total->value <= 0) return {};
  // One figure for all devices: it is a part, and a part of the smallest is below that of others.
  auto least = placement.shares.front().reserved;
  for (const auto& share : placement.shares) least = std::min(least, share.reserved);
  const auto thousandths = least.value / (total->value / 1000 + 1);  // rounded down
  if (thousandths < 1 || thousandths >= 1000) return {};
  char part[16];
  std::snprintf(part, sizeof part, "0.%03d", static_cast<int>(thousandths));
  return {{"XLA_PYTHON_CLIENT_MEM_FRACTION", part},
          {"FLAGS_fraction_of_gpu_memory_to_use", part},  // PaddlePaddle
          {"TF_FORCE_GPU_ALLOW_GROWTH", "true"}};
}

}  // namespace berth::daemon
