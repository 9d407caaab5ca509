// SPDX-License-Identifier: Apache-2.0
// How the keys of the configuration file are read. Exceptions of yaml-cpp end in read_config().
#pragma once

#include <yaml-cpp/yaml.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "daemon/config.h"

namespace berth::daemon {

/// One key: what its value does to the configuration, or what is wrong with it.
using Reader = std::function<base::Status(const YAML::Node&, Config&)>;
using Readers = std::map<std::string, Reader>;

/// kBadRequest with the line of `node`.
base::Status wrong(const YAML::Node& node, const std::string& message);

/// A list of words, or one word alone.
std::vector<std::string> words(const YAML::Node& node);

/// Every key of the map `node` by its reader; one without a reader is an error that names those
/// that there are.
base::Status read_keys(const YAML::Node& node, const Readers& readers, Config& config);

/// limits, pools, users, fair_share, policy, group_by_kind, aging, queue_size, hung_device.
const Readers& scheduler_readers();

/// notifications, thresholds.
const Readers& notice_readers();

}  // namespace berth::daemon
