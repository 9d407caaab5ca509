// SPDX-License-Identifier: Apache-2.0
#include "vision/training_options.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace berth::vision {
namespace {

template <class Kind>
struct Name {
  Kind kind;
  const char* text;
};

constexpr Name<Precision> kPrecisions[] = {
    {Precision::kFp32, "fp32"}, {Precision::kBf16, "bf16"}, {Precision::kFp16, "fp16"}};
constexpr Name<OptimizerKind> kOptimizers[] = {
    {OptimizerKind::kAdam, "adam"}, {OptimizerKind::kAdamW, "adamw"}, {OptimizerKind::kSgd, "sgd"}};
constexpr Name<ScheduleKind> kSchedules[] = {{ScheduleKind::kConstant, "constant"},
                                             {ScheduleKind::kCosine, "cosine"},
                                             {ScheduleKind::kLinear, "linear"},
                                             {ScheduleKind::kStep, "step"}};

template <class Kind, size_t N>
const char* name_of(const Name<Kind> (&names)[N], Kind kind) {
  for (const auto& name : names) {
    if (name.kind == kind) return name.text;
  }
  return "";
}

template <class Kind, size_t N>
std::optional<Kind> kind_of(const Name<Kind> (&names)[N], const std::string& text) {
  for (const auto& name : names) {
    if (text == name.text) return name.kind;
  }
  return std::nullopt;
}

}  // namespace

const char* precision_name(Precision precision) { return name_of(kPrecisions, precision); }
const char* optimizer_name(OptimizerKind kind) { return name_of(kOptimizers, kind); }
const char* schedule_name(ScheduleKind kind) { return name_of(kSchedules, kind); }
std::optional<Precision> precision_from_name(const std::string& name) {
  return kind_of(kPrecisions, name);
}
std::optional<OptimizerKind> optimizer_from_name(const std::string& name) {
  return kind_of(kOptimizers, name);
}
std::optional<ScheduleKind> schedule_from_name(const std::string& name) {
  return kind_of(kSchedules, name);
}

double learning_rate_at(const ScheduleOptions& schedule, double epoch) {
  const double top = schedule.learning_rate;
  if (epoch < schedule.warmup_epochs) return top * (epoch / schedule.warmup_epochs);
  const double length = schedule.epochs - schedule.warmup_epochs;
  const double gone = epoch - schedule.warmup_epochs;
  const double share = length > 0 ? std::min(1.0, gone / length) : 1.0;
  switch (schedule.kind) {
    case ScheduleKind::kCosine:
      return schedule.least + (top - schedule.least) * 0.5 * (1 + std::cos(M_PI * share));
    case ScheduleKind::kLinear:
      return top + (schedule.least - top) * share;
    case ScheduleKind::kStep:
      return top * std::pow(schedule.gamma, std::floor(gone / schedule.step_epochs));
    case ScheduleKind::kConstant:
      break;
  }
  return top;
}

}  // namespace berth::vision
