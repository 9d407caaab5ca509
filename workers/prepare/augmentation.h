// SPDX-License-Identifier: Apache-2.0
// The six ways to make another training picture out of one. Names, formulas and ranges are those of
// albumentations 1.4.20 as its documentation states them, with the ranges of the originals'
// service; pictures are RGB. What is drawn at random comes from the generator alone.
#pragma once

#include <string>
#include <vector>

#include "dataset/random.h"
#include "image/bitmap.h"

namespace berth::prepare {

image::Bitmap advanced_blur(const image::Bitmap& picture, dataset::Random* random);
image::Bitmap clahe(const image::Bitmap& picture, dataset::Random* random);
image::Bitmap color_jitter(const image::Bitmap& picture, dataset::Random* random);
image::Bitmap gauss_noise(const image::Bitmap& picture, dataset::Random* random);
image::Bitmap iso_noise(const image::Bitmap& picture, dataset::Random* random);
image::Bitmap sharpen(const image::Bitmap& picture, dataset::Random* random);

struct Augmentation {
  const char* name;  ///< as in requests: "AdvancedBlur"
  image::Bitmap (*apply)(const image::Bitmap& picture, dataset::Random* random);
};

/// All of them, in the order that stands for "no choice made".
const std::vector<Augmentation>& augmentations();

/// By its exact name, or null.
const Augmentation* find_augmentation(const std::string& name);

}  // namespace berth::prepare
