// SPDX-License-Identifier: Apache-2.0
// Weights of any file that people have: safetensors, torch.save's (zip and legacy) and
// torch.jit.save's. Any file may be opened: everything is checked and nothing is executed.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/mapped_file.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/torch_file.h"

namespace berth::checkpoint {

enum class Format { kSafetensors, kTorchZip, kTorchScript, kTorchLegacy };

/// For people: "safetensors", "PyTorch (zip)", "TorchScript", "PyTorch (legacy)".
const char* format_name(Format format);

/// A file mapped into memory. The views of its tensors live as long as the object, also when it is
/// moved; their bytes may lie at any address.
class CheckpointFile {
 public:
  /// The format is told by the content, whatever the file's name. Errors: kIoError (not readable),
  /// kCheckpointMismatch (the message says what the file looks like and what would be right),
  /// kOutOfMemory.
  static protocol::Result<CheckpointFile> open(const std::string& path);

  Format format() const { return format_; }
  /// Of the whole file.
  uint64_t file_size() const { return size_; }
  const std::map<std::string, TensorView>& tensors() const;
  /// Plain values beside the weights ("epoch", "class_names"): texts as they are, everything else
  /// as JSON text.
  const std::map<std::string, std::string>& metadata() const;
  /// What was chosen and what was left out, for people.
  const std::vector<std::string>& notes() const { return torch_.notes; }

 private:
  CheckpointFile() = default;

  Format format_ = Format::kSafetensors;
  uint64_t size_ = 0;
  MappedFile mapping_;  // of torch's formats
  TorchContent torch_;
  std::optional<SafetensorsFile> safetensors_;
};

}  // namespace berth::checkpoint
