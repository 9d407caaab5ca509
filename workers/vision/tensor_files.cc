// SPDX-License-Identifier: Apache-2.0
#include "vision/tensor_files.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/GradMode.h>

#include <cstring>
#include <vector>

#include "checkpoint/safetensors.h"
#include "checkpoint/torch_writer.h"
#include "protocol/text.h"

namespace berth::vision {
namespace {

using checkpoint::Dtype;
using checkpoint::dtype_size;
using checkpoint::TensorView;

struct TypePair {
  Dtype dtype;
  at::ScalarType type;
};
constexpr TypePair kTypes[] = {
    {Dtype::kF64, at::kDouble},    {Dtype::kF32, at::kFloat}, {Dtype::kF16, at::kHalf},
    {Dtype::kBf16, at::kBFloat16}, {Dtype::kI64, at::kLong},  {Dtype::kI32, at::kInt},
    {Dtype::kI16, at::kShort},     {Dtype::kI8, at::kChar},   {Dtype::kU8, at::kByte},
    {Dtype::kBool, at::kBool},
};

at::ScalarType torch_type(Dtype dtype) {
  for (const TypePair& pair : kTypes) {
    if (pair.dtype == dtype) return pair.type;
  }
  return at::kFloat;
}

Dtype file_type(at::ScalarType type) {
  for (const TypePair& pair : kTypes) {
    if (pair.type == type) return pair.dtype;
  }
  return Dtype::kF32;
}

}  // namespace

at::Tensor as_tensor(const TensorView& view) {
  const at::ScalarType type = torch_type(view.dtype);
  if (reinterpret_cast<uintptr_t>(view.bytes) % dtype_size(view.dtype) == 0) {
    return at::from_blob(const_cast<uint8_t*>(view.bytes), view.shape, type);
  }
  at::Tensor aligned = at::empty(view.shape, type);
  std::memcpy(aligned.data_ptr(), view.bytes, view.size);
  return aligned;
}

protocol::Status write_tensors(const std::string& path,
                               const std::map<std::string, at::Tensor>& tensors,
                               const std::map<std::string, std::string>& metadata) {
  const c10::NoGradGuard no_grad;
  std::vector<at::Tensor> alive;
  std::vector<TensorView> views;
  for (const auto& [name, tensor] : tensors) {
    alive.push_back(tensor.detach().to(at::kCPU).contiguous());
    TensorView view;
    view.name = name;
    view.dtype = file_type(alive.back().scalar_type());
    view.shape = alive.back().sizes().vec();
    view.bytes = static_cast<const uint8_t*>(alive.back().data_ptr());
    view.size = static_cast<uint64_t>(alive.back().numel()) * dtype_size(view.dtype);
    views.push_back(std::move(view));
  }
  if (protocol::ends_with(path, ".pth") || protocol::ends_with(path, ".pt")) {
    return checkpoint::write_torch(path, views);
  }
  return checkpoint::write_safetensors(path, std::move(views), metadata);
}

}  // namespace berth::vision
