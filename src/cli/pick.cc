// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"
#include "cli/check_text.h"
#include "cli/devices.h"
#include "cli/gpus_text.h"
#include "cli/lease_text.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "cli/words.h"

namespace berth::cli {

namespace json = base::json;

namespace {

json::object lease_request(const PickOptions& options) {
  json::object body{{"device", options.device.empty() ? "auto" : options.device},
                    {"gpus", options.count},
                    {"exclusive", options.exclusive},
                    {"policy", options.policy},
                    {"ttl_s", static_cast<double>(options.hold->count()) / 1000}};
  if (options.memory.value > 0) body["memory_gb"] = options.memory.gib();
  if (!options.gpu_type.empty()) body["gpu_type"] = options.gpu_type;
  if (!options.pool.empty()) body["pool"] = options.pool;
  if (options.pid) body["pid"] = *options.pid;
  return body;
}

// "Nothing is free: cuda:0: ...; cuda:1: ..." with a line for each device, as berth pick has it.
base::Error a_line_each(base::Error error) {
  if (base::row(error.code).http_status != 409) return error;
  std::string lines;
  for (const std::string& part : base::split(error.message, ';'))
    lines += (lines.empty() ? "" : "\n  ") + std::string(base::trim(part));
  if (const auto colon = lines.find(": "); colon != std::string::npos)
    lines.replace(colon, 2, "\n  ");
  error.message = lines;
  return error;
}

base::Result<json::object> take_lease(const PickOptions& options) {
  auto session = Session::open();
  if (!session) {
    base::Error error = session.error();
    if (error.code == base::ErrorCode::kNotReachable)
      error.message += "\n  " + tr("a lease needs the daemon: it keeps the device from others. "
                                   "Without --hold \"berth pick\" does without it");
    return base::fail(std::move(error));
  }
  // The daemon would lease the processor.
  const auto gpus = session->object("/api/v2/resources/gpu");
  if (!gpus) return base::fail(gpus.error());
  if (!base::bool_or(*gpus, "available", true) && options.device != "cpu")
    return base::fail(base::ErrorCode::kNeverFits,
                      tr("no GPU on this machine (berth gpus tells more)"));
  auto lease = session->post("/api/v2/leases", lease_request(options));
  if (!lease) return base::fail(a_line_each(lease.error()));
  if (!lease->is_object()) {
    return base::fail(base::ErrorCode::kInternal,
                      tr("{} did not answer with an object; is that berthd?", {daemon_url()}));
  }
  return std::move(lease->as_object());
}

int pick_and_hold(const PickOptions& options) {
  const auto lease = take_lease(options);
  if (!lease) return report(lease.error());
  print(render_lease(*lease, options.format));
  // The other formats name the lease themselves.
  if (options.format != PickFormat::kEnv && options.format != PickFormat::kJson)
    note(lease_text(*lease, base::now()));
  return kDone;
}

}  // namespace

int pick(const PickOptions& options) {
  if (options.hold) return pick_and_hold(options);
  DeviceSource source;
  const auto report = source.read();
  if (!report) return berth::cli::report(report.error());
  const auto devices = choose(*report, options);
  if (!devices) return berth::cli::report(devices.error());
  for (const auto& device : *devices) {
    const std::string warning = options.memory.value == 0 ? scarcity_warning(device) : "";
    if (!warning.empty()) print_error("berth: " + warning + "\n");
  }
  print(render_pick(*devices, options.format));
  return kDone;
}

}  // namespace berth::cli
