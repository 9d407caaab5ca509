// SPDX-License-Identifier: Apache-2.0
// Texts that several tasks share.
#pragma once

#include <cstdint>
#include <string>

#include "protocol/result.h"

namespace berth::vision {

/// printf into a string.
std::string format(const char* pattern, ...) __attribute__((format(printf, 1, 2)));

/// "0.87", "12.3", "1234".
std::string rate_text(double per_second);

/// An out-of-memory error with device, batch size, picture size (pixels) and what to do; any other
/// error as it is.
protocol::Error with_memory_advice(protocol::Error error, const std::string& device,
                                   int64_t batch_size, int64_t image_size);

}  // namespace berth::vision
