// SPDX-License-Identifier: Apache-2.0
#include "cli/options.h"

#include "cli/queueing.h"
#include "model/request.h"

namespace berth::cli {

namespace json = base::json;

namespace {

void place(CLI::Option* option, const char* group) {
  if (group != nullptr) option->group(group);
}

}  // namespace

CLI::Validator range(int least, int most) { return CLI::Range(least, most).description(""); }

CLI::Option* add_memory(CLI::App* verb, const std::function<void(base::Bytes)>& set,
                        const char* text) {
  return add_parsed(verb, "--memory", base::parse_bytes, set, text)->type_name("SIZE");
}

CLI::Option* add_device(CLI::App* verb, std::string* to, const char* text) {
  return add_parsed(
             verb, "--device", model::parse_selector,
             [to](const model::Selector& selector) { *to = selector.text; }, text)
      ->type_name("DEVICE");
}

CLI::Option* add_policy(CLI::App* verb, std::string* to) {
  return verb
      ->add_option_function<std::string>(
          "--policy",
          [to](const std::string& word) {
            if (!model::policy_from_text(word)) {
              throw CLI::ValidationError(
                  "--policy",
                  "\"" + word +
                      "\" is none of balanced, most_free, least_loaded, pack, spread, fastest");
            }
            *to = word;
          },
          "balanced, most_free, least_loaded, pack, spread or fastest")
      ->type_name("POLICY");
}

CLI::Option* add_duration(CLI::App* verb, const std::string& name, const Durations& allowed,
                          const std::function<void(base::Duration)>& set, const char* text) {
  const auto parse = [allowed](const std::string& word) -> base::Result<base::Duration> {
    const auto duration = base::parse_duration(word);
    if (duration && *duration >= allowed.least && *duration <= allowed.most) return *duration;
    const char* wrong = !duration                   ? "no duration"
                        : *duration < allowed.least ? "too short"
                                                    : "too long";
    return base::fail(base::ErrorCode::kSchemaViolation,
                      "\"" + word + "\" is " + wrong + ": write " + allowed.right);
  };
  return add_parsed(verb, name, parse, set, text)->type_name("T");
}

CLI::Option* add_ids(CLI::App* verb, const std::string& name, std::vector<std::string>& to,
                     const char* text) {
  return verb
      ->add_option_function<std::vector<std::string>>(
          name,
          [name, &to](const std::vector<std::string>& words) {
            for (const std::string& word : words) {
              const auto ids = parse_ids(word);
              if (!ids) throw CLI::ValidationError(name, ids.error().message);
              to.insert(to.end(), ids->begin(), ids->end());
            }
          },
          text)
      ->allow_extra_args(false)
      ->type_name("ID");
}

void add_number(CLI::App* verb, const std::string& option, const char* field, json::object& to,
                const char* text, const char* group) {
  place(verb->add_option_function<double>(
                option, [&to, field](double number) { to[field] = number; }, text)
            ->type_name("X"),
        group);
}

void add_count(CLI::App* verb, const std::string& option, const char* field, json::object& to,
               const char* text, const char* group) {
  place(verb->add_option_function<std::int64_t>(
                option, [&to, field](std::int64_t number) { to[field] = number; }, text)
            ->type_name("N"),
        group);
}

void add_word(CLI::App* verb, const std::string& option, const char* field, json::object& to,
              const char* text, const char* group) {
  place(verb->add_option_function<std::string>(
                option, [&to, field](const std::string& word) { to[field] = word; }, text)
            ->type_name("NAME"),
        group);
}

void add_switch(CLI::App* verb, const std::string& option, const char* field, json::object& to,
                const char* text, const char* group) {
  place(verb->add_flag_function(
            option, [&to, field](std::int64_t count) { to[field] = count > 0; }, text),
        group);
}

}  // namespace berth::cli
