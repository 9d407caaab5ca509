// SPDX-License-Identifier: Apache-2.0
#include "protocol/result.h"

#include <cerrno>
#include <system_error>

namespace berth::protocol {

std::string_view code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kOutOfMemory:
      return "out_of_memory";
    case ErrorCode::kBadImage:
      return "bad_image";
    case ErrorCode::kEmptyClass:
      return "empty_class";
    case ErrorCode::kCheckpointMismatch:
      return "checkpoint_mismatch";
    case ErrorCode::kNoSpace:
      return "no_space";
    case ErrorCode::kIoError:
      return "io_error";
    case ErrorCode::kBadRequest:
      return "bad_request";
    case ErrorCode::kDiverged:
      return "diverged";
    case ErrorCode::kInternal:
      return "internal";
  }
  return "internal";
}

Error system_error(std::string_view what, const std::string& file, int errno_value) {
  ErrorCode code = ErrorCode::kIoError;
  if (errno_value == ENOSPC || errno_value == EDQUOT) code = ErrorCode::kNoSpace;
  if (errno_value == ENOMEM) code = ErrorCode::kOutOfMemory;
  return Error{code,
               std::string(what) + " " + file + ": " + std::generic_category().message(errno_value),
               file};
}

}  // namespace berth::protocol
