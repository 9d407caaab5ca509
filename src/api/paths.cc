// SPDX-License-Identifier: Apache-2.0
#include "api/paths.h"

#include <filesystem>
#include <system_error>

namespace berth::api {

namespace fs = std::filesystem;

namespace {

// What does not exist is taken by its name; a link to nowhere yet is one such, and leads elsewhere.
bool hangs_on_a_link(const fs::path& real) {
  fs::path so_far;
  std::error_code code;
  for (const auto& part : real) {
    so_far /= part;
    if (fs::is_symlink(fs::symlink_status(so_far, code))) return true;
  }
  return false;
}

}  // namespace

std::string absolute_path(const std::string& path) {
  std::error_code code;
  const fs::path absolute = fs::absolute(path, code);
  std::string text = (code ? fs::path(path) : absolute).lexically_normal().string();
  if (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

base::Status check_root(const Service& service, const std::string& path) {
  const auto& roots = service.data_roots();
  if (roots.empty()) return {};
  std::error_code code;
  const fs::path real = fs::weakly_canonical(path, code);
  if (!code && !hangs_on_a_link(real)) {
    for (const auto& root : roots) {
      const fs::path relative = real.lexically_relative(fs::weakly_canonical(root, code));
      if (!relative.empty() && *relative.begin() != "..") return {};
    }
  }
  std::string all;
  for (const auto& root : roots) all += (all.empty() ? "" : ", ") + root;
  return base::fail(base::ErrorCode::kPathNotAllowed,
                    path + " lies outside the data roots of this server (" + all + ")");
}

base::Status check_exists(const Service& service, const std::string& path, Phrase missing,
                          Language language) {
  if (auto status = check_root(service, path); !status) return status;
  std::error_code code;
  if (!path.empty() && fs::exists(path, code)) return {};
  return base::fail(base::ErrorCode::kPathNotFound, phrase(missing, language, path));
}

base::Status check_weights(const Service& service, const std::string& path, Language language) {
  if (path.empty()) return {};
  auto status = check_exists(service, path, Phrase::kWeightsMissing, language);
  std::error_code code;
  if (!status || !fs::is_directory(path, code)) return status;
  return base::fail(base::ErrorCode::kPathNotFound,
                    phrase(Phrase::kWeightsAreFolder, language, path));
}

}  // namespace berth::api
