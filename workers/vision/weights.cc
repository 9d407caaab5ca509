// SPDX-License-Identifier: Apache-2.0
#include "vision/weights.h"

#include <c10/core/GradMode.h>

#include <vector>

#include "checkpoint/checkpoint_file.h"
#include "protocol/text.h"
#include "vision/classifier.h"
#include "vision/tensor_files.h"

namespace berth::vision {
namespace {

using checkpoint::CheckpointFile;
using protocol::ErrorCode;
using protocol::failed;
using protocol::Result;
using protocol::Status;

constexpr size_t kNamesInMessage = 3;

std::map<std::string, at::Tensor> tensors_of(const Classifier& model) {
  std::map<std::string, at::Tensor> all;
  for (const auto& item : model.named_parameters()) all[item.key()] = item.value();
  for (const auto& item : model.named_buffers()) all[item.key()] = item.value();
  return all;
}

std::string shape_text(const std::vector<int64_t>& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  }
  return text + "]";
}

/// "label: a, b, c and 7 more"; empty without entries.
std::string listed(const std::string& label, const std::vector<std::string>& entries) {
  if (entries.empty()) return {};
  std::string text = "; " + label + ": ";
  for (size_t i = 0; i < entries.size() && i < kNamesInMessage; ++i) {
    text += (i == 0 ? "" : ", ") + entries[i];
  }
  if (entries.size() > kNamesInMessage) {
    text += " and " + std::to_string(entries.size() - kNamesInMessage) + " more";
  }
  return text;
}

}  // namespace

Status save_weights(const Classifier& model, const std::string& path,
                    const std::map<std::string, std::string>& metadata) {
  return write_tensors(path, tensors_of(model), metadata);
}

Result<bool> load_weights(Classifier* model, const std::string& path, HeadRule rule) {
  auto file = CheckpointFile::open(path);
  if (!file) return forward_error(file);
  const auto own = tensors_of(*model);
  const std::string head = model->head_prefix();
  std::vector<std::string> missing, unexpected, reshaped;
  bool other_head = false;
  for (const auto& [name, tensor] : own) {
    const auto found = file->tensors().find(name);
    const bool in_head = name.compare(0, head.size(), head) == 0;
    if (found != file->tensors().end() && found->second.shape == tensor.sizes().vec()) continue;
    if (rule == HeadRule::kMayDiffer && in_head) {
      other_head = true;
    } else if (found == file->tensors().end()) {
      if (!protocol::ends_with(name, ".num_batches_tracked")) missing.push_back(name);
    } else {
      reshaped.push_back(name + " is " + shape_text(found->second.shape) + ", the model needs " +
                         shape_text(tensor.sizes().vec()));
    }
  }
  for (const auto& [name, view] : file->tensors()) {
    if (own.count(name) == 0) unexpected.push_back(name);
  }
  if (!missing.empty() || !unexpected.empty() || !reshaped.empty()) {
    return failed(ErrorCode::kCheckpointMismatch,
                  path + " does not fit the model" + listed("missing", missing) +
                      listed("unexpected", unexpected) + listed("other shape", reshaped),
                  path);
  }
  const c10::NoGradGuard no_grad;
  for (const auto& [name, tensor] : own) {
    const auto found = file->tensors().find(name);
    if (found == file->tensors().end()) continue;
    if (other_head && name.compare(0, head.size(), head) == 0) continue;
    at::Tensor(tensor).copy_(as_tensor(found->second));
  }
  return other_head;
}

}  // namespace berth::vision
