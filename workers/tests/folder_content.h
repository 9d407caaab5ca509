// SPDX-License-Identifier: Apache-2.0
// What a folder holds, to compare.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "temporary_folder.h"

namespace berth::tests {

/// Every file below `root` with its content, but not the list of what tasks have written there.
inline std::map<std::string, std::string> content(const std::string& root) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (entry.is_regular_file() && entry.path().filename() != ".berth-output")
      files[entry.path().lexically_relative(root)] = TemporaryFolder::read(entry.path());
  }
  return files;
}

}  // namespace berth::tests
