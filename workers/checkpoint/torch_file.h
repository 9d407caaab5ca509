// SPDX-License-Identifier: Apache-2.0
// Files that torch.save and torch.jit.save write. Nothing in them is executed: the pickle becomes
// inert records (pickle.h), and the tensors are read from where those say they are.
//   zip (PyTorch 1.6 and later): NAME/data.pkl, NAME/data/KEY for every storage, NAME/version and,
//     in newer ones, NAME/byteorder; TorchScript adds NAME/code/.
//   legacy: five pickles (a magic number, the version 1001, the writer's machine, the object, the
//     storages' keys), then every storage: its number of elements (8 bytes) and its elements.
// Source: torch/serialization.py and caffe2/serialize of PyTorch 1.13 and 2.x.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/tensor.h"
#include "checkpoint/tensor_record.h"
#include "checkpoint/zip.h"

namespace berth::checkpoint {

struct TorchContent {
  /// Into the file's bytes, or into `owned` where they do not lie row-major there.
  std::map<std::string, TensorView> tensors;
  std::map<std::string, std::string> metadata;
  std::vector<std::string> notes;
  OwnedTensors owned;
  bool script = false;  ///< TorchScript
};

/// The folder in the archive that data.pkl is in; empty if the archive is not PyTorch's.
std::string torch_root(const ZipArchive& archive);

/// Whether the first pickle is the legacy format's magic number.
bool is_legacy_torch(std::string_view bytes);

/// The file's bytes must live as long as the content; `path` is for messages. Copies may take as
/// many bytes as the file and 64 MiB more. Errors: kCheckpointMismatch, with what is wrong where.
protocol::Result<TorchContent> read_torch_zip(const ZipArchive& archive, const std::string& path);
protocol::Result<TorchContent> read_torch_legacy(std::string_view bytes, const std::string& path);

}  // namespace berth::checkpoint
