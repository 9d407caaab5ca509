// SPDX-License-Identifier: Apache-2.0
// Options that several verbs take, or that are read in the same way. Heavy to compile: of CLI11
// only the files *arguments.cc and options.cc may know. What is wrong with a word is told
// with the option's name.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "base/units.h"

namespace berth::cli {

/// Without CLI11's own words in the help: the texts say what is sensible.
CLI::Validator range(int least, int most);

/// What parse() makes of a word goes to `set`.
template <class Parse, class Set>
CLI::Option* add_parsed(CLI::App* verb, const std::string& name, Parse parse, Set set,
                        const char* text) {
  return verb->add_option_function<std::string>(
      name,
      [name, parse, set](const std::string& word) {
        auto value = parse(word);
        if (!value) throw CLI::ValidationError(name, value.error().message);
        set(std::move(*value));
      },
      text);
}

CLI::Option* add_memory(CLI::App* verb, const std::function<void(base::Bytes)>& set,
                        const char* text);
CLI::Option* add_device(CLI::App* verb, std::string* to, const char* text);
CLI::Option* add_policy(CLI::App* verb, std::string* to);

/// From `least` to `most`; `right` gives examples of what to write.
struct Durations {
  base::Duration least, most;
  const char* right;
};
CLI::Option* add_duration(CLI::App* verb, const std::string& name, const Durations& allowed,
                          const std::function<void(base::Duration)>& set, const char* text);

/// Lists of ids with commas, added to `to`; the option may repeat.
CLI::Option* add_ids(CLI::App* verb, const std::string& name, std::vector<std::string>& to,
                     const char* text);

/// Fields of a request that are sent when they are given, and whose sense the daemon knows.
/// `group`: the heading in the help; nullptr: the usual one.
void add_number(CLI::App* verb, const std::string& option, const char* field,
                base::json::object& to, const char* text, const char* group);
void add_count(CLI::App* verb, const std::string& option, const char* field, base::json::object& to,
               const char* text, const char* group);
void add_word(CLI::App* verb, const std::string& option, const char* field, base::json::object& to,
              const char* text, const char* group);
/// "--x" true, "--x,!--no-x" false with the other one.
void add_switch(CLI::App* verb, const std::string& option, const char* field,
                base::json::object& to, const char* text, const char* group);

}  // namespace berth::cli
