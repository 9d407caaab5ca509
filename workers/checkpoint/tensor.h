// SPDX-License-Identifier: Apache-2.0
// What a file says of a tensor. Knows nothing of torch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::checkpoint {

enum class Dtype { kF64, kF32, kF16, kBf16, kI64, kI32, kI16, kI8, kU8, kBool };

/// Bytes of one element.
size_t dtype_size(Dtype dtype);
/// The name in the file, for example "F32".
const char* dtype_name(Dtype dtype);
/// The dtype of that name; nothing if there is none.
std::optional<Dtype> dtype_of(std::string_view name);
/// Bytes of a tensor; nothing if a side is negative or the product does not fit.
std::optional<uint64_t> byte_size(const std::vector<int64_t>& shape, Dtype dtype);

/// A tensor's description and its bytes, which belong to somebody else.
struct TensorView {
  std::string name;
  Dtype dtype = Dtype::kF32;
  std::vector<int64_t> shape;      ///< empty: a scalar
  const uint8_t* bytes = nullptr;  ///< row-major, little-endian, at any address
  uint64_t size = 0;               ///< bytes, = product of shape * dtype_size
};

}  // namespace berth::checkpoint
