// SPDX-License-Identifier: Apache-2.0
#include "prepare/augmentation.h"

namespace berth::prepare {

const std::vector<Augmentation>& augmentations() {
  static const std::vector<Augmentation> all{
      {"AdvancedBlur", advanced_blur}, {"CLAHE", clahe},        {"ColorJitter", color_jitter},
      {"GaussNoise", gauss_noise},     {"ISONoise", iso_noise}, {"Sharpen", sharpen}};
  return all;
}

const Augmentation* find_augmentation(const std::string& name) {
  for (const Augmentation& augmentation : augmentations()) {
    if (name == augmentation.name) return &augmentation;
  }
  return nullptr;
}

}  // namespace berth::prepare
