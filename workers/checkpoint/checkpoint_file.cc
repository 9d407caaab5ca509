// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/checkpoint_file.h"

#include <cstring>
#include <new>
#include <utility>

#include "checkpoint/file_kind.h"

namespace berth::checkpoint {
namespace {

using protocol::ErrorCode;
using protocol::failed;
using protocol::Result;

/// A header length and the beginning of a JSON object.
bool may_be_safetensors(std::string_view bytes) {
  constexpr uint64_t kMostHeaderBytes = 100'000'000;
  uint64_t header = 0;
  if (bytes.size() <= sizeof header || bytes[sizeof header] != '{') return false;
  std::memcpy(&header, bytes.data(), sizeof header);
  return header <= kMostHeaderBytes;
}

/// What a zip archive without data.pkl is.
std::string foreign_zip(const ZipArchive& archive) {
  for (const auto& [name, entry] : archive.entries()) {
    if (name.size() > 4 && name.compare(name.size() - 4, 4, ".npy") == 0) {
      return " is a NumPy archive (.npz): save a state_dict with torch.save";
    }
    if (name.size() > 10 && name.compare(name.size() - 10, 10, "model.json") == 0) {
      return " is a TorchScript archive of PyTorch before 1.4: load and save it with a newer one";
    }
  }
  return " is a zip archive, but not of torch.save (it has no data.pkl): if the weights are in it, "
         "unpack it first";
}

}  // namespace

const char* format_name(Format format) {
  switch (format) {
    case Format::kSafetensors:
      return "safetensors";
    case Format::kTorchZip:
      return "PyTorch (zip)";
    case Format::kTorchScript:
      return "TorchScript";
    case Format::kTorchLegacy:
      return "PyTorch (legacy)";
  }
  return "unknown";
}

Result<CheckpointFile> CheckpointFile::open(const std::string& path) try {
  auto mapping = MappedFile::open(path);
  if (!mapping) return forward_error(mapping);
  const std::string_view bytes = mapping->bytes();
  CheckpointFile file;
  file.size_ = bytes.size();
  if (may_be_safetensors(bytes)) {
    auto safetensors = SafetensorsFile::from(std::move(*mapping), path);
    if (!safetensors) return forward_error(safetensors);
    file.safetensors_.emplace(std::move(*safetensors));
    return file;
  }
  Result<TorchContent> content;
  if (bytes.substr(0, 4) == "PK\x03\x04" || bytes.substr(0, 4) == "PK\x05\x06") {
    const auto archive = ZipArchive::read(bytes, path);
    if (!archive) return tl::unexpected<protocol::Error>(archive.error());
    if (torch_root(*archive).empty()) {
      return failed(ErrorCode::kCheckpointMismatch, path + foreign_zip(*archive), path);
    }
    content = read_torch_zip(*archive, path);
    if (content) file.format_ = content->script ? Format::kTorchScript : Format::kTorchZip;
  } else if (is_legacy_torch(bytes)) {
    content = read_torch_legacy(bytes, path);
    file.format_ = Format::kTorchLegacy;
  } else {
    return failed(ErrorCode::kCheckpointMismatch, path + " " + what_it_looks_like(bytes), path);
  }
  if (!content) return forward_error(content);
  file.torch_ = std::move(*content);
  file.mapping_ = std::move(*mapping);
  return file;
} catch (const std::bad_alloc&) {
  return failed(ErrorCode::kOutOfMemory, "not enough memory to read " + path, path);
}

const std::map<std::string, TensorView>& CheckpointFile::tensors() const {
  return safetensors_ ? safetensors_->tensors() : torch_.tensors;
}

const std::map<std::string, std::string>& CheckpointFile::metadata() const {
  return safetensors_ ? safetensors_->metadata() : torch_.metadata;
}

}  // namespace berth::checkpoint
