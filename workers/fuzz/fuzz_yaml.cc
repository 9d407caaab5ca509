// SPDX-License-Identifier: Apache-2.0
// Configurations of unknown origin: settings that hold together, or an error.
#include "scratch.h"
#include "vision/model_card.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  static berth::fuzz::Scratch scratch("yaml");
  const auto source = berth::vision::read_config(scratch.fill(bytes, size));
  if (source && source->class_names && source->class_names->size() > size) std::abort();
  return 0;
}
