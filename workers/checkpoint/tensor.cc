// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/tensor.h"

#include <algorithm>
#include <iterator>

namespace berth::checkpoint {
namespace {

struct DtypeRow {
  Dtype dtype;
  const char* name;
  size_t size;
};
constexpr DtypeRow kDtypes[] = {
    {Dtype::kF64, "F64", 8},   {Dtype::kF32, "F32", 4}, {Dtype::kF16, "F16", 2},
    {Dtype::kBf16, "BF16", 2}, {Dtype::kI64, "I64", 8}, {Dtype::kI32, "I32", 4},
    {Dtype::kI16, "I16", 2},   {Dtype::kI8, "I8", 1},   {Dtype::kU8, "U8", 1},
    {Dtype::kBool, "BOOL", 1},
};

const DtypeRow& row_of(Dtype dtype) {
  return *std::find_if(std::begin(kDtypes), std::end(kDtypes),
                       [&](const DtypeRow& row) { return row.dtype == dtype; });
}

}  // namespace

size_t dtype_size(Dtype dtype) { return row_of(dtype).size; }
const char* dtype_name(Dtype dtype) { return row_of(dtype).name; }

std::optional<Dtype> dtype_of(std::string_view name) {
  const auto row = std::find_if(std::begin(kDtypes), std::end(kDtypes),
                                [&](const DtypeRow& r) { return name == r.name; });
  if (row == std::end(kDtypes)) return std::nullopt;
  return row->dtype;
}

std::optional<uint64_t> byte_size(const std::vector<int64_t>& shape, Dtype dtype) {
  uint64_t size = dtype_size(dtype);
  bool empty = false;
  for (const int64_t side : shape) {
    if (side < 0) return std::nullopt;
    empty |= side == 0;
  }
  if (empty) return 0;
  for (const int64_t side : shape) {
    if (__builtin_mul_overflow(size, static_cast<uint64_t>(side), &size)) return std::nullopt;
  }
  return size;
}

}  // namespace berth::checkpoint
