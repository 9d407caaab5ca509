// SPDX-License-Identifier: Apache-2.0
// Tensors as PyTorch's pickles describe them: a call of torch._utils._rebuild_tensor_v2 (or one of
// its relatives) with a storage outside of the pickle, an offset, a shape and strides.
// Source: torch/_utils.py and torch/serialization.py of PyTorch 1.13 and 2.x.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/pickle.h"
#include "checkpoint/tensor.h"

namespace berth::checkpoint {

/// A storage that a pickle refers to: ("storage", class, key, device, number of elements).
struct StorageRecord {
  std::string key;
  std::string class_name;      ///< "torch.FloatStorage"
  std::optional<Dtype> dtype;  ///< nothing: a type that tensor.h does not have, or untyped bytes
  size_t element_size = 0;     ///< bytes, known for those too; 0: an unknown class
  uint64_t elements = 0;
  uint64_t view_begin = 0, view_elements = 0;  ///< PyTorch before 0.4: a part of another storage
};

struct TensorRecord {
  StorageRecord storage;
  Dtype dtype = Dtype::kF32;
  uint64_t offset = 0;  ///< in elements
  std::vector<int64_t> shape, stride;
};

/// Nothing if `value` does not refer to a storage.
std::optional<StorageRecord> storage_record(const Pickle& pickle, const Value& value);

/// Nothing if `value` is no tensor. The error says what is special about one that cannot be read:
/// "has the type torch.ComplexFloatStorage, which ...".
tl::expected<std::optional<TensorRecord>, std::string> tensor_record(const Pickle& pickle,
                                                                     const Value& value);

/// Memory for tensors that do not lie in the file as they are used.
struct OwnedTensors {
  std::deque<std::vector<uint8_t>> buffers;  // a deque: moving it moves no buffer
  uint64_t bytes_left = 0;                   ///< how much more may be taken
};

/// Where the tensor's elements are, row-major: in `storage` if they lie so there, else copied into
/// `owned`. Nothing in `record` is trusted. The error says what is wrong with the tensor.
tl::expected<TensorView, std::string> place_tensor(const std::string& name,
                                                   const TensorRecord& record,
                                                   std::string_view storage, OwnedTensors* owned);

}  // namespace berth::checkpoint
