// SPDX-License-Identifier: Apache-2.0
// The command line understood.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace berth::cli {

struct Invocation {
  int status = 0;             // without a verb: what to end with
  std::string out, err;       // without a verb: what to print (help, or what was wrong)
  std::function<int()> verb;  // what to do
  bool for_programs = false;  // --json: everything in English
};

/// `arguments` without the program's name. A wrong one gives status 2 and, in `err`, what is wrong
/// and what would be right.
Invocation parse_arguments(const std::vector<std::string>& arguments);

}  // namespace berth::cli
