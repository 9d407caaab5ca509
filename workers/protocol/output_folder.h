// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "protocol/result.h"

namespace berth::protocol {

/// The folder for a task's output, made if needed, for one task at a time: another one that asks
/// for it while this object lives is refused. (Where the file system has no locks, nobody is.)
class OutputFolder {
 public:
  /// `field`: of the request, for messages. Errors: kIoError, kNoSpace, kBadRequest (it is a file,
  /// or another task writes there).
  static Result<OutputFolder> open(const std::string& field, const std::string& path);
  ~OutputFolder();
  OutputFolder(OutputFolder&& other) noexcept;
  OutputFolder& operator=(OutputFolder&&) = delete;

  /// For files that are to be written there, relative to it. One that is there and that no task has
  /// claimed before is somebody's own. Errors: kBadRequest (there is such a file), kIoError.
  [[nodiscard]] Status claim(const std::vector<std::string>& names) const;

 private:
  OutputFolder(std::string field, std::string path, int fd);
  std::string field_, path_;
  int fd_;
};

}  // namespace berth::protocol
