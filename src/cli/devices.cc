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

// As the API: GiB with two decimals.
json::value gib(const std::optional<base::Bytes>& bytes) {
  return bytes ? json::value(std::round(bytes->gib() * 100) / 100) : json::value(nullptr);
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

json::value processes(const model::Sample& sample) {
  if (!sample.processes) return nullptr;
  json::array result;
  for (const model::DeviceProcess& process : *sample.processes) {
    result.push_back(json::object{{"pid", process.pid},
                                  {"user", process.user},
                                  {"command", process.command},
                                  {"type", process.type},
                                  {"used_memory_gb", gib(process.used_memory)},
                                  {"state", model::to_text(process.state)},
                                  {"task_id", nullptr},
                                  {"left_by", nullptr}});
  }
  return result;
}

json::object device_report(const model::Device& device, const model::Sample& sample,
                           base::Time now) {
  const auto total = sample.total_memory ? sample.total_memory : device.total_memory;
  json::value utilization = nullptr;
  if (total && total->value > 0 && sample.used_memory) {
    utilization = std::round(1000.0 * sample.used_memory->gib() / total->gib()) / 10;
  }
  json::object report{{"id", device.index},
                      {"device_name", device.name},
                      {"name", device.model},
                      {"uuid", device.id.value},
                      {"vendor", model::to_text(device.vendor)},
                      {"pci_bus_id", device.pci_bus_id},
                      {"compute_capability", base::or_null(device.compute_capability)},
                      {"total_memory_gb", gib(total)},
                      {"allocated_memory_gb", gib(sample.used_memory)},
                      {"cached_memory_gb", gib(sample.used_memory)},
                      {"free_memory_gb", gib(sample.free_memory)},
                      {"utilization", utilization},
                      {"sm_utilization", base::or_null(sample.utilization_percent)},
                      {"temperature_c", base::or_null(sample.temperature_c)},
                      {"power_w", base::or_null(sample.power_w)},
                      {"power_limit_w", base::or_null(sample.power_limit_w)},
                      {"max_clock_mhz", base::or_null(device.max_clock_mhz)},
                      {"peak_gflops", base::or_null(device.peak_gflops)},
                      {"memory_gbps", base::or_null(device.memory_gbps)},
                      {"current_tasks", nullptr},
                      {"processes", processes(sample)},
                      {"health", model::to_text(sample.health)},
                      {"health_reason", sample.health_reason},
                      {"age_s", static_cast<double>((now - sample.taken).count()) / 1000.0}};
  model::add_belongings(report, device);
  return report;
}

}  // namespace

json::object gpu_report(const device::Readout& readout, base::Time now) {
  json::array devices;
  for (std::size_t i = 0; i < readout.inventory.devices.size() && i < readout.samples.size(); ++i) {
    const model::Device& device = readout.inventory.devices[i];
    if (device.vendor != model::Vendor::kCpu)
      devices.push_back(device_report(device, readout.samples[i], now));
  }
  json::array hints;
  for (const std::string& hint : readout.inventory.hints) hints.emplace_back(hint);
  return json::object{{"available", !devices.empty()},
                      {"count", devices.size()},
                      {"devices", std::move(devices)},
                      {"cuda_version", base::or_null(readout.inventory.cuda_version)},
                      {"driver_version", base::or_null(readout.inventory.driver_version)},
                      {"pytorch_version", nullptr},
                      {"hints", std::move(hints)}};
}

struct DeviceSource::Here {
  device::Machine machine{
      device::Options{environment("BERTH_NVML_LIBRARY"), environment("BERTH_SYSFS_ROOT")}};
  model::Inventory inventory = machine.enumerate([](std::string_view) {}, {});
};

DeviceSource::DeviceSource() = default;
DeviceSource::~DeviceSource() = default;

json::object DeviceSource::read_here() {
  const DriverPatience patience;
  if (!here_ || here_->machine.count_changed()) here_ = std::make_unique<Here>();
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
