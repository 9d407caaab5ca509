// SPDX-License-Identifier: Apache-2.0
// The scheduler's part of the configuration file.
#include <cmath>

#include "base/text.h"
#include "daemon/config_reader.h"

namespace berth::daemon {

namespace {

constexpr int kMostTasks = 1'000'000;

base::Status read_count(const YAML::Node& node, const std::string& name, int& count) {
  const auto number = node.as<std::int64_t>();
  if (number < 0 || number > kMostTasks)
    return wrong(node, name + " must be between 0 and " + std::to_string(kMostTasks));
  count = static_cast<int>(number);
  return {};
}

base::Status read_time(const YAML::Node& node, const std::string& name, base::Duration least,
                       base::Duration& time) {
  const auto read = base::parse_duration(node.as<std::string>());
  if (!read || *read < least)
    return wrong(node, name + " must be a time of at least " + std::to_string(least.count()) +
                           " ms, such as 60s or 2h");
  time = *read;
  return {};
}

base::Status read_limits(const YAML::Node& node, core::KindLimits& limits) {
  for (const auto& entry : node) {
    const auto kind = entry.first.as<std::string>();
    if (kind != "training" && kind != "inference")
      return wrong(entry.first, "unknown kind \"" + kind + "\": write training or inference");
    int& limit = kind == "training" ? limits.training : limits.inference;
    if (auto status = read_count(entry.second, kind, limit); !status) return status;
  }
  return {};
}

base::Status read_all_limits(const YAML::Node& node, Config& config) {
  for (const auto& entry : node) {
    const auto device = entry.first.as<std::string>();
    if (device != "gpu" && device != "cpu")
      return wrong(entry.first, "unknown device class \"" + device + "\": write gpu or cpu");
    auto& limits = device == "gpu" ? config.scheduler.gpu_limits : config.scheduler.cpu_limits;
    if (auto status = read_limits(entry.second, limits); !status) return status;
  }
  return {};
}

// ---- pools ----

base::Status read_pool_key(const std::string& key, const YAML::Node& node, core::Pool& pool) {
  if (key == "devices") {
    for (const auto& device : words(node)) pool.devices.insert(base::lower(device));
  } else if (key == "gpu_type") {
    pool.gpu_type = node.as<std::string>();
  } else if (key == "min_memory") {
    const auto memory = base::parse_bytes(node.as<std::string>());
    if (!memory) return wrong(node, memory.error().message);
    pool.min_memory = *memory;
  } else if (key == "kinds") {
    for (const auto& word : words(node)) {
      const auto kind = model::kind_from_text(word);
      if (!kind)
        return wrong(node, "unknown kind \"" + word + "\": write training, inference or command");
      pool.kinds.insert(*kind);
    }
  } else if (key == "users") {
    for (const auto& user : words(node)) pool.users.insert(user);
  } else {
    return read_limits(node, pool.kind_limits.emplace());
  }
  return {};
}

base::Status read_pool(const std::string& name, const YAML::Node& node, core::Pool& pool) {
  static const std::set<std::string> kKeys{"devices", "gpu_type", "min_memory",
                                           "kinds",   "users",    "limits"};
  if (!node.IsMap()) return wrong(node, "the pool \"" + name + "\" must be a map of keys");
  for (const auto& entry : node) {
    const auto key = entry.first.as<std::string>();
    if (!kKeys.contains(key)) {
      return wrong(entry.first, "unknown key \"" + key + "\" of the pool \"" + name +
                                    "\"; known are " +
                                    base::join({kKeys.begin(), kKeys.end()}, ", "));
    }
    if (auto status = read_pool_key(key, entry.second, pool); !status) return status;
  }
  if (pool.devices.empty() && pool.gpu_type.empty() && pool.min_memory.value == 0) {
    return wrong(node, "the pool \"" + name +
                           "\" has no devices: name them (devices: [cuda:0]), or a gpu_type or "
                           "min_memory that they have");
  }
  return {};
}

base::Status read_pools(const YAML::Node& node, Config& config) {
  for (const auto& entry : node) {
    const auto name = entry.first.as<std::string>();
    if (name.empty()) return wrong(entry.first, "a pool needs a name");
    if (auto status = read_pool(name, entry.second, config.scheduler.pools[name]); !status)
      return status;
  }
  return {};
}

// ---- users ----

base::Status read_users(const YAML::Node& node, Config& config) {
  static const Readers kKeys{
      {"allow",
       [](const YAML::Node& value, Config& to) -> base::Status {
         to.allowed_users = words(value);
         return {};
       }},
      {"running",
       [](const YAML::Node& value, Config& to) {
         return read_count(value, "running", to.scheduler.user_running);
       }},
      {"waiting",
       [](const YAML::Node& value, Config& to) {
         return read_count(value, "waiting", to.scheduler.user_waiting);
       }},
  };
  return read_keys(node, kKeys, config);
}

// true, false, or {half_life, weight}, which turns it on.
base::Status read_fair_share(const YAML::Node& node, Config& config) {
  auto& share = config.scheduler.fair_share;
  if (!node.IsMap()) {
    share.on = node.as<bool>();
    return {};
  }
  share.on = true;
  static const Readers kKeys{
      {"half_life",
       [](const YAML::Node& value, Config& to) {
         return read_time(value, "half_life", base::Duration{1'000},
                          to.scheduler.fair_share.half_life);
       }},
      {"weight",
       [](const YAML::Node& value, Config& to) -> base::Status {
         const auto weight = value.as<double>();
         if (!(weight >= 0 && weight <= 1000))
           return wrong(value, "weight must be between 0 and 1000");
         to.scheduler.fair_share.weight_percent = static_cast<int>(std::lround(weight * 100));
         return {};
       }},
  };
  return read_keys(node, kKeys, config);
}

}  // namespace

const Readers& scheduler_readers() {
  static const Readers kReaders{
      {"limits", read_all_limits},
      {"pools", read_pools},
      {"users", read_users},
      {"fair_share", read_fair_share},
      {"policy",
       [](const YAML::Node& node, Config& config) -> base::Status {
         const auto policy = model::policy_from_text(node.as<std::string>());
         if (!policy)
           return wrong(node,
                        "policy must be balanced, most_free, least_loaded, pack, spread or "
                        "fastest");
         config.scheduler.policy = *policy;
         return {};
       }},
      {"group_by_kind",
       [](const YAML::Node& node, Config& config) -> base::Status {
         config.scheduler.group_by_kind = node.as<bool>();
         return {};
       }},
      {"queue_size",
       [](const YAML::Node& node, Config& config) -> base::Status {
         config.scheduler.queue_size = node.as<std::int64_t>();
         return config.scheduler.queue_size < 0 ? wrong(node, "queue_size must be at least 0")
                                                : base::Status();
       }},
      {"aging",
       [](const YAML::Node& node, Config& config) {
         return read_time(node, "aging", base::Duration{1'000}, config.scheduler.aging);
       }},
      {"hung_device",
       [](const YAML::Node& node, Config& config) {
         return read_time(node, "hung_device", base::Duration{1'000}, config.scheduler.hung_device);
       }},
  };
  return kReaders;
}

}  // namespace berth::daemon
