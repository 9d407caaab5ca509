// SPDX-License-Identifier: Apache-2.0
#include "vision/train_spec.h"

#include "protocol/spec.h"
#include "vision/model_names.h"

namespace berth::vision {
namespace {

using protocol::Spec;

constexpr double kMost = 1e9;

void read_optimizer(Spec* fields, OptimizerOptions* optimizer) {
  optimizer->kind = *optimizer_from_name(fields->choice("optimizer", {"adam", "adamw", "sgd"}));
  // AdamW is chosen for its decay.
  const double usual = optimizer->kind == OptimizerKind::kAdamW ? 0.01 : 0;
  optimizer->weight_decay = fields->number_within("weight_decay", usual, 0, kMost);
  optimizer->momentum = fields->number_within("momentum", 0.9, 0, 0.9999);
  optimizer->nesterov = fields->boolean("nesterov", false);
  if (optimizer->nesterov && optimizer->momentum == 0)
    fields->reject("\"nesterov\" needs a \"momentum\" above 0");
}

void read_schedule(Spec* fields, int64_t epochs, ScheduleOptions* schedule) {
  schedule->kind =
      *schedule_from_name(fields->choice("schedule", {"constant", "cosine", "linear", "step"}));
  schedule->learning_rate = fields->number("learning_rate", 1e-4, 0);
  schedule->least = fields->number_within("min_learning_rate", 0, 0, kMost);
  schedule->warmup_epochs = fields->number_within("warmup_epochs", 0, 0, kMost);
  schedule->step_epochs = fields->number("step_epochs", 30, 0);
  schedule->gamma = fields->number_within("gamma", 0.1, 0, 1);
  schedule->epochs = static_cast<double>(epochs);
  if (schedule->least > schedule->learning_rate)
    fields->reject("\"min_learning_rate\" must not be above \"learning_rate\"");
  if (schedule->warmup_epochs >= schedule->epochs && schedule->warmup_epochs > 0)
    fields->reject("\"warmup_epochs\" must be below \"num_epochs\"");
}

// What an earlier tool called O0 (float32), O1 and O2 (a smaller type where that does no harm).
void read_precision(Spec* fields, TrainSpec* spec) {
  const std::string level = fields->choice("amp_level", {"", "O0", "O1", "O2"});
  const std::string given = fields->choice("precision", {"", "fp32", "bf16", "fp16"});
  const auto mixed = fields->maybe_boolean("mixed_precision");
  if (!given.empty() && (!level.empty() || mixed))
    fields->reject("give \"precision\", or \"mixed_precision\" and \"amp_level\", not both");
  if (mixed && !level.empty() && *mixed != (level != "O0"))
    fields->reject("\"mixed_precision\" and \"amp_level\" say different things");
  spec->learner.precision = given.empty() ? Precision::kFp32 : *precision_from_name(given);
  spec->mixed_precision =
      given.empty() && (mixed.value_or(false) || level == "O1" || level == "O2");
}

void read_class_weights(Spec* fields, TrainSpec* spec) {
  if (fields->is_text("class_weights", "balanced")) {
    spec->class_balance = ClassBalance::kBalanced;
    return;
  }
  const std::vector<double> weights = fields->numbers("class_weights");
  if (weights.empty()) return;
  spec->class_balance = ClassBalance::kGiven;
  spec->learner.class_weights.assign(weights.begin(), weights.end());
  if (static_cast<int64_t>(weights.size()) != spec->num_classes)
    fields->reject("\"class_weights\" has " + std::to_string(weights.size()) + " numbers for " +
                   std::to_string(spec->num_classes) +
                   " classes: give one per class in alphabetical order, or \"balanced\"");
}

void read_augment(Spec* fields, AugmentOptions* augment) {
  Spec part = fields->part("augment");
  augment->horizontal_flip = part.number_within("horizontal_flip", 0, 0, 1);
  augment->vertical_flip = part.number_within("vertical_flip", 0, 0, 1);
  augment->crop = part.number_within("crop", 0, 0, 0.9);
  augment->brightness = part.number_within("brightness", 0, 0, 1);
  augment->contrast = part.number_within("contrast", 0, 0, 1);
  augment->noise = part.number_within("noise", 0, 0, 1);
  augment->erase = part.number_within("erase", 0, 0, 1);
  fields->adopt(part, "augment");
}

void read_learner(Spec* fields, TrainSpec* spec) {
  LearnerOptions& learner = spec->learner;
  read_optimizer(fields, &learner.optimizer);
  read_augment(fields, &learner.augment);
  read_precision(fields, spec);
  read_class_weights(fields, spec);
  learner.label_smoothing = fields->number_within("label_smoothing", 0, 0, 0.999);
  learner.clip_norm = fields->number_within("clip_norm", 0, 0, kMost);
  learner.average = fields->boolean("ema", true);
  const double decay = fields->number_within("ema_decay", 0, 0, 0.999999);
  if (decay > 0) learner.average_decay = decay;
  learner.seed = static_cast<uint64_t>(fields->integer("seed", 0, 0, INT64_MAX));
}

void read_output(Spec* fields, TrainSpec* spec) {
  spec->early_stop = fields->integer("early_stop", 0, 0, 10'000'000);
  spec->resume = fields->maybe_boolean("resume");
  spec->save_every = fields->integer("save_every", 0, 0, 10'000'000);
  spec->keep_checkpoints = fields->integer("keep_checkpoints", 0, 0, 1'000'000);
  const std::string format = fields->choice("checkpoint_format", {"safetensors", "pth", "both"});
  spec->weight_format = format == "pth"    ? WeightFormat::kTorch
                        : format == "both" ? WeightFormat::kBoth
                                           : WeightFormat::kSafetensors;
}

}  // namespace

protocol::Result<TrainSpec> read_train_spec(const std::string& path) {
  auto fields = Spec::read(path);
  if (!fields) return forward_error(fields);
  TrainSpec spec;
  spec.model = fields->required_text("model");
  spec.num_classes = fields->required_integer("num_classes", 1, 1'000'000);
  spec.train_path = fields->required_text("train_path");
  spec.val_path = fields->required_text("val_path");
  spec.save_path = fields->required_text("save_path");
  spec.batch_size =
      fields->is_text("batch_size", "auto") ? 0 : fields->integer("batch_size", 8, 1, 1 << 20);
  spec.processes = fields->integer("processes", 1, 1, 1024);
  if (spec.batch_size > 0 && spec.batch_size < 2 * spec.processes && spec.processes > 1)
    fields->reject(
        "\"batch_size\" is for all processes together: it must be at least twice \"processes\" (" +
        std::to_string(2 * spec.processes) + ")");
  spec.accumulate_steps = fields->integer("accumulate_steps", 1, 1, 1 << 20);
  spec.num_epochs = fields->integer("num_epochs", 100, 1, 10'000'000);
  spec.image_size = fields->integer("image_size", 224, 32, 8192);
  spec.weight_path = fields->text("weight_path").value_or("");
  spec.pretrained = fields->boolean("pretrained", false);
  spec.shuffle = fields->boolean("shuffle", true);
  spec.deterministic = fields->boolean("deterministic", false);
  const int64_t threads = fields->integer("threads", 0, 0, 1024);
  if (threads > 0) spec.threads = threads;
  spec.device = fields->text("device").value_or("");
  read_schedule(&*fields, spec.num_epochs, &spec.schedule);
  read_learner(&*fields, &spec);
  read_output(&*fields, &spec);
  if (auto fine = fields->status(); !fine) return forward_error(fine);
  if (auto known = check_model_name(spec.model); !known) return forward_error(known);
  // Several layers halve the picture down to one value per channel at 32 pixels.
  if (spec.batch_size == 1 && spec.image_size <= 32) {
    return protocol::failed(protocol::ErrorCode::kBadRequest,
                            "batch_size 1 with image_size 32 leaves batch normalisation a single "
                            "value per channel; use batch_size >= 2 or image_size >= 33",
                            path);
  }
  return spec;
}

}  // namespace berth::vision
