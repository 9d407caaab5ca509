// SPDX-License-Identifier: Apache-2.0
#include "api/training_options.h"

#include <algorithm>
#include <array>

#include "api/option_fields.h"

namespace berth::api {

namespace {

using base::json::array;
using base::json::object;
using base::json::value;

constexpr double kMost = 1e9;
constexpr std::array kNumbers{NumberField{"weight_decay", 0, kMost},
                              NumberField{"momentum", 0, 0.9999},
                              NumberField{"min_learning_rate", 0, kMost},
                              NumberField{"warmup_epochs", 0, kMost},
                              NumberField{"gamma", 0, 1},
                              NumberField{"label_smoothing", 0, 0.999},
                              NumberField{"clip_norm", 0, kMost},
                              NumberField{"ema_decay", 0, 0.999999}};
constexpr std::array kAugmentations{NumberField{"horizontal_flip", 0, 1},
                                    NumberField{"vertical_flip", 0, 1},
                                    NumberField{"crop", 0, 0.9},
                                    NumberField{"brightness", 0, 1},
                                    NumberField{"contrast", 0, 1},
                                    NumberField{"noise", 0, 1},
                                    NumberField{"erase", 0, 1}};

constexpr std::array kIntegers{
    IntegerField{"accumulate_steps", 1, 1 << 20}, IntegerField{"early_stop", 0, 10'000'000},
    IntegerField{"save_every", 0, 10'000'000}, IntegerField{"keep_checkpoints", 0, 1'000'000}};

constexpr std::array<std::string_view, 5> kBooleans{"nesterov", "ema", "deterministic", "resume",
                                                    "mixed_precision"};

constexpr std::array kChoices{ChoiceField{"optimizer", {"adam", "adamw", "sgd"}},
                              ChoiceField{"schedule", {"constant", "cosine", "linear", "step"}},
                              ChoiceField{"precision", {"fp32", "bf16", "fp16"}},
                              ChoiceField{"amp_level", {"O0", "O1", "O2"}},
                              ChoiceField{"checkpoint_format", {"safetensors", "pth", "both"}}};

// "balanced", or a number per class.
void read_class_weights(Fields& fields, std::int64_t num_classes, object& to) {
  if (!is_given(fields, "class_weights")) return;
  const value& weights = fields.body().at("class_weights");
  const bool balanced = weights.is_string() && weights.as_string() == "balanced";
  const array* list = weights.if_array();
  const auto is_weight = [](const value& item) {
    return item.is_number() && item.to_number<double>() >= 0;
  };
  if (!balanced && (list == nullptr || !std::all_of(list->begin(), list->end(), is_weight))) {
    return fields.refuse("value_error", "class_weights",
                         "Input should be 'balanced' or a list of numbers from 0, one per class");
  }
  if (list != nullptr && static_cast<std::int64_t>(list->size()) != num_classes) {
    return fields.refuse("value_error", "class_weights",
                         std::to_string(list->size()) + " weights for " +
                             std::to_string(num_classes) +
                             " classes: give one per class, in alphabetical order");
  }
  to["class_weights"] = weights;
}

void read_augmentation(Fields& fields, object& to) {
  if (!is_given(fields, "augment")) return;
  const value& wanted = fields.body().at("augment");
  if (!wanted.is_object())
    return fields.refuse("dict_type", "augment", "Input should be a valid dictionary");
  Fields parts(wanted.as_object(), {"body", "augment"});
  object augment;
  for (const auto& entry : parts.body()) {
    const auto known = std::find_if(kAugmentations.begin(), kAugmentations.end(),
                                    [&](const auto& field) { return field.name == entry.key(); });
    if (known == kAugmentations.end()) {
      parts.refuse("extra_forbidden", entry.key(), "There is no such augmentation");
    } else {
      read_option(parts, *known, augment);
    }
  }
  if (!parts.valid()) fields.merge(parts);
  to["augment"] = std::move(augment);
}

}  // namespace

void read_training_options(Fields& fields, std::int64_t num_classes, object& parameters) {
  read_options(fields, kNumbers, parameters);
  read_options(fields, kChoices, parameters);
  read_options(fields, kIntegers, parameters);
  read_options(fields, kBooleans, parameters);
  if (is_given(fields, "step_epochs"))
    parameters["step_epochs"] = fields.number_or("step_epochs", 1, 0.0);
  read_class_weights(fields, num_classes, parameters);
  read_augmentation(fields, parameters);
  const bool mixed = is_given(fields, "mixed_precision") || is_given(fields, "amp_level");
  if (is_given(fields, "precision") && mixed) {
    fields.refuse("value_error", "precision",
                  "Give precision, or mixed_precision and amp_level, not both");
  }
  if (is_given(fields, "mixed_precision") && is_given(fields, "amp_level") && fields.valid() &&
      parameters.at("mixed_precision").as_bool() == (parameters.at("amp_level") == value("O0"))) {
    fields.refuse("value_error", "amp_level",
                  "mixed_precision and amp_level say different things: O0 is no mixed precision");
  }
}

}  // namespace berth::api
