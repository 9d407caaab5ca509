// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <map>

#include "signal/picture_set.h"

namespace berth::signal {
namespace {

namespace fs = std::filesystem;
using protocol::Error;
using protocol::ErrorCode;
using protocol::failed;
using protocol::Result;

bool is_recording(const fs::path& path) {
  const std::string ending = path.extension().string();
  return ending == ".iq" || ending == ".dat" || ending == ".sigmf-data";
}

/// Names of a folder's IQ files or of its subfolders, sorted; hidden ones left out.
Result<std::vector<std::string>> names_in(const std::string& folder, bool folders) {
  std::error_code error;
  fs::directory_iterator at(folder, error);
  std::vector<std::string> names;
  while (!error && at != fs::directory_iterator()) {
    std::error_code ignored;
    const std::string name = at->path().filename().string();
    const bool wanted = folders ? at->is_directory(ignored)
                                : at->is_regular_file(ignored) && is_recording(at->path());
    if (wanted && name[0] != '.') names.push_back(name);
    at.increment(error);
  }
  if (error) {
    return tl::unexpected<Error>(protocol::system_error("cannot list", folder, error.value()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

Result<std::vector<Recording>> find_recordings(const std::string& root, const std::string& out) {
  auto drones = names_in(root, true);
  if (!drones) return forward_error(drones);
  std::vector<Recording> found;
  for (const std::string& drone : *drones) {
    auto packs = names_in(root + "/" + drone, false);
    if (!packs) return forward_error(packs);
    std::map<std::string, int> stems;
    for (const std::string& pack : *packs) ++stems[fs::path(pack).stem().string()];
    for (const std::string& pack : *packs) {
      const std::string stem = fs::path(pack).stem().string();
      const std::string& place = stems[stem] > 1 ? pack : stem;
      found.push_back({root + "/" + drone + "/" + pack, out + "/" + drone + "/" + place, drone});
    }
  }
  if (found.empty()) {
    return failed(ErrorCode::kBadRequest,
                  root + " holds no recordings: expected <drone>/<pack>.iq (or .dat, .sigmf-data)",
                  root);
  }
  return found;
}

Result<std::vector<Recording>> recordings_at(const std::string& path, const std::string& out) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) {
    return std::vector<Recording>{{path, out, fs::path(path).stem().string()}};
  }
  auto names = names_in(path, false);
  if (!names) return forward_error(names);
  std::vector<Recording> found;
  for (const std::string& name : *names) {
    found.push_back({path + "/" + name, out, fs::path(name).stem().string()});
  }
  if (found.empty()) {
    return failed(ErrorCode::kBadRequest, path + " holds no recordings (.iq, .dat or .sigmf-data)",
                  path);
  }
  return found;
}

}  // namespace berth::signal
