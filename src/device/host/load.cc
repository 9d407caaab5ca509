// SPDX-License-Identifier: Apache-2.0
#include "device/host/load.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>
#include <sstream>

#include "base/fd.h"
#include "base/text.h"
#include "device/host/memory.h"

namespace berth::device::host {

namespace {

double one_decimal(double value) { return std::round(value * 10.0) / 10.0; }

/// Physical cores and the mean clock from /proc/cpuinfo; what it does not say is absent.
struct ProcessorIdentity {
  std::optional<int> physical_cores;
  std::optional<double> mean_mhz;
};

ProcessorIdentity read_cpuinfo(const std::string& root) {
  ProcessorIdentity info;
  const auto text = base::read_file(root + "/proc/cpuinfo", 16U << 20U);
  if (!text) return info;
  std::set<std::pair<std::string, std::string>> cores;
  std::string package;
  double mhz = 0;
  int clocks = 0;
  for (const std::string& line : base::split(*text, '\n')) {
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;
    const auto key = base::trim(std::string_view(line).substr(0, colon));
    const std::string value(base::trim(std::string_view(line).substr(colon + 1)));
    if (key == "physical id") package = value;
    if (key == "core id") cores.emplace(package, value);
    if (key == "cpu MHz") {
      mhz += std::strtod(value.c_str(), nullptr);
      ++clocks;
    }
  }
  if (!cores.empty()) info.physical_cores = static_cast<int>(cores.size());
  if (clocks > 0 && mhz > 0) info.mean_mhz = mhz / clocks;
  return info;
}

std::optional<std::array<double, 3>> read_load_average(const std::string& root) {
  const auto text = base::read_file(root + "/proc/loadavg", 4096);
  if (!text) return std::nullopt;
  std::istringstream words(*text);
  words.imbue(std::locale::classic());
  std::array<double, 3> averages{};
  for (double& average : averages) {
    if (!(words >> average)) return std::nullopt;
  }
  return averages;
}

}  // namespace

base::json::object to_json(const CpuLoad& load) {
  base::json::array each;
  for (const auto& percent : load.per_cpu_percent) each.push_back(base::or_null(percent));
  base::json::value average = nullptr;
  if (load.load_avg) {
    average = {{"1", (*load.load_avg)[0]}, {"5", (*load.load_avg)[1]}, {"15", (*load.load_avg)[2]}};
  }
  return {{"percent", base::or_null(load.percent)},
          {"per_cpu_percent", std::move(each)},
          {"cores", load.cores},
          {"physical_cores", base::or_null(load.physical_cores)},
          {"freq_mhz", base::or_null(load.freq_mhz)},
          {"load_avg", std::move(average)},
          {"memory_percent", base::or_null(load.memory_percent)}};
}

std::optional<LoadMeter::Ticks> LoadMeter::find(const Reading& reading, int processor) {
  const auto& all = reading.processors;
  const auto place =
      std::lower_bound(all.begin(), all.end(), processor,
                       [](const auto& entry, int number) { return entry.first < number; });
  if (place == all.end() || place->first != processor) return std::nullopt;
  return place->second;
}

void LoadMeter::refresh(Clock::time_point now) {
  if (latest_ && now - latest_->taken < kShortest) return;
  const auto text = base::read_file(root_ + "/proc/stat", 16U << 20U);
  if (!text) return;
  Reading reading;
  reading.taken = now;
  std::istringstream lines(*text);
  std::string line;
  while (std::getline(lines, line) && line.starts_with("cpu")) {
    const auto blank = line.find(' ');
    const auto number = base::parse_number(
        std::string_view(line).substr(3, blank == std::string::npos ? 0 : blank - 3));
    if (!number) continue;  // the first line: the sum of all
    // user nice system idle iowait irq softirq steal; guest times are part of user and nice.
    std::array<std::uint64_t, 8> ticks{};
    const char* at = line.c_str() + blank;
    for (auto& tick : ticks) {
      char* end = nullptr;
      tick = std::strtoull(at, &end, 10);
      if (end == at) break;
      at = end;
    }
    Ticks sum;
    for (const auto tick : ticks) sum.all += tick;
    sum.busy = sum.all - ticks[3] - ticks[4];
    reading.processors.emplace_back(static_cast<int>(*number), sum);
  }
  std::sort(reading.processors.begin(), reading.processors.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  before_ = std::move(latest_);
  latest_ = std::move(reading);
}

std::optional<double> LoadMeter::percent_of(const std::vector<int>& processors,
                                            Clock::time_point now) {
  refresh(now);
  if (!before_ || !latest_) return std::nullopt;
  std::uint64_t busy = 0;
  std::uint64_t all = 0;
  for (const int processor : processors) {
    const auto old = find(*before_, processor);
    const auto fresh = find(*latest_, processor);
    // Counters of a processor that was offline in between may go back.
    if (!old || !fresh || fresh->all < old->all || fresh->busy < old->busy) continue;
    busy += fresh->busy - old->busy;
    all += fresh->all - old->all;
  }
  if (all == 0) return std::nullopt;
  return one_decimal(std::min(100.0, 100.0 * static_cast<double>(busy) / static_cast<double>(all)));
}

CpuLoad LoadMeter::read(Clock::time_point now) {
  refresh(now);
  CpuLoad load;
  std::vector<int> all;
  if (latest_) {
    for (const auto& [processor, ticks] : latest_->processors) all.push_back(processor);
  }
  load.cores = static_cast<int>(all.size());
  load.percent = percent_of(all, now);
  for (const int processor : all) load.per_cpu_percent.push_back(percent_of({processor}, now));
  const ProcessorIdentity info = read_cpuinfo(root_);
  load.physical_cores = info.physical_cores;
  load.freq_mhz = info.mean_mhz ? std::optional(one_decimal(*info.mean_mhz)) : std::nullopt;
  load.load_avg = read_load_average(root_);
  if (const auto memory = read_memory(root_); memory && memory->total.value > 0) {
    const auto used = static_cast<double>((memory->total - memory->available).value);
    load.memory_percent = one_decimal(100.0 * used / static_cast<double>(memory->total.value));
  }
  return load;
}

}  // namespace berth::device::host
