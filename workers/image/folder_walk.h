// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "protocol/result.h"

namespace berth::image {

/// Names that begin with a dot.
bool is_hidden(const std::filesystem::path& path);

/// Calls `visit` for each entry below `folder` that is no folder, at any depth, in no order. Hidden
/// ones are left out. Links to folders are followed, but not to a folder that they
/// lie in themselves. Error: kIoError.
protocol::Status walk_files(
    const std::string& folder,
    const std::function<void(const std::filesystem::directory_entry&)>& visit);

/// A file, or a link to nowhere, which is to be told as a picture that cannot be read. Not a pipe
/// or a device, where reading would wait for ever.
bool may_be_read(const std::filesystem::directory_entry& entry);

}  // namespace berth::image
