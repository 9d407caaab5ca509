// SPDX-License-Identifier: Apache-2.0
// How a model is trained. The defaults are the recipe of RFUAV: Adam with a constant learning rate,
// no decay, float32.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace berth::vision {

enum class OptimizerKind { kAdam, kAdamW, kSgd };
enum class ScheduleKind { kConstant, kCosine, kLinear, kStep };
enum class Precision { kFp32, kBf16, kFp16 };

struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::kAdam;
  double weight_decay = 0;  ///< added to the gradient; AdamW: taken off the weights instead
  double momentum = 0.9;    ///< SGD only
  bool nesterov = false;    ///< SGD only
};

struct ScheduleOptions {
  ScheduleKind kind = ScheduleKind::kConstant;
  double learning_rate = 1e-4;  ///< the highest
  double least = 0;             ///< where cosine and linear end
  double warmup_epochs = 0;     ///< rises linearly for so long
  double step_epochs = 30;      ///< step: after so many epochs each ...
  double gamma = 0.1;           ///< ... it is multiplied by this
  double epochs = 1;            ///< length of the whole training
};

/// The learning rate at `epoch` (0 at the start, counting in fractions). Cosine as in Loshchilov
/// and Hutter, arXiv 1608.03983, without restarts; the warm-up is not counted in.
double learning_rate_at(const ScheduleOptions& schedule, double epoch);

/// Changes of pictures while they are trained on, each of a picture of its own. All zero: none.
struct AugmentOptions {
  double horizontal_flip = 0;  ///< probability
  double vertical_flip = 0;    ///< probability
  double crop = 0;             ///< up to this share of each side is cut off, and the rest enlarged
  double brightness = 0;       ///< factor from 1 - b to 1 + b
  double contrast = 0;         ///< factor from 1 - c to 1 + c, about the picture's mean
  double noise = 0;            ///< standard deviation of Gaussian noise, pictures being 0..1
  double erase = 0;            ///< probability that a rectangle of 2 to 20 % becomes grey
  bool any() const {
    return horizontal_flip > 0 || vertical_flip > 0 || crop > 0 || brightness > 0 || contrast > 0 ||
           noise > 0 || erase > 0;
  }
};

struct LearnerOptions {
  OptimizerOptions optimizer;
  AugmentOptions augment;
  Precision precision = Precision::kFp32;
  double label_smoothing = 0;           ///< 0 to below 1
  std::vector<float> class_weights;     ///< empty: all 1
  double clip_norm = 0;                 ///< greatest norm of all gradients together; 0: not clipped
  bool average = true;                  ///< weight_average.h
  std::optional<double> average_decay;  ///< absent: weight_average.h's own, short one
  uint64_t seed = 0;
};

/// Sums over the training steps since reset_totals().
struct TrainingTotals {
  double loss_sum = 0;  ///< loss_sum / weight is the mean; NaN or infinite: diverged
  double weight = 0;    ///< as many as samples, where all classes weigh the same
  int64_t correct = 0;
  int64_t samples = 0;
};

/// "fp32", "bf16", "fp16".
const char* precision_name(Precision precision);
const char* optimizer_name(OptimizerKind kind);
const char* schedule_name(ScheduleKind kind);
std::optional<Precision> precision_from_name(const std::string& name);
std::optional<OptimizerKind> optimizer_from_name(const std::string& name);
std::optional<ScheduleKind> schedule_from_name(const std::string& name);

}  // namespace berth::vision
