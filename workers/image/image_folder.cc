// SPDX-License-Identifier: Apache-2.0
#include "image/image_folder.h"

#include <algorithm>
#include <filesystem>

#include "image/decode.h"
#include "image/folder_walk.h"
#include "protocol/event_writer.h"

namespace berth::image {
namespace {

namespace fs = std::filesystem;
using protocol::ErrorCode;
using protocol::failed;
using protocol::Result;

Result<std::vector<std::string>> class_folders(const std::string& root) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator entries(root, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    std::error_code ignored;
    if (entries->is_directory(ignored) && !is_hidden(entries->path())) {
      names.push_back(entries->path().filename().string());
    }
  }
  if (error) {
    return tl::unexpected<protocol::Error>(
        protocol::system_error("cannot list the folder", root, error.value()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

Result<std::vector<std::string>> list_pictures(const std::string& folder) {
  std::vector<std::string> paths;
  auto walked = walk_files(folder, [&](const fs::directory_entry& entry) {
    if (has_image_extension(entry.path().string()) && may_be_read(entry))
      paths.push_back(entry.path().string());
  });
  if (!walked) return forward_error(walked);
  std::sort(paths.begin(), paths.end());
  return paths;
}

Result<ImageFolder> list_image_folder(const std::string& root) {
  auto names = class_folders(root);
  if (!names) return forward_error(names);
  if (names->empty()) {
    return failed(ErrorCode::kBadRequest,
                  root + " has no class folders: pictures are expected in " + root +
                      "/<class>/*.jpg (or .jpeg, .png, .bmp)",
                  root);
  }
  ImageFolder folder;
  folder.root = root;
  folder.class_names = std::move(*names);
  for (size_t label = 0; label < folder.class_names.size(); ++label) {
    const std::string& name = folder.class_names[label];
    const std::string class_root = root + "/" + name;
    if (const std::string readable = protocol::valid_utf8(name); readable != name) {
      return failed(ErrorCode::kBadRequest,
                    "the name of the class folder " + root + "/" + readable +
                        " is not UTF-8: rename it, or unpack the archive with its own encoding",
                    root);
    }
    auto paths = list_pictures(class_root);
    if (!paths) return forward_error(paths);
    if (paths->empty()) {
      return failed(ErrorCode::kEmptyClass,
                    "the class folder " + class_root +
                        " holds no picture (.jpg, .jpeg, .png, .bmp): add some or remove it",
                    class_root);
    }
    folder.labels.insert(folder.labels.end(), paths->size(), static_cast<int64_t>(label));
    for (std::string& path : *paths) folder.paths.push_back(std::move(path));
  }
  return folder;
}

}  // namespace berth::image
