// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "device/sampler.h"

int main(int argc, char** argv) {
  const auto options = berth::device::parse_sampler_arguments({argv + 1, argv + argc});
  if (!options) {
    std::fprintf(stderr, "%s\n", options.error().message.c_str());
    return 2;
  }
  return berth::device::run_sampler(*options, 0, berth::device::kSamplerFd);
}
