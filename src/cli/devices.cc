// SPDX-License-Identifier: Apache-2.0
#include "cli/devices.h"

#include <unistd.h>

#include <cmath>
#include <csignal>
#include <cstdlib>

#include "cli/members.h"
#include "cli/words.h"
#include "device/inventory.h"
#include "model/device_report.h"

namespace berth::cli {

namespace json = base::json;

namespace {

// Without a daemon the drivers are called in this process, and one that hangs would take the
// command with it: after a while it says so and ends.
class DriverPatience {
 public:
  DriverPatience() {
    text_ = "berth: " +
            tr("the GPU driver has not answered for 5 s; see the kernel's log (dmesg), "
               "or start berthd, which leaves a driver that hangs behind") +
            "\n";
    std::signal(SIGALRM, [](int) {
      [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text_.data(), text_.size());
      ::_exit(1);
    });
    ::alarm(kSeconds);
  }
  ~DriverPatience() {
    ::alarm(0);
    std::signal(SIGALRM, SIG_DFL);
  }
  DriverPatience(const DriverPatience&) = delete;
  DriverPatience& operator=(const DriverPatience&) = delete;

 private:
  static constexpr unsigned kSeconds = 5;
  static inline std::string text_;  // made before the alarm can ring: the handler only writes it
};

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

json::value processes(const model::Sample& sample) {
  if (!sample.processes) return nullptr;
  json::array result;
  for (const model::DeviceProcess& process : *sample.processes) {
    json::object one = model::process_report(process);
    one["task_id"] = nullptr;
    one["left_by"] = nullptr;
    result.push_back(std::move(one));
  }
  return result;
}

json::object device_report(const model::Device& device, const model::Sample& sample,
                           base::Time now) {
  json::object report = model::device_report(device, sample);
  report["current_tasks"] = nullptr;
  report["processes"] = processes(sample);
  report["age_s"] = static_cast<double>((now - sample.taken).count()) / 1000.0;
  return report;
}

}  // namespace

json::object gpu_report(const device::Readout& readout, base::Time now) {
  json::array devices, others;
  for (std::size_t i = 0; i < readout.inventory.devices.size() && i < readout.samples.size(); ++i) {
    const model::Device& device = readout.inventory.devices[i];
    if (device.vendor == model::Vendor::kCpu) continue;
    (device.no_tasks.empty() ? devices : others)
        .push_back(device_report(device, readout.samples[i], now));
  }
  json::array hints;
  for (const std::string& hint : readout.inventory.hints) hints.emplace_back(hint);
  return json::object{{"available", !devices.empty()},
                      {"count", devices.size()},
                      {"devices", std::move(devices)},
                      {"other_devices", std::move(others)},
                      {"cuda_version", base::or_null(readout.inventory.cuda_version)},
                      {"driver_version", base::or_null(readout.inventory.driver_version)},
                      {"pytorch_version", nullptr},
                      {"hints", std::move(hints)}};
}

struct DeviceSource::Here {
  static device::Options options() {
    device::Options options;
    options.nvml_library = environment("BERTH_NVML_LIBRARY");
    options.level_zero_library = environment("BERTH_LEVEL_ZERO_LIBRARY");
    options.dcmi_library = environment("BERTH_DCMI_LIBRARY");
    options.amd_smi_library = environment("BERTH_AMD_SMI_LIBRARY");
    options.sysfs_root = environment("BERTH_SYSFS_ROOT");
    return options;
  }

  device::Machine machine{options()};
  model::Inventory inventory = machine.enumerate();
};

DeviceSource::DeviceSource() = default;
DeviceSource::~DeviceSource() = default;

json::object DeviceSource::read_here() {
  const DriverPatience patience;
  if (!here_ || here_->machine.devices_changed()) here_ = std::make_unique<Here>();
  device::Readout readout{here_->inventory, {}};
  for (const model::Device& device : readout.inventory.devices) {
    readout.samples.push_back(device.vendor == model::Vendor::kCpu
                                  ? model::Sample{}
                                  : here_->machine.sample(device, device::Scope{}));
  }
  return gpu_report(readout, base::now());
}

base::Result<json::object> DeviceSource::read() {
  if (!session_) {
    auto session = Session::open();
    if (session)
      session_.emplace(std::move(*session));
    else if (session.error().code != base::ErrorCode::kNotReachable)
      return base::fail(session.error());
  }
  if (session_) {
    auto report = session_->object("/api/v2/resources/gpu");
    if (report) {
      if (auto drains = session_->object("/api/v2/resources/drain")) (*report)["drain"] = *drains;
      if (auto leases = session_->object("/api/v2/leases")) {
        if (const json::array* list = array_in(*leases, "leases")) (*report)["leases"] = *list;
      }
    }
    if (report || report.error().code == base::ErrorCode::kUnauthorized) return report;
    session_.reset();  // it went away, or something else listens there
  }
  return read_here();
}

std::string DeviceSource::text() const {
  return session_ ? tr("berthd at {}", {daemon_url()}) : tr("read without a daemon");
}

}  // namespace berth::cli
