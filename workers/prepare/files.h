// SPDX-License-Identifier: Apache-2.0
// The pictures of a folder, and how they are told from what else lies there.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/result.h"

namespace berth::prepare {

/// What a folder holds, at any depth. Names that begin with a dot are left out and not counted.
struct Files {
  std::vector<std::string> pictures;  ///< relative to the folder, sorted by bytes
  uint64_t others = 0;                ///< files that are no pictures by their extension
};

/// Links to folders are followed. Error: kIoError.
protocol::Result<Files> list_files(const std::string& folder);

/// A folder with one sub-folder for each class.
struct ClassFiles {
  std::vector<std::string> names;  ///< of the classes, sorted
  std::vector<Files> files;        ///< of names[i], relative to its folder
  uint64_t outside = 0;            ///< files that lie beside the class folders
};

/// Error: kIoError.
protocol::Result<ClassFiles> list_classes(const std::string& folder);

}  // namespace berth::prepare
