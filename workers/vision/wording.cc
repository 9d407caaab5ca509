// SPDX-License-Identifier: Apache-2.0
#include "vision/wording.h"

#include <cstdarg>
#include <cstdio>

namespace berth::vision {

std::string format(const char* pattern, ...) {
  va_list arguments, again;
  va_start(arguments, pattern);
  va_copy(again, arguments);
  const int length = std::vsnprintf(nullptr, 0, pattern, arguments);
  std::string text(length > 0 ? static_cast<size_t>(length) : 0, '\0');
  if (length > 0) std::vsnprintf(text.data(), text.size() + 1, pattern, again);
  va_end(again);
  va_end(arguments);
  return text;
}

std::string rate_text(double per_second) {
  const int digits = per_second < 10 ? 2 : per_second < 100 ? 1 : 0;
  return format("%.*f", digits, per_second);
}

protocol::Error with_memory_advice(protocol::Error error, const std::string& device,
                                   int64_t batch_size, int64_t image_size) {
  if (error.code != protocol::ErrorCode::kOutOfMemory) return error;
  error.message = "out of memory on " + device + " with batch size " + std::to_string(batch_size) +
                  " and image size " + std::to_string(image_size) +
                  ": use a smaller batch_size or image_size, a smaller model, or a device with "
                  "more free memory (" +
                  error.message + ")";
  return error;
}

}  // namespace berth::vision
