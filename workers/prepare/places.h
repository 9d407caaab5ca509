// SPDX-License-Identifier: Apache-2.0
// Where a task reads and writes, and that the two do not get into each other's way.
#pragma once

#include <string>

#include "protocol/result.h"

namespace berth::prepare {

/// Whether `path` is `folder` or lies in it, links resolved.
bool lies_in(const std::string& path, const std::string& folder);

/// A copy of a file that appears whole or not at all. Errors: kIoError, kNoSpace.
protocol::Status copy_file(const std::string& from, const std::string& to);

/// A second name of the same file, in place of what has that name. Errors: kIoError (also when the
/// two lie on different file systems), kNoSpace.
protocol::Status link_file(const std::string& from, const std::string& to);

}  // namespace berth::prepare
