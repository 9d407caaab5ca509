// SPDX-License-Identifier: Apache-2.0
#include "protocol/result.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace berth::protocol {

namespace {

struct Row {
  ErrorCode code;
  std::string_view name;
};

constexpr std::array kRows{Row{ErrorCode::kOutOfMemory, "out_of_memory"},
                           Row{ErrorCode::kBadImage, "bad_image"},
                           Row{ErrorCode::kEmptyClass, "empty_class"},
                           Row{ErrorCode::kCheckpointMismatch, "checkpoint_mismatch"},
                           Row{ErrorCode::kNoSpace, "no_space"},
                           Row{ErrorCode::kIoError, "io_error"},
                           Row{ErrorCode::kBadRequest, "bad_request"},
                           Row{ErrorCode::kDiverged, "diverged"},
                           Row{ErrorCode::kCommunication, "communication"},
                           Row{ErrorCode::kInternal, "internal"}};

}  // namespace

std::string_view code_name(ErrorCode code) {
  const auto row =
      std::find_if(kRows.begin(), kRows.end(), [&](const Row& r) { return r.code == code; });
  return row == kRows.end() ? "internal" : row->name;
}

ErrorCode code_from_name(std::string_view name) {
  const auto row =
      std::find_if(kRows.begin(), kRows.end(), [&](const Row& r) { return r.name == name; });
  return row == kRows.end() ? ErrorCode::kInternal : row->code;
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
