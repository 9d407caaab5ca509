// SPDX-License-Identifier: Apache-2.0
// The safetensors file format: u64 little-endian length of the header, a JSON header {name: {dtype,
// shape, data_offsets: [begin, end)}, "__metadata__": {text: text}}, then the tensors' bytes,
// row-major and little-endian, offsets counted from the end of the header, without holes or
// overlaps (docs.rs/safetensors). Knows nothing of torch.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "checkpoint/mapped_file.h"
#include "checkpoint/tensor.h"
#include "protocol/result.h"

namespace berth::checkpoint {

/// A file mapped into memory. The views of its tensors live as long as it does. Everything in the
/// header is checked before a tensor is handed out, so any file may be opened.
class SafetensorsFile {
 public:
  /// Errors: kIoError (not readable), kCheckpointMismatch (not a valid safetensors file; the
  /// message says what is wrong).
  static protocol::Result<SafetensorsFile> open(const std::string& path);
  /// The same for a file that is already mapped; `path` is for messages.
  static protocol::Result<SafetensorsFile> from(MappedFile mapping, const std::string& path);

  const std::map<std::string, TensorView>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

 private:
  SafetensorsFile() = default;
  protocol::Status parse(const std::string& path);

  MappedFile mapping_;
  std::map<std::string, TensorView> tensors_;
  std::map<std::string, std::string> metadata_;
};

/// Writes a file whole or not at all; the data section begins at a multiple of 64 bytes. Errors:
/// kNoSpace (with the bytes needed), kIoError, kInternal (two tensors of one name, wrong size).
protocol::Status write_safetensors(const std::string& path, std::vector<TensorView> tensors,
                                   const std::map<std::string, std::string>& metadata);

}  // namespace berth::checkpoint
