// SPDX-License-Identifier: Apache-2.0
#include "vision/linear.h"

#include <ATen/Context.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/linear.h>
#include <dlfcn.h>
#include <torch/csrc/autograd/custom_function.h>

#include <new>

#include "runtime/torch_compat.h"

namespace berth::vision {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace {

/// C = alpha op(A) op(B) + beta C, all row after row; 0 for success. oneDNN's C interface
/// (oneapi-src/oneDNN, dnnl.h), which has been the same since its version 1.
using Sgemm = int (*)(char transpose_a, char transpose_b, int64_t rows, int64_t columns,
                      int64_t inner, float alpha, const float* a, int64_t a_stride, const float* b,
                      int64_t b_stride, float beta, float* c, int64_t c_stride);

/// Null where torch brings no oneDNN that others may call, and where it has MKL. On other
/// processors than x86 oneDNN's product may be its plain reference.
Sgemm sgemm() {
#if defined(__x86_64__)
  static const auto function =
      at::hasMKL() ? nullptr : reinterpret_cast<Sgemm>(::dlsym(RTLD_DEFAULT, "dnnl_sgemm"));
  return function;
#else
  return nullptr;
#endif
}

constexpr int kOutOfMemory = 1;  // dnnl_out_of_memory

struct Matrix {
  const Tensor& values;  // contiguous; its last size is the length of a row
  bool transposed;

  int64_t stride() const { return values.size(-1); }
  int64_t others() const { return values.numel() / stride(); }
  int64_t rows() const { return transposed ? stride() : others(); }
  int64_t columns() const { return transposed ? others() : stride(); }
  char letter() const { return transposed ? 'T' : 'N'; }
};

/// `to` = a b, or with `add` what is in `to` and a b.
void multiply(const Matrix& a, const Matrix& b, bool add, const Tensor& to) {
  const int failure = sgemm()(a.letter(), b.letter(), a.rows(), b.columns(), a.columns(), 1,
                              a.values.data_ptr<float>(), a.stride(), b.values.data_ptr<float>(),
                              b.stride(), add ? 1 : 0, to.data_ptr<float>(), b.columns());
  if (failure == kOutOfMemory) throw std::bad_alloc();
  TORCH_CHECK(failure == 0, "oneDNN: a matrix product failed with status ", failure);
}

class Linear : public torch::autograd::Function<Linear> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight,
                        const c10::optional<Tensor>& bias) {
    auto sizes = x.sizes().vec();
    sizes.back() = weight.size(0);
    Tensor output = at::empty(sizes, x.options());
    if (bias) output.copy_(bias->expand(sizes));
    multiply({x, false}, {weight, true}, bias.has_value(), output);
    context->save_for_backward({x, weight});
    context->saved_data["x"] = x.requires_grad();
    context->saved_data["weight"] = weight.requires_grad();
    context->saved_data["bias"] = bias && bias->requires_grad();
    return output;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1];
    const Tensor pull = gradients[0].contiguous();
    Tensor x_pull, weight_pull, bias_pull;
    if (context->saved_data["x"].toBool()) {
      x_pull = at::empty_like(x);
      multiply({pull, false}, {weight, false}, false, x_pull);
    }
    if (context->saved_data["weight"].toBool()) {
      weight_pull = at::empty_like(weight);
      multiply({pull, true}, {x, false}, false, weight_pull);
    }
    if (context->saved_data["bias"].toBool()) bias_pull = pull.reshape({-1, pull.size(-1)}).sum(0);
    return {x_pull, weight_pull, bias_pull};
  }
};

bool is_plain(const Tensor& tensor) {
  return tensor.is_cpu() && tensor.scalar_type() == at::kFloat && tensor.numel() > 0;
}

}  // namespace

bool has_linear_kernel() { return sgemm() != nullptr; }

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  if (has_linear_kernel() && is_plain(x) && is_plain(weight) && weight.is_contiguous() &&
      (!bias.defined() || is_plain(bias)) && !runtime::autocast_on(x.device()))
    return Linear::apply(x.contiguous(), weight,
                         bias.defined() ? c10::optional<Tensor>(bias) : c10::nullopt);
  return at::linear(x, weight, bias);
}

}  // namespace berth::vision
