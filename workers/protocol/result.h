// SPDX-License-Identifier: Apache-2.0
// What a failed step of a worker returns: a code that clients can act on, a message that says what
// was wrong and what would be right, and the file concerned where there is one.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace berth::protocol {

enum class ErrorCode {
  kOutOfMemory,
  kBadImage,
  kEmptyClass,
  kCheckpointMismatch,
  kNoSpace,
  kIoError,
  kBadRequest,
  kDiverged,
  kCommunication,  ///< processes that work together do not reach each other
  kInternal,
};

/// The word used in failure events, for example "out_of_memory".
std::string_view code_name(ErrorCode code);
/// The code of such a word; kInternal for any other.
ErrorCode code_from_name(std::string_view name);

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
  std::string file;  ///< empty: the failure concerns no file
};

template <typename T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

inline tl::unexpected<Error> failed(ErrorCode code, std::string message, std::string file = {}) {
  return tl::unexpected<Error>(Error{code, std::move(message), std::move(file)});
}

/// Hands the error of `result` on to the caller.
template <typename T>
tl::unexpected<Error> forward_error(Result<T>&& result) {
  return tl::unexpected<Error>(std::move(result.error()));
}
template <typename T>
tl::unexpected<Error> forward_error(Result<T>& result) {
  return tl::unexpected<Error>(std::move(result.error()));
}

/// "<what> <file>: <strerror>"; ENOSPC and EDQUOT become kNoSpace, ENOMEM kOutOfMemory, the rest
/// kIoError.
Error system_error(std::string_view what, const std::string& file, int errno_value);

}  // namespace berth::protocol
