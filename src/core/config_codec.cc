// SPDX-License-Identifier: Apache-2.0
// The scheduler's configuration in the journal and in snapshots.
#include "core/config_codec.h"

#include "base/json_parts.h"

namespace berth::core {

namespace {

using base::part;
using base::json::array;
using base::json::object;
using base::json::value;

std::vector<std::string> words(const object& from, std::string_view key) {
  std::vector<std::string> result;
  for (const value& word : base::list(from, key)) {
    if (word.is_string()) result.emplace_back(word.as_string());
  }
  return result;
}

object to_json(const Pool& pool) {
  array devices;
  for (const auto& device : pool.devices) devices.emplace_back(device);
  array kinds;
  for (const auto kind : pool.kinds) kinds.emplace_back(model::to_text(kind));
  array users;
  for (const auto& user : pool.users) users.emplace_back(user);
  object result{{"devices", std::move(devices)},
                {"gpu_type", pool.gpu_type},
                {"min_memory", pool.min_memory.value},
                {"kinds", std::move(kinds)},
                {"users", std::move(users)}};
  if (pool.kind_limits) result["limits"] = to_json(*pool.kind_limits);
  return result;
}

Pool pool_from_json(const object& from) {
  Pool pool;
  for (auto& device : words(from, "devices")) pool.devices.insert(std::move(device));
  pool.gpu_type = base::string_or(from, "gpu_type");
  pool.min_memory = Bytes{base::int_or(from, "min_memory")};
  for (const auto& word : words(from, "kinds")) {
    if (const auto kind = model::kind_from_text(word)) pool.kinds.insert(*kind);
  }
  for (auto& user : words(from, "users")) pool.users.insert(std::move(user));
  if (from.contains("limits")) pool.kind_limits = limits_from_json(part(from, "limits"), {});
  return pool;
}

base::Duration duration_or(const object& from, std::string_view key, base::Duration otherwise) {
  return base::Duration{base::int_or(from, key, otherwise.count())};
}

}  // namespace

object to_json(const KindLimits& limits) {
  return object{{"training", limits.training}, {"inference", limits.inference}};
}

KindLimits limits_from_json(const object& from, KindLimits otherwise) {
  return KindLimits{static_cast<int>(base::int_or(from, "training", otherwise.training)),
                    static_cast<int>(base::int_or(from, "inference", otherwise.inference))};
}

object to_json(const Config& config) {
  array vendors;
  for (const auto vendor : config.worker_vendors) vendors.push_back(static_cast<int>(vendor));
  object pools;
  for (const auto& [name, pool] : config.pools) pools[name] = to_json(pool);
  return object{{"gpu_limits", to_json(config.gpu_limits)},
                {"cpu_limits", to_json(config.cpu_limits)},
                {"worker_vendors", std::move(vendors)},
                {"queue_size", config.queue_size},
                {"aging_ms", config.aging.count()},
                {"pools", std::move(pools)},
                {"policy", model::to_text(config.policy)},
                {"group_by_kind", config.group_by_kind},
                {"user_running", config.user_running},
                {"user_waiting", config.user_waiting},
                {"fair_share", config.fair_share.on},
                {"half_life_ms", config.fair_share.half_life.count()},
                {"fair_share_percent", config.fair_share.weight_percent},
                {"hung_device_ms", config.hung_device.count()},
                {"fence_ms", config.fence.count()}};
}

Config config_from_json(const object& from) {
  Config config;
  config.gpu_limits = limits_from_json(part(from, "gpu_limits"), config.gpu_limits);
  config.cpu_limits = limits_from_json(part(from, "cpu_limits"), config.cpu_limits);
  for (const value& vendor : base::list(from, "worker_vendors")) {
    if (vendor.is_int64() && vendor.as_int64() >= 0 && vendor.as_int64() <= 4)
      config.worker_vendors.insert(static_cast<model::Vendor>(vendor.as_int64()));
  }
  config.queue_size = base::int_or(from, "queue_size");
  config.aging = duration_or(from, "aging_ms", config.aging);
  for (const auto& entry : part(from, "pools")) {
    if (entry.value().is_object())
      config.pools.emplace(entry.key(), pool_from_json(entry.value().as_object()));
  }
  config.policy = model::policy_from_text(base::string_or(from, "policy")).value_or(config.policy);
  config.group_by_kind = base::bool_or(from, "group_by_kind");
  config.user_running = static_cast<int>(base::int_or(from, "user_running"));
  config.user_waiting = static_cast<int>(base::int_or(from, "user_waiting"));
  config.fair_share.on = base::bool_or(from, "fair_share");
  config.fair_share.half_life = duration_or(from, "half_life_ms", config.fair_share.half_life);
  config.fair_share.weight_percent =
      static_cast<int>(base::int_or(from, "fair_share_percent", config.fair_share.weight_percent));
  config.hung_device = duration_or(from, "hung_device_ms", config.hung_device);
  config.fence = duration_or(from, "fence_ms", config.fence);
  return config;
}

}  // namespace berth::core
