// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/arguments.h"
#include "cli/verbs.h"

namespace CLI {
class App;
}

namespace berth::cli {

struct DeviceOptions {
  GpusOptions gpus;
  CheckOptions check;
  PickOptions pick;
  LeasesOptions leases;
};

/// gpus, check, pick and leases: what is parsed goes to `to`, which must outlive the verbs in
/// `result`.
void add_device_verbs(CLI::App& app, DeviceOptions& to, Invocation& result);

}  // namespace berth::cli
