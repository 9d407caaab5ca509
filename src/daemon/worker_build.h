// SPDX-License-Identifier: Apache-2.0
// What the installed built-in workers are, from the description that their build leaves beside
// them.
#pragma once

#include <string>

#include "api/service.h"

namespace berth::daemon {

/// Reads <directory>/berth-worker-vision.json; not installed when that or the program is missing.
api::WorkerBuild read_worker_build(const std::string& directory);

/// Another text whenever the files of the build are others: installed, replaced, removed.
std::string worker_stamp(const std::string& directory);

}  // namespace berth::daemon
