// SPDX-License-Identifier: Apache-2.0
// Zip archives of stored entries, as torch.load reads them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/result.h"

namespace berth::checkpoint {

struct ZipContent {
  std::string name;
  std::string_view bytes;  ///< owned by somebody else
};

/// Writes the archive whole or not at all. Every entry's content begins at a multiple of 64 bytes,
/// as PyTorch does it, so that it can be used where it lies. Errors: kNoSpace, kIoError.
protocol::Status write_zip(const std::string& path, const std::vector<ZipContent>& contents);

}  // namespace berth::checkpoint
