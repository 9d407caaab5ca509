// SPDX-License-Identifier: Apache-2.0
#include "prepare/files.h"

#include <algorithm>
#include <filesystem>

#include "image/decode.h"

namespace berth::prepare {
namespace {

namespace fs = std::filesystem;
using protocol::Result;

bool hidden(const fs::path& path) { return path.filename().native().rfind('.', 0) == 0; }

/// A file, or a link to nowhere, which is to be told as a picture that cannot be read. Not a pipe
/// or a device, where reading would wait for ever.
bool readable(const fs::directory_entry& entry) {
  std::error_code ignored;
  const fs::file_type type = entry.status(ignored).type();
  return type == fs::file_type::regular || type == fs::file_type::not_found;
}

tl::unexpected<protocol::Error> cannot_list(const std::string& folder, std::error_code error) {
  return tl::unexpected<protocol::Error>(
      protocol::system_error("cannot list the folder", folder, error.value()));
}

}  // namespace

Result<Files> list_files(const std::string& folder) {
  Files files;
  std::error_code error;
  fs::recursive_directory_iterator entries(folder, fs::directory_options::follow_directory_symlink,
                                           error);
  for (; !error && entries != fs::recursive_directory_iterator(); entries.increment(error)) {
    std::error_code ignored;
    if (hidden(entries->path())) {
      entries.disable_recursion_pending();
    } else if (entries->is_directory(ignored)) {
      continue;
    } else if (image::has_image_extension(entries->path().string()) && readable(*entries)) {
      files.pictures.push_back(entries->path().lexically_relative(folder).string());
    } else {
      ++files.others;
    }
  }
  if (error) return cannot_list(folder, error);
  std::sort(files.pictures.begin(), files.pictures.end());
  return files;
}

Result<ClassFiles> list_classes(const std::string& folder) {
  ClassFiles classes;
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    std::error_code ignored;
    if (hidden(entries->path())) continue;
    if (entries->is_directory(ignored)) {
      classes.names.push_back(entries->path().filename().string());
    } else {
      ++classes.outside;
    }
  }
  if (error) return cannot_list(folder, error);
  std::sort(classes.names.begin(), classes.names.end());
  for (const std::string& name : classes.names) {
    auto files = list_files(folder + "/" + name);
    if (!files) return forward_error(files);
    classes.files.push_back(std::move(*files));
  }
  return classes;
}

}  // namespace berth::prepare
