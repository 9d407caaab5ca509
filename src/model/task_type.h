// SPDX-License-Identifier: Apache-2.0
// What a task is (TaskRecord::type) and what goes by it.
#pragma once

#include <string_view>

namespace berth::model {

inline constexpr std::string_view kTraining = "training";
inline constexpr std::string_view kInference = "inference";
inline constexpr std::string_view kBenchmark = "benchmark";

inline constexpr std::string_view kDatasetSplit = "dataset_split";
inline constexpr std::string_view kDataAugmentation = "data_augmentation";
inline constexpr std::string_view kImageCrop = "image_crop";

inline constexpr std::string_view kSpectrogram = "spectrogram";
inline constexpr std::string_view kWaterfall = "waterfall";
inline constexpr std::string_view kIqDataset = "iq_dataset";
inline constexpr std::string_view kSnr = "snr";
inline constexpr std::string_view kAwgn = "awgn";

constexpr bool is_training(std::string_view type) { return type == kTraining; }

/// Whatever weights are used for; in berth-worker-vision, as a training is.
constexpr bool is_inference(std::string_view type) {
  return type == kInference || type == kBenchmark;
}

/// Work on recordings of radio signals, in berth-worker-signal.
constexpr bool is_signal(std::string_view type) {
  return type == kSpectrogram || type == kWaterfall || type == kIqDataset || type == kSnr ||
         type == kAwgn;
}

/// On the processor, in berth-worker-prepare unless it is about signals.
constexpr bool is_preprocessing(std::string_view type) {
  return type == kDatasetSplit || type == kDataAugmentation || type == kImageCrop ||
         is_signal(type);
}

}  // namespace berth::model
