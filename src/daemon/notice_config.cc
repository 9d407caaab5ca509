// SPDX-License-Identifier: Apache-2.0
// Whom to tell of what: `notifications` and `thresholds` of the configuration file.
#include "base/text.h"
#include "daemon/config_reader.h"

namespace berth::daemon {

namespace {

std::string known_happenings() {
  std::vector<std::string> names;
  for (const auto& [what, name] : kHappenings) names.emplace_back(name);
  return base::join(names, ", ");
}

base::Status read_target_key(const std::string& key, const YAML::Node& node, NoticeTarget& target) {
  if (key == "url") {
    target.url = node.as<std::string>();
    if (!target.url.starts_with("http://") && !target.url.starts_with("https://"))
      return wrong(node, "url must begin with http:// or https://");
  } else if (key == "command") {
    target.command = words(node);
    if (target.command.empty() || target.command.front().empty())
      return wrong(node,
                   "command must be a program and its arguments: [/usr/bin/logger, -t, berth]");
  } else if (key == "on") {
    for (const auto& word : words(node)) {
      const auto what = happening_from_text(word);
      if (!what)
        return wrong(node, "nothing is called \"" + word + "\"; known are " + known_happenings());
      target.on.insert(*what);
    }
  } else if (key == "kinds") {
    for (const auto& word : words(node)) {
      const auto kind = model::kind_from_text(word);
      if (!kind)
        return wrong(node, "unknown kind \"" + word + "\": write training, inference or command");
      target.kinds.insert(*kind);
    }
  } else {
    for (const auto& user : words(node)) target.users.insert(user);
  }
  return {};
}

base::Status read_notifications(const YAML::Node& node, Config& config) {
  static const std::set<std::string> kKeys{"url", "command", "on", "kinds", "users"};
  config.notifications.clear();
  if (!node.IsSequence())
    return wrong(node, "notifications must be a list, of entries such as {url: https://...}");
  for (const auto& item : node) {
    if (!item.IsMap())
      return wrong(item, "a notification must be a map of keys, such as {url: https://...}");
    NoticeTarget target;
    for (const auto& entry : item) {
      const auto key = entry.first.as<std::string>();
      if (!kKeys.contains(key)) {
        return wrong(entry.first, "unknown key \"" + key + "\" of a notification; known are " +
                                      base::join({kKeys.begin(), kKeys.end()}, ", "));
      }
      if (auto status = read_target_key(key, entry.second, target); !status) return status;
    }
    if (target.url.empty() == target.command.empty())
      return wrong(item, "a notification needs a url or a command, and not both");
    config.notifications.push_back(std::move(target));
  }
  return {};
}

// thresholds: {temperature: 85, power: 600, idle_holder: 30m}.
base::Status read_thresholds(const YAML::Node& node, Config& config) {
  static const Readers kKeys{
      {"temperature",
       [](const YAML::Node& value, Config& to) -> base::Status {
         const auto degrees = base::parse_number(value.as<std::string>());
         if (!degrees || *degrees <= 0 || *degrees > 1000)
           return wrong(value, "temperature must be a number of °C, more than 0, such as 85");
         to.thresholds.temperature_c = static_cast<int>(*degrees);
         return {};
       }},
      {"power",
       [](const YAML::Node& value, Config& to) -> base::Status {
         const auto watts = value.as<double>(-1);
         if (!(watts > 0))
           return wrong(value, "power must be a number of W, more than 0, such as 600");
         to.thresholds.power_w = watts;
         return {};
       }},
      {"idle_holder",
       [](const YAML::Node& value, Config& to) -> base::Status {
         const auto time = base::parse_duration(value.as<std::string>());
         if (!time || time->count() < 1000)
           return wrong(value, "idle_holder must be a time of at least 1s, such as 30m");
         to.thresholds.idle_holder = *time;
         return {};
       }},
  };
  config.thresholds = {};
  return read_keys(node, kKeys, config);
}

}  // namespace

const Readers& notice_readers() {
  static const Readers kReaders{
      {"notifications", read_notifications},
      {"thresholds", read_thresholds},
  };
  return kReaders;
}

}  // namespace berth::daemon
