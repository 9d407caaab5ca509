// SPDX-License-Identifier: Apache-2.0
// Server paths in requests: made absolute, checked against the data roots and for existence.
#pragma once

#include <string>
#include <vector>

#include "api/service.h"
#include "api/texts.h"

namespace berth::api {

/// Absolute and without "." and ".."; relative to the daemon's working directory.
std::string absolute_path(const std::string& path);

/// kPathNotAllowed when `path`, with links followed as far as it exists, lies outside the roots.
base::Status check_root(const Service& service, const std::string& path);

/// check_root, and kPathNotFound with `missing` when there is nothing.
base::Status check_exists(const Service& service, const std::string& path, Phrase missing,
                          Language language);

/// The same for weights, which are a file: kPathNotFound for a folder too. Empty: none, which is
/// fine.
base::Status check_weights(const Service& service, const std::string& path, Language language);

}  // namespace berth::api
