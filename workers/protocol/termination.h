// SPDX-License-Identifier: Apache-2.0
// SIGTERM and SIGINT end a worker at once, whatever it is computing: unfinished output files are
// removed and the process exits with 128 + the signal's number (143, 130). Finished files are
// always whole, because they only get their name when complete (output_file.h).
#pragma once

#include <signal.h>

#include <string>

namespace berth::protocol {

/// Call once at the start of main. Also ignores SIGPIPE: a reader that goes away is no reason to
/// die.
void install_termination();

/// A new file, open for writing, that the signal handler removes until it is forgotten.
struct TemporaryFile {
  std::string path;
  int fd = -1;    ///< -1: it could not be made, errno says why
  int slot = -1;  ///< for forget_temporary
};

/// Makes a file beside `path`, hidden, of a name that no other process takes. The handler runs
/// before or after, never in between; once it has begun this does not return. At most 1024 files
/// are remembered at a time (others would stay behind after a signal).
TemporaryFile create_temporary(const std::string& path);
void forget_temporary(int slot);

/// What a remembered folder's name gets while it is being removed.
inline constexpr char kLeavingSuffix[] = ".leaving";

/// Remembers one folder, made of unfinished output, that the signal handler removes with all that
/// is in it. Empty: none any more. Names of PATH_MAX and more are not remembered.
void remember_folder(const std::string& path);

/// While it lives, a signal waits: for steps that belong together. Where there is but one thread.
class TerminationPause {
 public:
  TerminationPause();
  ~TerminationPause();
  TerminationPause(const TerminationPause&) = delete;
  TerminationPause& operator=(const TerminationPause&) = delete;

 private:
  sigset_t before_;
};

/// Does not return once a signal ends the process: what goes wrong in other threads because their
/// files are being removed is no failure to be told.
void wait_if_ending();

}  // namespace berth::protocol
