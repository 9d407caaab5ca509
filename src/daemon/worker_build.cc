// SPDX-License-Identifier: Apache-2.0
#include "daemon/worker_build.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"

namespace berth::daemon {

namespace {
std::string program_in(const std::string& directory) { return directory + "/berth-worker-vision"; }
std::string prepare_in(const std::string& directory) { return directory + "/berth-worker-prepare"; }
std::string signal_in(const std::string& directory) { return directory + "/berth-worker-signal"; }
}  // namespace

std::string worker_stamp(const std::string& directory) {
  std::string stamp;
  for (const auto& file : {program_in(directory), program_in(directory) + ".json",
                           prepare_in(directory), signal_in(directory)}) {
    struct stat status{};
    if (::stat(file.c_str(), &status) != 0) {
      stamp += "-;";
      continue;
    }
    stamp += std::to_string(status.st_ino) + "," + std::to_string(status.st_size) + "," +
             std::to_string(status.st_mode) + "," + std::to_string(status.st_mtim.tv_sec) + "." +
             std::to_string(status.st_mtim.tv_nsec) + ";";
  }
  return stamp;
}

api::WorkerBuild read_worker_build(const std::string& directory) {
  api::WorkerBuild build;
  build.prepare = ::access(prepare_in(directory).c_str(), X_OK) == 0;
  build.signal = ::access(signal_in(directory).c_str(), X_OK) == 0;
  const std::string program = program_in(directory);
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
