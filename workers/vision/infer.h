// SPDX-License-Identifier: Apache-2.0
// The inference task: class probabilities for pictures and for recordings, or for the places that a
// detector has found in them (two stages).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "protocol/event_writer.h"
#include "protocol/result.h"
#include "vision/box_source.h"

namespace berth::vision {

struct DetectorSpec {
  std::string boxes_path;  ///< as of open_boxes()
  BoxRule rule;
};

struct InferSpec {
  std::string cfg_path;     ///< YAML of the originals; empty: the checkpoint tells everything
  std::string weight_path;  ///< safetensors, or what PyTorch has saved; empty: detector alone
  std::optional<DetectorSpec> detector;  ///< absent: whole pictures are classified
  std::string source_path;               ///< as of PictureSource
  std::string save_path;                 ///< folder for result.json and result.csv, made if needed
  int64_t batch_size = 32;
  int64_t top_k = 5;               ///< classes told of each picture
  bool annotate = true;            ///< write each picture with its class on it to save_path, too
  std::optional<int64_t> threads;  ///< absent: see runtime::thread_count
  std::string device;              ///< empty: the best there is
};

/// Reads and checks a specification. Errors: kIoError, kBadRequest (names the field).
protocol::Result<InferSpec> read_infer_spec(const std::string& path);

/// Runs to the end. Pictures of a folder that cannot be read are listed as failed; if none can be
/// read the task fails. The error, if any, has not been reported to `events` yet.
protocol::Status infer(const InferSpec& spec, protocol::EventWriter* events);

}  // namespace berth::vision
