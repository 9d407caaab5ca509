// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.h"
#include "cli/screen.h"

int main(int argc, char** argv) {
  const auto invocation = berth::cli::parse_arguments({argv + 1, argv + argc});
  if (invocation.verb) return invocation.verb();
  berth::cli::print(invocation.out);
  berth::cli::print_error(invocation.err);
  return invocation.status;
}
