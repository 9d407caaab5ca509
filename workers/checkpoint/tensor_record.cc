// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/tensor_record.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "checkpoint/quoted.h"

namespace berth::checkpoint {
namespace {

using Wrong = tl::unexpected<std::string>;

constexpr size_t kMostDimensions = 64;

struct StorageClass {
  const char* name;
  std::optional<Dtype> dtype;
  size_t element_size;
};
const StorageClass kStorageClasses[] = {
    {"DoubleStorage", Dtype::kF64, 8},        {"FloatStorage", Dtype::kF32, 4},
    {"HalfStorage", Dtype::kF16, 2},          {"BFloat16Storage", Dtype::kBf16, 2},
    {"LongStorage", Dtype::kI64, 8},          {"IntStorage", Dtype::kI32, 4},
    {"ShortStorage", Dtype::kI16, 2},         {"CharStorage", Dtype::kI8, 1},
    {"ByteStorage", Dtype::kU8, 1},           {"BoolStorage", Dtype::kBool, 1},
    {"ComplexFloatStorage", std::nullopt, 8}, {"ComplexDoubleStorage", std::nullopt, 16},
    {"QUInt8Storage", std::nullopt, 1},       {"QInt8Storage", std::nullopt, 1},
    {"QInt32Storage", std::nullopt, 4},       {"QUInt4x2Storage", std::nullopt, 1},
    {"QUInt2x4Storage", std::nullopt, 1},     {"UntypedStorage", std::nullopt, 1},
    {"_UntypedStorage", std::nullopt, 1},
};

struct TypeName {
  const char* name;
  Dtype dtype;
};
constexpr TypeName kTypeNames[] = {
    {"torch.float64", Dtype::kF64}, {"torch.float32", Dtype::kF32},
    {"torch.float16", Dtype::kF16}, {"torch.bfloat16", Dtype::kBf16},
    {"torch.int64", Dtype::kI64},   {"torch.int32", Dtype::kI32},
    {"torch.int16", Dtype::kI16},   {"torch.int8", Dtype::kI8},
    {"torch.uint8", Dtype::kU8},    {"torch.bool", Dtype::kBool},
};

std::optional<uint64_t> count_of(const Value& value) {
  if (value.kind != ValueKind::kInt || value.integer < 0) return std::nullopt;
  return static_cast<uint64_t>(value.integer);
}

/// A tuple of counts, as such, as a list or as a torch.Size.
std::optional<std::vector<int64_t>> counts_of(const Pickle& pickle, const Value& value) {
  const Value* list = &value;
  if (pickle.class_of(value) == "torch.Size") {
    const Value& arguments = pickle.at(value.arguments);
    if (arguments.items.size() != 1) return std::nullopt;
    list = &pickle.at(arguments.items[0]);
  }
  if (list->kind != ValueKind::kTuple && list->kind != ValueKind::kList) return std::nullopt;
  if (list->items.size() > kMostDimensions) return std::nullopt;
  std::vector<int64_t> counts;
  for (const ValueId id : list->items) {
    if (!count_of(pickle.at(id))) return std::nullopt;
    counts.push_back(pickle.at(id).integer);
  }
  return counts;
}

/// What is called with what, after taking off the calls that only wrap a tensor.
struct Call {
  std::string_view function;
  const std::vector<ValueId>* arguments = nullptr;
};

std::optional<Call> tensor_call(const Pickle& pickle, const Value& value) {
  const Value* object = &value;
  for (int wraps = 0; wraps < 4 && object->kind == ValueKind::kObject; ++wraps) {
    const std::string_view function = pickle.class_of(*object);
    const auto& arguments = pickle.at(object->arguments).items;
    if (function == "torch._utils._rebuild_parameter" ||
        function == "torch._utils._rebuild_parameter_with_state") {
      if (arguments.empty()) return std::nullopt;
      object = &pickle.at(arguments[0]);
    } else if (function == "torch._tensor._rebuild_from_type_v2" ||
               function == "torch._tensor._rebuild_from_type" ||
               function == "torch.tensor._rebuild_from_type") {
      // A subclass of Tensor: (function, class, its arguments, state).
      if (arguments.size() < 3 || pickle.at(arguments[0]).kind != ValueKind::kGlobal) {
        return std::nullopt;
      }
      return Call{pickle.at(arguments[0]).text, &pickle.at(arguments[2]).items};
    } else if (function.substr(0, 13) == "torch._utils." && function.substr(13, 9) == "_rebuild_") {
      return Call{function, &arguments};
    } else {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

/// One more than the largest index that shape and strides reach, nothing if that does not fit.
std::optional<uint64_t> reach(const TensorRecord& record) {
  uint64_t end = 0;
  if (__builtin_add_overflow(record.offset, uint64_t{1}, &end)) return std::nullopt;
  for (size_t i = 0; i < record.shape.size(); ++i) {
    uint64_t step = 0;
    if (__builtin_mul_overflow(static_cast<uint64_t>(record.shape[i] - 1),
                               static_cast<uint64_t>(record.stride[i]), &step) ||
        __builtin_add_overflow(end, step, &end)) {
      return std::nullopt;
    }
  }
  return end;
}

bool is_row_major(const TensorRecord& record) {
  uint64_t expected = 1;
  for (size_t i = record.shape.size(); i-- > 0;) {
    const auto side = static_cast<uint64_t>(record.shape[i]);
    if (side == 1) continue;
    if (static_cast<uint64_t>(record.stride[i]) != expected) return false;
    expected *= side;
  }
  return true;
}

/// Copies the elements in the order of their indices. Everything was checked before.
void gather(const TensorRecord& record, const uint8_t* storage, uint8_t* out) {
  const size_t width = dtype_size(record.dtype);
  const size_t dimensions = record.shape.size();
  const auto inner = static_cast<uint64_t>(record.shape[dimensions - 1]);
  const auto inner_step = static_cast<uint64_t>(record.stride[dimensions - 1]) * width;
  std::vector<int64_t> index(dimensions, 0);
  uint64_t at = record.offset * width;
  for (;;) {
    for (uint64_t i = 0; i < inner; ++i, out += width) {
      std::memcpy(out, storage + at + i * inner_step, width);
    }
    size_t dimension = dimensions - 1;
    for (;;) {
      if (dimension == 0) return;
      --dimension;
      at += static_cast<uint64_t>(record.stride[dimension]) * width;
      if (++index[dimension] < record.shape[dimension]) break;
      at -= static_cast<uint64_t>(record.stride[dimension]) * width *
            static_cast<uint64_t>(record.shape[dimension]);
      index[dimension] = 0;
    }
  }
}

}  // namespace

std::optional<StorageRecord> storage_record(const Pickle& pickle, const Value& value) {
  if (value.kind != ValueKind::kPersistent) return std::nullopt;
  const auto& id = pickle.at(value.arguments).items;
  if (id.size() < 5 || pickle.at(id[0]).text != "storage") return std::nullopt;
  StorageRecord record;
  const auto elements = count_of(pickle.at(id[4]));
  if (pickle.at(id[1]).kind != ValueKind::kGlobal || pickle.at(id[2]).kind != ValueKind::kText ||
      !elements) {
    return std::nullopt;
  }
  record.class_name = pickle.at(id[1]).text;
  record.key = pickle.at(id[2]).text;
  record.elements = *elements;
  record.view_elements = record.elements;
  if (record.class_name.compare(0, 6, "torch.") != 0) return record;
  const std::string last = record.class_name.substr(record.class_name.rfind('.') + 1);
  const auto row = std::find_if(std::begin(kStorageClasses), std::end(kStorageClasses),
                                [&](const StorageClass& c) { return c.name == last; });
  if (row != std::end(kStorageClasses)) {
    record.dtype = row->dtype;
    record.element_size = row->element_size;
  }
  if (id.size() > 5 && pickle.at(id[5]).kind == ValueKind::kTuple) {
    const auto& view = pickle.at(id[5]).items;  // (key, first element, number of elements)
    const auto begin = view.size() == 3 ? count_of(pickle.at(view[1])) : std::nullopt;
    const auto count = view.size() == 3 ? count_of(pickle.at(view[2])) : std::nullopt;
    if (!begin || !count) return std::nullopt;
    record.view_begin = *begin;
    record.view_elements = *count;
  }
  return record;
}

tl::expected<std::optional<TensorRecord>, std::string> tensor_record(const Pickle& pickle,
                                                                     const Value& value) {
  const auto call = tensor_call(pickle, value);
  if (!call) return std::nullopt;
  const bool typed = call->function == "torch._utils._rebuild_tensor_v3";
  if (!typed && call->function != "torch._utils._rebuild_tensor_v2" &&
      call->function != "torch._utils._rebuild_tensor") {
    return Wrong("is made by " + readable(call->function) +
                 ", which is not supported (quantised, sparse and nested tensors are not): save it "
                 "as a dense tensor");
  }
  const auto& arguments = *call->arguments;
  if (arguments.size() < (typed ? 7u : 4u)) return Wrong("lacks a storage, a shape or strides");
  const auto storage = storage_record(pickle, pickle.at(arguments[0]));
  if (!storage) {
    return Wrong(
        "has a storage that is not understood (pickle protocol 0? torch.load cannot read "
        "that either: save it with the usual protocol)");
  }
  TensorRecord record;
  record.storage = *storage;
  if (typed) {
    const std::string_view name = pickle.at(arguments[6]).text;
    const auto row = std::find_if(std::begin(kTypeNames), std::end(kTypeNames),
                                  [&](const TypeName& t) { return name == t.name; });
    if (row == std::end(kTypeNames)) {
      return Wrong("has the type " + readable(name) + ", which is not supported");
    }
    record.dtype = row->dtype;
  } else if (storage->dtype) {
    record.dtype = *storage->dtype;
  } else {
    return Wrong("has the type " + readable(storage->class_name) +
                 ", which is not supported: convert it to a real floating-point or integer type");
  }
  const auto offset = count_of(pickle.at(arguments[1]));
  auto shape = counts_of(pickle, pickle.at(arguments[2]));
  auto stride = counts_of(pickle, pickle.at(arguments[3]));
  if (!offset || !shape || !stride || shape->size() != stride->size()) {
    return Wrong("has an offset, a shape or strides that are no counts");
  }
  record.offset = *offset;
  record.shape = std::move(*shape);
  record.stride = std::move(*stride);
  return record;
}

tl::expected<TensorView, std::string> place_tensor(const std::string& name,
                                                   const TensorRecord& record,
                                                   std::string_view storage, OwnedTensors* owned) {
  const size_t width = dtype_size(record.dtype);
  const auto size = byte_size(record.shape, record.dtype);
  if (!size) return Wrong("has a shape too large for any memory");
  TensorView view;
  view.name = name;
  view.dtype = record.dtype;
  view.shape = record.shape;
  view.size = *size;
  if (view.size == 0) return view;
  const StorageRecord& whole = record.storage;
  if (whole.element_size == 0) {
    return Wrong("has the unknown storage type " + readable(whole.class_name));
  }
  const uint64_t stored = storage.size() / whole.element_size;
  if (whole.view_begin > stored || whole.view_elements > stored - whole.view_begin) {
    return Wrong("lies in a storage of " + std::to_string(whole.view_elements) +
                 " elements, for which the file has " + std::to_string(storage.size()) + " bytes");
  }
  storage = storage.substr(whole.view_begin * whole.element_size,
                           whole.view_elements * whole.element_size);
  const auto end = reach(record);
  if (!end || *end > storage.size() / width) {
    return Wrong("reaches beyond the end of its storage of " +
                 std::to_string(storage.size() / width) + " elements");
  }
  const auto* bytes = reinterpret_cast<const uint8_t*>(storage.data());
  if (is_row_major(record)) {
    view.bytes = bytes + record.offset * width;
    return view;
  }
  if (view.size > owned->bytes_left) {
    return Wrong("is not laid out row-major and would take " + std::to_string(view.size) +
                 " bytes more of memory than a file of this size may");
  }
  owned->bytes_left -= view.size;
  auto& buffer = owned->buffers.emplace_back(view.size);
  gather(record, bytes, buffer.data());
  view.bytes = buffer.data();
  return view;
}

}  // namespace berth::checkpoint
