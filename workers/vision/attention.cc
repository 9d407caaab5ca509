// SPDX-License-Identifier: Apache-2.0
#include "vision/attention.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/softmax.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/version.h>
#if TORCH_VERSION_MAJOR >= 2
#include <ATen/ops/scaled_dot_product_attention.h>
#endif

#include <cmath>
#include <vector>

#include "vision/attention_kernel.h"

namespace berth::vision {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace {

#if defined(__x86_64__)
/// The heads of a batch, one after the other in memory within a position.
struct Heads {
  int64_t count, length, heads, width;  // width: of all heads

  explicit Heads(const Tensor& qkv, int64_t head_count)
      : count(qkv.size(0)), length(qkv.size(1)), heads(head_count), width(qkv.size(2) / 3) {}

  AttentionShape shape() const {
    const auto head = static_cast<size_t>(width / heads);
    return {static_cast<size_t>(length), head, static_cast<size_t>(3 * width),
            static_cast<size_t>(width), 1 / std::sqrt(static_cast<float>(head))};
  }
  int64_t total() const { return count * heads; }
  int64_t of_input(int64_t i) const {
    return i / heads * length * 3 * width + i % heads * (width / heads);
  }
  int64_t of_output(int64_t i) const {
    return i / heads * length * width + i % heads * (width / heads);
  }
};

/// `work(head, scratch)` for each head of each picture.
template <typename Work>
void for_each_head(const Heads& heads, const Work& work) {
  at::parallel_for(0, heads.total(), /*grain_size=*/1, [&](int64_t first, int64_t end) {
    std::vector<float> scratch(attention_scratch(heads.shape()));
    for (int64_t i = first; i < end; ++i) work(i, scratch.data());
  });
}

AttentionInput input_of(const Tensor& qkv, const Heads& heads, int64_t i) {
  const float* q = qkv.data_ptr<float>() + heads.of_input(i);
  return {q, q + heads.width, q + 2 * heads.width};
}

class FastAttention : public torch::autograd::Function<FastAttention> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& qkv, int64_t head_count) {
    const Heads heads(qkv, head_count);
    const AttentionShape shape = heads.shape();
    Tensor output = at::empty({heads.count, heads.length, heads.width}, qkv.options());
    Tensor log_sums = at::empty({heads.total(), heads.length}, qkv.options());
    float* to = output.data_ptr<float>();
    float* sums = log_sums.data_ptr<float>();
    for_each_head(heads, [&](int64_t i, float* scratch) {
      attention_forward(shape, input_of(qkv, heads, i), scratch, to + heads.of_output(i),
                        sums + i * heads.length);
    });
    context->save_for_backward({qkv, output, log_sums});
    context->saved_data["heads"] = head_count;
    return output;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor &qkv = saved[0], &output = saved[1], &log_sums = saved[2];
    const Heads heads(qkv, context->saved_data["heads"].toInt());
    const AttentionShape shape = heads.shape();
    const Tensor pull = gradients[0].contiguous();
    Tensor back = at::empty_like(qkv);
    const float *values = output.data_ptr<float>(), *sums = log_sums.data_ptr<float>(),
                *pulls = pull.data_ptr<float>();
    float* to = back.data_ptr<float>();
    for_each_head(heads, [&](int64_t i, float* scratch) {
      float* q = to + heads.of_input(i);
      const int64_t at = heads.of_output(i);
      attention_backward(shape, input_of(qkv, heads, i),
                         {values + at, sums + i * heads.length, pulls + at}, scratch,
                         {q, q + heads.width, q + 2 * heads.width});
    });
    return {back, Tensor()};
  }
};
#endif

}  // namespace

bool has_attention_kernel(int64_t head_width) {
#if defined(__x86_64__)
  static const bool has = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return has && head_width > 0 && head_width % 16 == 0;
#else
  (void)head_width;
  return false;
#endif
}

Tensor self_attention_by_operations(const Tensor& qkv, int64_t heads) {
  const int64_t count = qkv.size(0), length = qkv.size(1), width = qkv.size(2) / 3;
  // Three views at once: the way back of one by one would fill three tensors with zeros.
  const std::vector<Tensor> each =
      qkv.reshape({count, length, 3, heads, width / heads}).permute({2, 0, 3, 1, 4}).unbind(0);
  const Tensor &q = each[0], &k = each[1], &v = each[2];
#if TORCH_VERSION_MAJOR >= 2
  const Tensor mixed = at::scaled_dot_product_attention(q, k, v);
#else
  const double scale = 1 / std::sqrt(static_cast<double>(q.size(-1)));
  const Tensor mixed =
      at::matmul(at::softmax(at::matmul(q.mul(scale), k.transpose(-2, -1)), -1), v);
#endif
  return mixed.transpose(1, 2).reshape({count, length, width});
}

Tensor self_attention(const Tensor& qkv, int64_t heads) {
#if defined(__x86_64__)
  const bool plain = qkv.is_cpu() && qkv.scalar_type() == at::kFloat && qkv.numel() > 0;
  if (plain && has_attention_kernel(qkv.size(2) / 3 / heads))
    return FastAttention::apply(qkv.contiguous(), heads);
#endif
  return self_attention_by_operations(qkv, heads);
}

}  // namespace berth::vision
