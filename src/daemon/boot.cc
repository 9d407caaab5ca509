// SPDX-License-Identifier: Apache-2.0
#include "daemon/boot.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/text.h"
#include "supervise/process.h"

namespace berth::daemon {

bool note_boot(const std::string& state_dir) {
  const std::string path = state_dir + "/boot";
  const std::string& now = supervise::boot_id();
  const auto known = base::read_file(path, 4096);
  const std::string before(known ? base::trim(*known) : std::string_view());
  if (before == now) return false;
  if (auto status = base::write_file(path, now + "\n", 0600); !status)
    base::log_warning("cannot note which boot this is", {{"reason", status.error().message}});
  return !before.empty();
}

}  // namespace berth::daemon
