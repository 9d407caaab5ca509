// SPDX-License-Identifier: Apache-2.0
// Configuration: a strict YAML file (an unknown key is an error with its line), overridden by the
// environment, overridden by flags.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "base/units.h"
#include "core/state.h"
#include "daemon/memory_watchdog.h"
#include "daemon/notice.h"
#include "daemon/retention.h"

namespace berth::daemon {

struct Config {
  std::vector<std::string> listen;  // empty: 127.0.0.1:8000
  std::string state_dir;
  std::string nvml_library;  // empty: where the dynamic linker finds it
  std::string level_zero_library;
  std::string dcmi_library;
  std::string amd_smi_library;
  bool integrated_gpus = false;  // tasks may run on the graphics of a processor
  std::string sysfs_root;        // precedes /proc and /sys when devices are looked for
  std::string worker_dir;        // empty: beside berthd
  std::string language;          // "en" or "zh"
  std::vector<std::string> data_roots;
  std::vector<std::string> allowed_origins;
  std::vector<std::string> host_names;
  bool insecure = false;
  base::Duration cancel_grace{10'000};
  base::Bytes max_output{64LL << 20};  // per stream of a task
  base::Bytes max_log{64LL << 20};     // per task
  WatchdogMode memory_watchdog = WatchdogMode::kWarn;
  /// Who may do everything over the Unix socket, beside root and the daemon's own user: names,
  /// "@group", "*" for all.
  std::vector<std::string> allowed_users;
  Retention retention;        // of tasks that have ended
  bool fence_devices = true;  // tasks cannot open GPUs that they were not given
  std::vector<NoticeTarget> notifications;
  Thresholds thresholds;
  core::Config scheduler;
};

/// `arguments` without the program's name. kBadRequest with what was wrong and what would be right;
/// --help and --version are told apart by `what`.
struct Wanted {
  enum class What { kRun, kHelp, kVersion } what = What::kRun;
  Config config;
};
base::Result<Wanted> read_config(const std::vector<std::string>& arguments);

std::string usage();

}  // namespace berth::daemon
