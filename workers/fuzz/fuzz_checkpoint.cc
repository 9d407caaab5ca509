// SPDX-License-Identifier: Apache-2.0
// CheckpointFile on any bytes: it may refuse them, but what it hands out must be readable.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "checkpoint/checkpoint_file.h"
#include "checkpoint/inspect.h"
#include "protocol/event_writer.h"
#include "protocol/json_text.h"
#include "scratch.h"

namespace {

using berth::checkpoint::CheckpointFile;
using berth::checkpoint::TensorView;

void require(bool condition) {
  if (!condition) std::abort();
}

bool is_utf8(const std::string& text) { return berth::protocol::valid_utf8(text) == text; }

/// Reads every byte once, so that a sanitizer sees a view that reaches too far.
unsigned touch(const TensorView& tensor) {
  unsigned sum = 0;
  for (uint64_t i = 0; i < tensor.size; ++i) sum += tensor.bytes[i];
  return sum;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  static berth::fuzz::Scratch scratch("checkpoint");
  constexpr uint64_t kMostTouched = 64u << 20;  // of tensors that share their bytes
  auto file = CheckpointFile::open(scratch.fill(bytes, size));
  if (!file) {
    require(!file.error().message.empty() && is_utf8(file.error().message));
    return 0;
  }
  const CheckpointFile moved = std::move(*file);
  uint64_t touched = 0;
  volatile unsigned sum = 0;
  for (const auto& [name, tensor] : moved.tensors()) {
    require(name == tensor.name &&
            tensor.size == berth::checkpoint::byte_size(tensor.shape, tensor.dtype));
    require(tensor.size == 0 || tensor.bytes != nullptr);
    touched += tensor.size;
    if (touched < kMostTouched) sum = sum + touch(tensor);
  }
  for (const auto& [key, value] : moved.metadata()) require(is_utf8(key) && is_utf8(value));
  require(is_utf8(berth::checkpoint::inspection_text(moved, "x", true)));
  require(
      !berth::protocol::json_text(berth::checkpoint::inspection_json(moved, "x", true)).empty());
  return 0;
}
