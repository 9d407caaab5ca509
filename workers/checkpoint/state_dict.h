// SPDX-License-Identifier: Apache-2.0
// Finds the weights in what torch.save wrote. People save a state_dict, a state_dict among other
// things, or a whole module; here all of them become names and tensors.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "checkpoint/pickle.h"
#include "checkpoint/tensor_record.h"

namespace berth::checkpoint {

struct StateDict {
  std::map<std::string, TensorRecord> tensors;
  /// What lies beside the weights and is plain: "epoch" -> "12", "class_names" -> JSON.
  std::map<std::string, std::string> metadata;
  /// Tensors of one element beside the weights (a best accuracy): metadata, once they are read.
  std::map<std::string, TensorRecord> numbers;
  std::vector<std::string> notes;  ///< what was chosen and what was left out, for people
};

/// `path` is for messages. The rules:
///  1. A module (an object with _parameters, _buffers and _modules) gives its parameters and its
///     persistent buffers under the names that its state_dict would have. A TorchScript module
///     gives every tensor among its attributes.
///  2. A dictionary with weights under state_dict, model_state_dict, model, net, network, weights
///     or module gives those of the first of these keys that has any. Averaged weights under ema,
///     model_ema, state_dict_ema, ema_state_dict or averaged_model are preferred if they have
///     every tensor that those have.
///  3. Any other dictionary is the state_dict; dictionaries in it are taken in with their key and a
///     dot in front of their names. What an optimizer and the like keep is left out.
/// "module." (DataParallel) and "_orig_mod." (torch.compile) are taken off if all names begin so.
/// Errors: kCheckpointMismatch: no tensors, a tensor of an unsupported kind (named), nested more
/// than 64 deep, or names that would take more than 64 MiB.
protocol::Result<StateDict> find_state_dict(const Pickle& pickle, const std::string& path);

}  // namespace berth::checkpoint
