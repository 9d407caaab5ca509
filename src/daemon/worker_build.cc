// SPDX-License-Identifier: Apache-2.0
#include "daemon/worker_build.h"

#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"

namespace berth::daemon {

api::WorkerBuild read_worker_build(const std::string& directory) {
  api::WorkerBuild build;
  const std::string program = directory + "/berth-worker-vision";
  const auto text = base::read_file(program + ".json", 1U << 20);
  if (!text || ::access(program.c_str(), X_OK) != 0) return build;
  const auto parsed = base::parse_json(*text);
  if (!parsed || !parsed->is_object()) return build;
  const auto& object = parsed->as_object();
  build.installed = true;
  build.torch_version = base::maybe_string(object, "torch_version");
  build.cuda = base::bool_or(object, "cuda_built");
  if (const auto* models = object.if_contains("models"); models != nullptr && models->is_array()) {
    for (const auto& model : models->as_array()) {
      if (model.is_string()) build.models.emplace_back(model.as_string());
    }
  }
  return build;
}

}  // namespace berth::daemon
