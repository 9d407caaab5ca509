// SPDX-License-Identifier: Apache-2.0
#include "cli/devices.h"
#include "cli/gpus_text.h"
#include "cli/verbs.h"
#include "cli/words.h"

namespace berth::cli {

int pick(const PickOptions& options) {
  DeviceSource source;
  const auto report = source.read();
  if (!report) return berth::cli::report(report.error());
  const auto devices = choose(*report, options);
  if (!devices) return berth::cli::report(devices.error());
  for (const auto& device : *devices) {
    const auto free = free_gb(device);
    if (options.memory.value == 0 && free &&
        *free < 2) {  // document 004: warn below 2 GB, use it all the same
      print_error("berth: " +
                  tr("warning: {} has only {} free; end other processes (berth gpus shows them), "
                     "take a smaller model, or use the CPU",
                     {base::string_or(device, "device_name"),
                      base::to_text(base::Bytes::from_gib(*free))}) +
                  "\n");
    }
  }
  print(render_pick(*devices, options.format));
  return kDone;
}

}  // namespace berth::cli
