// SPDX-License-Identifier: Apache-2.0
#include "prepare/files.h"

#include <algorithm>
#include <filesystem>

#include "image/decode.h"
#include "image/folder_walk.h"

namespace berth::prepare {
namespace {

namespace fs = std::filesystem;
using protocol::Result;

tl::unexpected<protocol::Error> cannot_list(const std::string& folder, std::error_code error) {
  return tl::unexpected<protocol::Error>(
      protocol::system_error("cannot list the folder", folder, error.value()));
}

}  // namespace

Result<Files> list_files(const std::string& folder) {
  Files files;
  auto walked = image::walk_files(folder, [&](const fs::directory_entry& entry) {
    if (image::has_image_extension(entry.path().string()) && image::may_be_read(entry)) {
      files.pictures.push_back(entry.path().lexically_relative(folder).string());
    } else {
      ++files.others;
    }
  });
  if (!walked) return forward_error(walked);
  std::sort(files.pictures.begin(), files.pictures.end());
  return files;
}

Result<ClassFiles> list_classes(const std::string& folder) {
  ClassFiles classes;
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    std::error_code ignored;
    if (image::is_hidden(entries->path())) continue;
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
