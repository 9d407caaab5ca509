// SPDX-License-Identifier: Apache-2.0
// The command line of berth-sim.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/simulation.h"

namespace berth::sim {

struct Options {
  enum class What : std::uint8_t { kRun, kHelp, kVersion };
  What what = What::kRun;
  std::string fleet = "a100";
  int devices = 64;
  std::string profile = "helios";
  Demand demand;
  std::vector<model::Policy> policies{model::Policy::kBalanced};
  Conditions conditions;  // the policy apart
  base::Duration starved_after{86'400'000};
  std::string snapshot;                // a file; empty: none
  std::optional<base::Duration> each;  // how long a task of the snapshot lasts
  int jobs = 0;                        // runs at a time; 0: one per core
  bool json = false;
  bool timing = false;
};

base::Result<Options> read_options(const std::vector<std::string>& arguments);
std::string usage();

}  // namespace berth::sim
