// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <system_error>

namespace berth::base {

const ErrorCodeRow& row(ErrorCode code) { return kErrorCodes.at(static_cast<std::size_t>(code)); }

const RefusalCodeRow& row(RefusalCode code) {
  return kRefusalCodes.at(static_cast<std::size_t>(code));
}

Error errno_error(std::string_view what, int errno_value) {
  return Error{ErrorCode::kIoError,
               std::string(what) + ": " + std::generic_category().message(errno_value),
               {{"errno", std::to_string(errno_value)}}};
}

}  // namespace berth::base
