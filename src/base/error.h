// SPDX-License-Identifier: Apache-2.0
// What a failed operation returns: a code from api/error-codes.yaml, a message that says what was
// wrong (with the value) and what would be right, and optional fields for logs and clients.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error_codes.h"

namespace berth::base {

struct Shortage;

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
  std::vector<std::pair<std::string, std::string>> context;
  std::shared_ptr<const Shortage> shortage = nullptr;  // which the message says in English
};

/// The row of `code` in api/error-codes.yaml.
const ErrorCodeRow& row(ErrorCode code);
const RefusalCodeRow& row(RefusalCode code);

/// An Error for a failed system call: "<what>: <strerror(errno_value)>", code kIoError.
Error errno_error(std::string_view what, int errno_value);

}  // namespace berth::base
