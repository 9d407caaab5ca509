// SPDX-License-Identifier: Apache-2.0
// What is slow to ask for or slow to change.
#include <algorithm>
#include <array>

#include "device/nvml/asking.h"
#include "device/nvml/backend.h"
#include "model/device_words.h"

namespace berth::device::nvml {

namespace {

namespace words = model::words;

std::vector<std::string> reasons_of(unsigned long long bits) {
  struct Reason {
    std::uint64_t bit;
    std::string_view text;
  };
  constexpr std::array kReasons{Reason{kClocksApplication, words::kApplicationClocks},
                                Reason{kClocksPowerCap, words::kPowerLimit},
                                Reason{kClocksHardware, words::kHardwareSlowdown},
                                Reason{kClocksSync, words::kInStep},
                                Reason{kClocksThermal, words::kTemperature},
                                Reason{kClocksHardwareThermal, words::kTemperatureHardware},
                                Reason{kClocksPowerBrake, words::kPowerBrake},
                                Reason{kClocksDisplay, words::kDisplayClocks}};
  std::vector<std::string> reasons;
  for (const Reason& reason : kReasons) {
    if ((bits & reason.bit) != 0) reasons.emplace_back(reason.text);
  }
  return reasons;
}

}  // namespace

void NvmlBackend::read_costly(DeviceHandle handle, model::Sample& sample) const {
  const Functions& f = library_->functions();
  sample.power_limit_w = watts(number(sample, f.enforced_power_limit, handle));
  if (!sample.power_limit_w) sample.power_limit_w = watts(number(sample, f.power_limit, handle));
  sample.clock_mhz = as_int(number(sample, f.clock, handle, kClockSm));
  sample.memory_clock_mhz = as_int(number(sample, f.clock, handle, kClockMemory));
  sample.fan_percent = as_int(number(sample, f.fan_speed, handle));

  unsigned percent = 0;
  unsigned period = 0;
  const auto share = [&](auto function) {
    return ask(sample, function, handle, &percent, &period)
               ? std::optional(static_cast<int>(percent))
               : std::nullopt;
  };
  sample.encoder_percent = share(f.encoder);
  sample.decoder_percent = share(f.decoder);

  unsigned long long value = 0;
  const auto errors = [&](int kind) {
    return ask(sample, f.ecc_errors, handle, kind, kEccSinceLoad, &value)
               ? std::optional(static_cast<std::int64_t>(value))
               : std::nullopt;
  };
  sample.ecc_corrected = errors(kEccCorrected);
  sample.ecc_uncorrected = errors(kEccUncorrected);
  sample.throttle.reset();
  if (ask(sample, f.clock_reasons, handle, &value)) sample.throttle = reasons_of(value);

  FieldValue field{};
  field.field = kFieldMemoryTemperature;
  const bool told = ask(sample, f.field_values, handle, 1, &field) && field.code == kSuccess;
  sample.memory_temperature_c =
      told ? std::optional(static_cast<int>(field.value.number)) : std::nullopt;

  const auto generation = number(sample, f.pcie_generation, handle);
  const auto width = number(sample, f.pcie_width, handle);
  sample.pcie.reset();
  if (generation && width)
    sample.pcie = model::PcieLink{static_cast<int>(*generation), static_cast<int>(*width)};
}

/// Those that the driver has no new sample of did nothing. On MIG devices it has none at all.
void NvmlBackend::read_utilization(const Functions& f, Gpu& gpu,
                                   std::vector<model::DeviceProcess>& processes) {
  if (f.process_utilization == nullptr || processes.empty() || gpu.parent != nullptr) return;
  std::vector<ProcessUtilization> samples(std::max<std::size_t>(64, 2 * processes.size()));
  auto count = static_cast<unsigned>(samples.size());
  int code = f.process_utilization(gpu.handle, samples.data(), &count, gpu.utilization_seen_us);
  if (code == kInsufficientSize) {
    samples.resize(count + 16);
    count = static_cast<unsigned>(samples.size());
    code = f.process_utilization(gpu.handle, samples.data(), &count, gpu.utilization_seen_us);
  }
  if (code != kSuccess && code != kNotFound) return;
  samples.resize(code == kSuccess ? std::min<std::size_t>(count, samples.size()) : 0);
  for (auto& process : processes) {
    process.utilization_percent = 0;
    std::uint64_t newest = 0;
    for (const auto& sample : samples) {
      if (static_cast<int>(sample.pid) != process.pid || sample.time_us < newest) continue;
      newest = sample.time_us;
      process.utilization_percent = static_cast<int>(std::min(sample.sm, 100U));
    }
    gpu.utilization_seen_us = std::max(gpu.utilization_seen_us, newest);
  }
}

}  // namespace berth::device::nvml
