// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.h"
#include "cli/screen.h"
#include "cli/words.h"

int main(int argc, char** argv) {
  using namespace berth::cli;
  const auto invocation = parse_arguments({argv + 1, argv + argc});
  speak(invocation.for_programs ? Language::kEnglish : language_of_locale());
  if (invocation.verb) return invocation.verb();
  print(invocation.out);
  print_error(invocation.err);
  return invocation.status;
}
