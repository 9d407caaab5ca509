// SPDX-License-Identifier: Apache-2.0
// `berth weights` is a program of its own: it knows files, not the daemon.
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "cli/screen.h"
#include "cli/verbs.h"
#include "cli/words.h"

namespace berth::cli {

int weights(const std::vector<std::string>& arguments) {
  std::error_code code;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", code);
  const std::string program = (self.parent_path() / "berth-worker-weights").string();
  std::vector<char*> words{const_cast<char*>(program.c_str())};
  for (const std::string& word : arguments) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  ::execv(program.c_str(), words.data());
  print_error("berth: " + tr("cannot start {}: {}", {program, std::strerror(errno)}) + "\n");
  return kBerthFailed;
}

}  // namespace berth::cli
