// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace berth::model {

/// What a driver, the daemon or a worker has said of a device or a task (model/device_words.h,
/// task_words.h, worker_words.h), in Chinese; itself where it is not known.
std::string in_chinese(std::string_view english);

}  // namespace berth::model
