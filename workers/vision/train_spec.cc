// SPDX-License-Identifier: Apache-2.0
#include "vision/train_spec.h"

#include "protocol/spec.h"
#include "vision/model_names.h"

namespace berth::vision {

protocol::Result<TrainSpec> read_train_spec(const std::string& path) {
  auto fields = protocol::Spec::read(path);
  if (!fields) return forward_error(fields);
  TrainSpec spec;
  spec.model = fields->required_text("model");
  spec.num_classes = fields->required_integer("num_classes", 1, 1'000'000);
  spec.train_path = fields->required_text("train_path");
  spec.val_path = fields->required_text("val_path");
  spec.save_path = fields->required_text("save_path");
  spec.batch_size = fields->integer("batch_size", 8, 1, 1 << 20);
  spec.num_epochs = fields->integer("num_epochs", 100, 1, 10'000'000);
  spec.learning_rate = fields->number("learning_rate", 1e-4, 0);
  spec.image_size = fields->integer("image_size", 224, 32, 8192);
  spec.weight_path = fields->text("weight_path").value_or("");
  spec.pretrained = fields->boolean("pretrained", false);
  spec.shuffle = fields->boolean("shuffle", true);
  spec.seed = static_cast<uint64_t>(fields->integer("seed", 0, 0, INT64_MAX));
  const int64_t threads = fields->integer("threads", 0, 0, 1024);
  if (threads > 0) spec.threads = threads;
  spec.device = fields->text("device").value_or("");
  if (auto fine = fields->status(); !fine) return forward_error(fine);
  if (auto known = check_model_name(spec.model); !known) return forward_error(known);
  // Several layers halve the picture down to one value per channel at 32 pixels.
  if (spec.batch_size == 1 && spec.image_size <= 32) {
    return protocol::failed(protocol::ErrorCode::kBadRequest,
                            "batch_size 1 with image_size 32 leaves batch normalisation a single "
                            "value per channel; use batch_size >= 2 or image_size >= 33",
                            path);
  }
  return spec;
}

}  // namespace berth::vision
