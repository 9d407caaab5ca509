// SPDX-License-Identifier: Apache-2.0
#include "vision/gradient_sync.h"

#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <utility>

#include "runtime/process_group_tensors.h"

namespace berth::vision {
namespace {

constexpr uint64_t kBucketBytes = uint64_t{25} << 20;

}  // namespace

/// Called when a parameter's gradient of a backward pass is complete.
class GradientSync::Hook : public torch::autograd::FunctionPostHook {
 public:
  Hook(GradientSync* owner, size_t parameter) : owner_(owner), parameter_(parameter) {}
  torch::autograd::variable_list operator()(const torch::autograd::variable_list& outputs,
                                            const torch::autograd::variable_list&) override {
    owner_->ready(parameter_);
    return outputs;
  }

 private:
  GradientSync* owner_;
  size_t parameter_;
};

GradientSync::GradientSync(std::vector<at::Tensor> parameters,
                           std::shared_ptr<runtime::ProcessGroup> group)
    : parameters_(std::move(parameters)),
      group_(std::move(group)),
      bucket_of_(parameters_.size()),
      offset_(parameters_.size()) {
  std::vector<int64_t> sizes;  // of the buckets, in values
  for (size_t i = parameters_.size(); i-- > 0;) {
    const at::Tensor& parameter = parameters_[i];
    const auto most = static_cast<int64_t>(kBucketBytes / parameter.element_size());
    if (buckets_.empty() || sizes.back() + parameter.numel() > most) {
      buckets_.emplace_back();
      sizes.push_back(0);
    }
    bucket_of_[i] = buckets_.size() - 1;
    offset_[i] = static_cast<size_t>(sizes.back());
    buckets_.back().members.push_back(i);
    sizes.back() += parameter.numel();
    auto accumulator = torch::autograd::impl::grad_accumulator(parameter);
    accumulator->add_post_hook(std::make_unique<Hook>(this, i));
    keep_.emplace_back([accumulator] {});  // whose pointer is of another kind in each LibTorch
  }
  for (size_t i = 0; i < buckets_.size(); ++i)
    buckets_[i].flat = at::empty({sizes[i]}, parameters_.front().options().requires_grad(false));
}

// The model may live longer, and its accumulators then end with the last graph that holds them:
// hooks are not called outside of expect() .. finish().
GradientSync::~GradientSync() = default;

void GradientSync::expect(const at::Tensor& weight) {
  const std::lock_guard<std::mutex> lock(mutex_);
  weight_ = weight;
  for (size_t i = sent_; i < buckets_.size(); ++i) buckets_[i].missing = buckets_[i].members.size();
  expecting_ = true;
}

void GradientSync::pause() {
  const std::lock_guard<std::mutex> lock(mutex_);
  expecting_ = false;
}

void GradientSync::ready(size_t parameter) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!expecting_) return;
  const size_t bucket = bucket_of_[parameter];
  if (bucket < sent_ || buckets_[bucket].missing == 0) return;
  if (--buckets_[bucket].missing == 0) send_complete();
}

void GradientSync::send_complete() {
  while (sent_ < buckets_.size() && buckets_[sent_].missing == 0) send(&buckets_[sent_++]);
}

at::Tensor GradientSync::place(const Bucket& bucket, size_t member) const {
  // Laid out as the parameter is, so that the optimizer walks both alike.
  const at::Tensor& parameter = parameters_[member];
  return bucket.flat.as_strided(parameter.sizes(), parameter.strides(),
                                static_cast<int64_t>(offset_[member]));
}

void GradientSync::send(Bucket* bucket) {
  const c10::NoGradGuard no_grad;
  for (const size_t member : bucket->members) {
    const at::Tensor gradient = parameters_[member].grad();
    if (gradient.defined()) {
      place(*bucket, member).copy_(gradient);
    } else {
      place(*bucket, member).zero_();
    }
  }
  bucket->flat.mul_(weight_);
  bucket->wait = runtime::begin_sum(*group_, bucket->flat);
}

void GradientSync::finish(const at::Tensor& weight) {
  const c10::NoGradGuard no_grad;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    expecting_ = false;
    weight_ = weight;
    while (sent_ < buckets_.size()) send(&buckets_[sent_++]);
  }
  const at::Tensor total = weight.clone();
  runtime::sum(*group_, total);
  for (Bucket& bucket : buckets_) {
    bucket.wait();
    bucket.wait = nullptr;
    bucket.flat.div_(total);
    for (const size_t member : bucket.members)
      parameters_[member].mutable_grad() = place(bucket, member);
  }
  sent_ = 0;
}

}  // namespace berth::vision
