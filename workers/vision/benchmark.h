// SPDX-License-Identifier: Apache-2.0
// How well weights do at each signal-to-noise ratio and in each colormap:
// `<data_path>/<snr>/<colormap>/<class>/*.jpg`, as RFUAV lays its benchmark sets out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "protocol/event_writer.h"
#include "protocol/result.h"

namespace berth::vision {

struct BenchmarkSpec {
  std::string cfg_path;     ///< YAML of the originals; empty: the checkpoint tells everything
  std::string weight_path;  ///< safetensors, or what PyTorch has saved
  std::string data_path;
  std::string save_path;  ///< folder, made if needed
  int64_t batch_size = 32;
  std::optional<int64_t> threads;  ///< absent: see runtime::thread_count
  std::string device;              ///< empty: the best there is
};

/// Reads and checks a specification. Errors: kIoError, kBadRequest (names the field).
protocol::Result<BenchmarkSpec> read_benchmark_spec(const std::string& path);

/// Writes `benchmark.json` (every group with its metrics, a row per class, the confusion matrix,
/// and sums over SNRs and colormaps), `benchmark_result.txt` (a line per group) and
/// `<snr>_<colormap>_confusion_matrix.png`. Folders whose sub-folders are no classes of the model
/// are passed over and named. Errors: kBadRequest when there is no group, those of inference.
protocol::Status benchmark(const BenchmarkSpec& spec, protocol::EventWriter* events);

}  // namespace berth::vision
