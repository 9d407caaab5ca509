// SPDX-License-Identifier: Apache-2.0
#include "metrics/exposition.h"

#include <functional>

#include "metrics/process.h"

namespace berth::metrics {

namespace {

using model::Sample;

constexpr double kMiB = 1024.0 * 1024.0;

template <class Number>
std::optional<double> as_double(const std::optional<Number>& number) {
  return number ? std::optional(static_cast<double>(*number)) : std::nullopt;
}

std::optional<double> mib(const std::optional<base::Bytes>& bytes) {
  return bytes ? std::optional(static_cast<double>(bytes->value) / kMiB) : std::nullopt;
}

struct DcgmField {
  const char* name;
  Type type;
  const char* help;
  std::function<std::optional<double>(const Sample&)> value;
};

// Energy and error counts are untyped: their names, which are given, lack the _total of a counter.
const std::vector<DcgmField>& dcgm_fields() {
  using enum Type;
  static const std::vector<DcgmField> kFields{
      {"DCGM_FI_DEV_SM_CLOCK", kGauge, "SM clock frequency (in MHz).",
       [](const Sample& s) { return as_double(s.clock_mhz); }},
      {"DCGM_FI_DEV_MEM_CLOCK", kGauge, "Memory clock frequency (in MHz).",
       [](const Sample& s) { return as_double(s.memory_clock_mhz); }},
      {"DCGM_FI_DEV_MEMORY_TEMP", kGauge, "Memory temperature (in C).",
       [](const Sample& s) { return as_double(s.memory_temperature_c); }},
      {"DCGM_FI_DEV_GPU_TEMP", kGauge, "GPU temperature (in C).",
       [](const Sample& s) { return as_double(s.temperature_c); }},
      {"DCGM_FI_DEV_POWER_USAGE", kGauge, "Power draw (in W).",
       [](const Sample& s) { return s.power_w; }},
      {"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", kUntyped,
       "Total energy consumption since boot (in mJ).",
       [](const Sample& s) { return as_double(s.energy_mj); }},
      {"DCGM_FI_DEV_GPU_UTIL", kGauge, "GPU utilization (in %).",
       [](const Sample& s) { return as_double(s.utilization_percent); }},
      {"DCGM_FI_DEV_MEM_COPY_UTIL", kGauge, "Memory utilization (in %).",
       [](const Sample& s) { return as_double(s.memory_utilization_percent); }},
      {"DCGM_FI_DEV_ENC_UTIL", kGauge, "Encoder utilization (in %).",
       [](const Sample& s) { return as_double(s.encoder_percent); }},
      {"DCGM_FI_DEV_DEC_UTIL", kGauge, "Decoder utilization (in %).",
       [](const Sample& s) { return as_double(s.decoder_percent); }},
      {"DCGM_FI_DEV_XID_ERRORS", kGauge, "Value of the last XID error encountered.",
       [](const Sample& s) { return as_double(s.xid); }},
      {"DCGM_FI_DEV_FB_FREE", kGauge, "Frame buffer memory free (in MiB).",
       [](const Sample& s) { return mib(s.free_memory); }},
      {"DCGM_FI_DEV_FB_USED", kGauge, "Frame buffer memory used (in MiB).",
       [](const Sample& s) { return mib(s.used_memory); }},
      {"DCGM_FI_DEV_FB_RESERVED", kGauge, "Frame buffer memory reserved (in MiB).",
       [](const Sample& s) { return mib(s.reserved_memory); }},
      {"DCGM_FI_DEV_FB_TOTAL", kGauge, "Frame buffer memory in all (in MiB).",
       [](const Sample& s) { return mib(s.total_memory); }},
      {"DCGM_FI_DEV_ECC_SBE_VOL_TOTAL", kUntyped, "Total number of single-bit volatile ECC errors.",
       [](const Sample& s) { return as_double(s.ecc_corrected); }},
      {"DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", kUntyped, "Total number of double-bit volatile ECC errors.",
       [](const Sample& s) { return as_double(s.ecc_uncorrected); }},
      {"DCGM_FI_DEV_FAN_SPEED", kGauge, "Fan speed (in %).",
       [](const Sample& s) { return as_double(s.fan_percent); }},
      {"DCGM_FI_DEV_POWER_MGMT_LIMIT", kGauge, "Power limit in force (in W).",
       [](const Sample& s) { return s.power_limit_w; }},
  };
  return kFields;
}

Labels dcgm_labels(const model::Device& device, const std::string& host, bool model_label) {
  // An instance has its GPU's number, and its profile and number beside it, as that exporter does.
  Labels labels{
      {"gpu", std::to_string(device.index)},
      {"UUID", device.id.value},
      {"pci_bus_id", device.pci_bus_id},
      {"device", device.vendor == model::Vendor::kNvidia ? "nvidia" + std::to_string(device.index)
                                                         : device.name},
      {"Hostname", host}};
  if (model_label) labels.emplace_back("modelName", device.model);
  if (device.mig) {
    labels.emplace_back("GPU_I_PROFILE", device.mig->profile);
    labels.emplace_back("GPU_I_ID", std::to_string(device.mig->gpu_instance));
  }
  return labels;
}

void write_devices(Text& text, const Figures& figures, bool model_label) {
  for (const DcgmField& field : dcgm_fields()) {
    text.family(field.name, field.type, field.help);
    for (const DeviceFigures& one : figures.devices) {
      if (one.device->vendor == model::Vendor::kCpu || one.sample == nullptr) continue;
      if (one.sample->health == model::Health::kLost ||
          one.sample->health == model::Health::kNotResponding)
        continue;  // its readings are old
      text.sample(dcgm_labels(*one.device, figures.host, model_label), field.value(*one.sample));
    }
  }
  const auto labels = [](const DeviceFigures& one) {
    return Labels{{"device", one.device->name}, {"uuid", one.device->id.value}};
  };
  text.family("berth_device_info", Type::kGauge, "A device and what it is; always 1.");
  for (const DeviceFigures& one : figures.devices) {
    Labels all = labels(one);
    all.emplace_back("vendor", std::string(model::to_text(one.device->vendor)));
    all.emplace_back("model", one.device->model);
    text.sample(all, 1);
  }
  text.family("berth_device_healthy", Type::kGauge,
              "1 while tasks may be started on the device, else 0.");
  for (const DeviceFigures& one : figures.devices) {
    text.sample(labels(one), one.takes_tasks && (one.sample == nullptr ||
                                                 one.sample->health == model::Health::kHealthy)
                                 ? 1
                                 : 0);
  }
  text.family("berth_device_reserved_bytes", Type::kGauge,
              "Device memory reserved for tasks and leases.");
  for (const DeviceFigures& one : figures.devices)
    text.sample(labels(one), static_cast<double>(one.reserved.value));
  const auto by_kind = [&](const DeviceFigures& one, const std::map<model::Kind, int>& counts) {
    for (const auto& [kind, count] : counts) {
      Labels all = labels(one);
      all.emplace_back("kind", std::string(model::to_text(kind)));
      text.sample(all, count);
    }
  };
  text.family("berth_device_tasks", Type::kGauge, "Tasks that run on the device.");
  for (const DeviceFigures& one : figures.devices) by_kind(one, one.running);
  text.family("berth_device_task_limit", Type::kGauge,
              "How many tasks of a kind may run on the device at a time.");
  for (const DeviceFigures& one : figures.devices) by_kind(one, one.limits);
}

Labels of(model::Kind kind) { return {{"kind", std::string(model::to_text(kind))}}; }

Labels of(const std::pair<model::Kind, model::TaskState>& which) {
  Labels labels = of(which.first);
  labels.emplace_back("state", std::string(model::to_text(which.second)));
  return labels;
}

void write_tasks(Text& text, const Figures& figures) {
  text.family("berth_tasks", Type::kGauge, "Tasks that there are, by state.");
  for (const auto& [which, count] : figures.tasks)
    text.sample(of(which), static_cast<double>(count));
  if (figures.counters != nullptr) {
    const TaskCounters& counters = *figures.counters;
    text.family("berth_tasks_ended_total", Type::kCounter, "Tasks that have ended.");
    for (const auto& [which, count] : counters.ended)
      text.sample(of(which), static_cast<double>(count));
    text.family("berth_task_retries_total", Type::kCounter, "Attempts that were tried again.");
    for (const auto& [kind, count] : counters.retried)
      text.sample(of(kind), static_cast<double>(count));
    text.family("berth_task_wait_seconds", Type::kHistogram,
                "Time from the submission of a task to its first start.");
    for (const auto& [kind, histogram] : counters.waited) histogram.write(text, of(kind));
    text.family("berth_task_run_seconds", Type::kHistogram, "Time that tasks ran.");
    for (const auto& [kind, histogram] : counters.ran) histogram.write(text, of(kind));
  }
  text.family("berth_oldest_wait_seconds", Type::kGauge,
              "How long the task has waited that has waited longest.");
  text.sample({}, figures.oldest_wait_seconds.value_or(0));
  text.family("berth_leases", Type::kGauge, "Leases that are held.");
  text.sample({}, static_cast<double>(figures.leases));
}

}  // namespace

std::string exposition(const Figures& figures, bool model_label) {
  Text text;
  write_devices(text, figures, model_label);
  write_tasks(text, figures);
  text.family("berth_streams", Type::kGauge, "Readers of logs and events that are connected.");
  text.sample({}, static_cast<double>(figures.watchers));
  text.family("berth_ready", Type::kGauge, "1 while new work is taken, else 0.");
  text.sample({}, figures.ready ? 1 : 0);
  text.family("berth_build_info", Type::kGauge, "The version of berthd; always 1.");
  text.sample({{"version", figures.version}}, 1);
  write_process(text, figures.start_time_seconds);
  return text.take();
}

}  // namespace berth::metrics
