// SPDX-License-Identifier: Apache-2.0
#include "vision/learner.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>

#include "runtime/process_group_tensors.h"
#include "runtime/torch_compat.h"
#include "vision/augment.h"

namespace berth::vision {
namespace {

// Dynamic loss scaling as in Micikevicius et al., arXiv 1710.03740, with torch.cuda.amp's numbers.
constexpr double kFirstScale = 65536, kGrowth = 2, kBackoff = 0.5;
constexpr int64_t kGrowthSteps = 2000;
constexpr int64_t kSum = 2;                      // at::Reduction::Sum
constexpr uint64_t kApart = 0x9E3779B97F4A7C15;  // between the seeds of two ranks
constexpr double kLeastWeight = 1e-12;           // of pictures whose classes all weigh nothing

std::vector<at::Tensor> all_tensors(const Classifier& model) {
  std::vector<at::Tensor> tensors = model.parameters();
  for (const at::Tensor& buffer : model.buffers()) tensors.push_back(buffer);
  return tensors;
}

/// Ends with the block, whatever it throws.
class Autocast {
 public:
  Autocast(const c10::Device& device, Precision precision)
      : device_(device), on_(precision != Precision::kFp32) {
    if (on_) {
      runtime::set_autocast(device_, true,
                            precision == Precision::kBf16 ? at::kBFloat16 : at::kHalf);
    }
  }
  ~Autocast() {
    if (on_) runtime::set_autocast(device_, false, at::kFloat);
  }
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  c10::Device device_;
  bool on_;
};

}  // namespace

Learner::Learner(std::shared_ptr<Classifier> model, c10::Device device, LearnerOptions options,
                 std::shared_ptr<runtime::ProcessGroup> group)
    : model_(std::move(model)),
      device_(device),
      options_(std::move(options)),
      optimizer_(model_->parameters(), options_.optimizer),
      group_(std::move(group)),
      generator_(at::detail::createCPUGenerator(options_.seed)) {
  if (group_ != nullptr) {
    runtime::broadcast(*group_, all_tensors(*model_));
    sync_ = std::make_unique<GradientSync>(model_->parameters(), group_);
  }
  if (options_.average) average_.emplace(all_tensors(*model_), options_.average_decay);
  if (!options_.class_weights.empty()) {
    class_weights_ = at::from_blob(options_.class_weights.data(),
                                   {static_cast<int64_t>(options_.class_weights.size())})
                         .clone()
                         .to(device_);
  }
  if (options_.precision == Precision::kFp16) loss_scale_ = kFirstScale;
  reset_totals();
}

void Learner::begin_epoch(int64_t epoch) {
  const uint64_t rank = group_ == nullptr ? 0 : static_cast<uint64_t>(group_->rank());
  const uint64_t seed = options_.seed * 1'000'003 + static_cast<uint64_t>(epoch) + rank * kApart;
  at::manual_seed(seed);  // dropout and stochastic depth
  generator_.set_current_seed(seed);
}

void Learner::step(const Pictures& pictures, const std::vector<int64_t>& labels, int64_t slice,
                   double learning_rate) {
  const auto count = static_cast<int64_t>(labels.size());
  const at::Tensor targets =
      count == 0
          ? at::empty({0}, at::TensorOptions().dtype(at::kLong).device(device_))
          : at::from_blob(const_cast<int64_t*>(labels.data()), {count}, at::kLong).to(device_);
  const at::Tensor weight = weight_of(targets);
  at::Tensor loss = at::zeros({}, at::TensorOptions().dtype(at::kDouble).device(device_));
  at::Tensor correct = at::zeros({}, at::TensorOptions().dtype(at::kLong).device(device_));
  model_->train();
  try {
    backward(pictures, targets, slice, weight, &loss, &correct);
  } catch (...) {
    if (sync_ != nullptr) sync_->pause();
    optimizer_.drop_gradients();
    throw;
  }
  if (sync_ != nullptr) sync_->finish(weight);
  update(learning_rate);
  const c10::NoGradGuard no_grad;
  loss_sum_.add_(loss);
  weight_sum_.add_(weight);
  correct_.add_(correct);
  samples_ += count;
}

at::Tensor Learner::weight_of(const at::Tensor& targets) const {
  if (class_weights_.defined())
    return class_weights_.index_select(0, targets).sum().clamp_min(kLeastWeight);
  return at::full({}, static_cast<double>(targets.size(0)), targets.options().dtype(at::kFloat));
}

// The loss is the mean over the whole batch; with class weights it is weighted, as torch's is.
void Learner::backward(const Pictures& pictures, const at::Tensor& targets, int64_t slice,
                       const at::Tensor& weight, at::Tensor* loss, at::Tensor* correct) {
  const int64_t count = targets.size(0);
  for (int64_t first = 0; first < count;) {
    int64_t size = std::min(slice, count - first);
    if (count - first - size == 1) ++size;  // batch normalisation cannot learn from one picture
    const at::Tensor input = augment(pictures(first, size), options_.augment, generator_);
    const at::Tensor wanted = targets.narrow(0, first, size);
    at::Tensor scores;
    {
      const Autocast smaller(device_, options_.precision);
      scores = model_->forward(input);
    }
    scores = scores.to(at::kFloat);
    const at::Tensor sum = loss_of(scores, wanted), part = sum.div(weight);
    if (sync_ != nullptr && first + size == count) sync_->expect(weight);
    (loss_scale_ == 1 ? part : part.mul(loss_scale_)).backward();
    const c10::NoGradGuard no_grad;
    loss->add_(sum.detach());
    correct->add_(scores.detach().argmax(1).eq(wanted).sum());
    first += size;
  }
}

at::Tensor Learner::loss_of(const at::Tensor& scores, const at::Tensor& targets) const {
  c10::optional<at::Tensor> weights;
  if (class_weights_.defined()) weights = class_weights_;
  return at::cross_entropy_loss(scores, targets, weights, kSum, /*ignore_index=*/-100,
                                options_.label_smoothing);
}

void Learner::update(double learning_rate) {
  double scale = 1 / loss_scale_;
  if (options_.clip_norm > 0 || loss_scale_ != 1) {
    const double norm = optimizer_.gradient_norm().item<double>() * scale;
    if (loss_scale_ != 1 && !std::isfinite(norm)) {
      optimizer_.drop_gradients();
      loss_scale_ = std::max(1.0, loss_scale_ * kBackoff);
      good_steps_ = 0;
      ++skipped_;
      return;
    }
    if (options_.clip_norm > 0 && norm > options_.clip_norm) scale *= options_.clip_norm / norm;
  }
  optimizer_.step(learning_rate, scale);
  if (average_) average_->after_step();
  if (options_.precision == Precision::kFp16 && ++good_steps_ % kGrowthSteps == 0)
    loss_scale_ *= kGrowth;
}

TrainingTotals Learner::totals() const {
  return {loss_sum_.item<double>(), weight_sum_.item<double>(), correct_.item<int64_t>(), samples_};
}

void Learner::reset_totals() {
  loss_sum_ = at::zeros({}, at::TensorOptions().dtype(at::kDouble).device(device_));
  weight_sum_ = at::zeros({}, at::TensorOptions().dtype(at::kDouble).device(device_));
  correct_ = at::zeros({}, at::TensorOptions().dtype(at::kLong).device(device_));
  samples_ = 0;
}

void Learner::exchange_average() {
  share_buffers();
  if (!average_) return;
  average_->exchange();
  share_buffers();
}

void Learner::share_buffers() {
  if (group_ != nullptr) runtime::average(*group_, model_->buffers());
}

std::map<std::string, at::Tensor> Learner::tensors() const {
  std::map<std::string, at::Tensor> all = optimizer_.moments();
  if (average_) all.merge(average_->tensors());
  return all;
}

boost::json::object Learner::counts() const {
  return {{"optimizer_steps", optimizer_.steps()},
          {"average_steps", average_ ? average_->steps() : 0},
          {"average_updates", average_ ? average_->updates() : 0},
          {"loss_scale", loss_scale_},
          {"good_steps", good_steps_},
          {"skipped_steps", skipped_}};
}

void Learner::restore(const boost::json::object& counts) {
  const auto count = [&](const char* name) { return counts.at(name).to_number<int64_t>(); };
  optimizer_.set_steps(count("optimizer_steps"));
  if (average_) average_->set_counts(count("average_steps"), count("average_updates"));
  loss_scale_ = counts.at("loss_scale").to_number<double>();
  good_steps_ = count("good_steps");
  skipped_ = count("skipped_steps");
}

}  // namespace berth::vision
