// SPDX-License-Identifier: Apache-2.0
// Listing pictures: data sets in the ImageFolder layout (one sub-folder per class) and plain
// folders.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/result.h"

namespace berth::image {

/// A data set. labels[i] is the index in class_names of the picture paths[i]. Classes are sorted by
/// name (bytes), pictures by path within their class.
struct ImageFolder {
  std::string root;
  std::vector<std::string> class_names;
  std::vector<std::string> paths;
  std::vector<int64_t> labels;
};

/// Lists `root`: every immediate sub-folder is a class, its pictures (any depth) are its samples.
/// Names that begin with a dot are left out. Errors: kIoError (not a readable folder), kEmptyClass
/// (a class folder without a picture), kBadRequest (no class folder at all).
protocol::Result<ImageFolder> list_image_folder(const std::string& root);

/// The pictures under `folder` at any depth, by path. Error: kIoError.
protocol::Result<std::vector<std::string>> list_pictures(const std::string& folder);

}  // namespace berth::image
