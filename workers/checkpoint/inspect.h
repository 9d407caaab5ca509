// SPDX-License-Identifier: Apache-2.0
// What is in a checkpoint, for people and for programs.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "checkpoint/checkpoint_file.h"

namespace berth::checkpoint {

/// 1536 -> "1.5 KiB".
std::string size_text(uint64_t bytes);

/// Several lines, with the file's name first; `all_tensors`: a table of them too.
std::string inspection_text(const CheckpointFile& file, const std::string& path, bool all_tensors);

/// {file, format, bytes, model: {name, num_classes, hidden, image_size} or null, parameters,
/// tensor_count, dtypes: {F32: {tensors, bytes}}, metadata: {text: text}, notes: [text]} and, if
/// asked for, tensors: [{name, dtype, shape, bytes}]. `format` is safetensors, torch_zip,
/// torchscript or torch_legacy.
boost::json::object inspection_json(const CheckpointFile& file, const std::string& path,
                                    bool all_tensors);

}  // namespace berth::checkpoint
