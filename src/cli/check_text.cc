// SPDX-License-Identifier: Apache-2.0
#include "cli/check_text.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/text.h"
#include "base/units.h"
#include "cli/drain_text.h"
#include "cli/gpu_notes.h"
#include "cli/gpus_text.h"
#include "cli/holders_text.h"
#include "cli/members.h"
#include "cli/width.h"
#include "cli/words.h"

namespace berth::cli {

namespace json = base::json;
using base::maybe_double;
using base::string_or;

namespace {

// Document 004's numbers.
constexpr double kScarceGb = 2, kIdlePercent = 10, kHalfPercent = 50;
constexpr std::size_t kMostProcesses = 5;
constexpr int kEnglishTitles = 13, kChineseTitles = 10;  // columns

std::vector<json::object> usable_devices(const json::object& report) {
  std::vector<json::object> result;
  const json::array* devices = array_in(report, "devices");
  if (devices == nullptr) return result;
  for (const json::value& device : *devices) {
    // Of a divided GPU it is the instances that can be used.
    if (device.is_object() && !base::bool_or(device.as_object(), "partitioned"))
      result.push_back(device.as_object());
  }
  return result;
}

// "0", for a MIG instance "0:1": as NVIDIA's container tools number them.
std::string number_of(const json::object& device) {
  const std::string name = string_or(device, "device_name");
  const auto colon = name.find(':');
  if (object_in(device, "mig") != nullptr && colon != std::string::npos)
    return printable(name.substr(colon + 1));
  return std::to_string(base::int_or(device, "id"));
}

// "GPU 1"; its name where another vendor's has that number too.
std::string label(const json::object& device, const std::vector<json::object>& all) {
  const auto vendor = [](const json::object& one) {
    const std::string name = string_or(one, "device_name");
    return name.substr(0, name.find(':'));
  };
  const bool one_vendor = std::ranges::all_of(
      all, [&](const json::object& other) { return vendor(other) == vendor(device); });
  return one_vendor ? "GPU " + number_of(device) : printable(string_or(device, "device_name"));
}

// One that is slowed down is chosen last: whether that decided.
bool passed_over(const json::object& chosen, const std::vector<json::object>& all) {
  if (base::bool_or(chosen, "throttled")) return false;
  return std::ranges::any_of(all, [&](const json::object& other) {
    return base::bool_or(other, "throttled") && free_gb(other) > free_gb(chosen);
  });
}

std::string title(const std::string& text) {
  return "   " + pad_right(text, spoken() == Language::kChinese ? kChineseTitles : kEnglishTitles);
}

// Leased, or reserved for tasks that have not taken it yet.
std::optional<double> reserved_gb(const json::object& device) {
  const auto driver = base::maybe_bytes(device, "free_memory_bytes");
  const auto effective = base::maybe_bytes(device, "effective_free_memory_bytes");
  if (!driver || !effective || *driver <= *effective) return std::nullopt;
  return (*driver - *effective).gib();
}

std::string device_block(const json::object& device, const std::string& name,
                         const std::string& drain, const Screen& screen) {
  const auto total = maybe_double(device, "total_memory_gb");
  const auto used = maybe_double(device, "allocated_memory_gb");
  const auto share =
      total && used && *total > 0 ? std::optional(100 * *used / *total) : std::nullopt;
  const std::string health = string_or(device, "health", "healthy");
  const bool good = health == "healthy" && drain.empty();
  const bool idle = good && share && *share < kIdlePercent;
  const bool half = good && share && *share < kHalfPercent;
  const std::string icon = good && !share ? "⚪" : idle ? "🟢" : half ? "🟡" : "🔴";
  const Tone tone = good && !share ? Tone::kDim
                    : idle         ? Tone::kGood
                    : half         ? Tone::kWarn
                                   : Tone::kBad;
  const std::string model = printable(string_or(device, "name"));
  std::string text = icon + " " + paint(name + ": " + model, Tone::kBold, screen) + "\n";
  const auto line = [&](const std::string& what, const std::string& value) {
    text += title(what) + value + "\n";
  };
  if (health != "healthy") {
    line(tr("Health:"),
         paint(printable(tr("{}: {}", {tr(health), tr_reason(string_or(device, "health_reason"))})),
               Tone::kBad, screen));
  }
  if (!drain.empty()) line(tr("Health:"), paint(printable(drain), Tone::kWarn, screen));
  if (const std::string slow = slow_note(device); !slow.empty())
    line(tr("Health:"), paint(printable(slow), Tone::kWarn, screen));
  line(tr("Total:"), number(total, 2, " GB"));
  line(tr("Used:"), number(used, 2, " GB"));
  if (const auto reserved = reserved_gb(device); reserved && *reserved >= 0.005)
    line(tr("Reserved:"), number(reserved, 2, " GB"));
  line(tr("Free:"), number(free_gb(device), 2, " GB"));
  line(tr("In use:"), paint(number(share, 1, "%"), tone, screen));
  const std::vector<Process> all = processes_of(device);
  line(tr("Processes:"), array_in(device, "processes") == nullptr
                             ? "n/a"
                             : tr("{} running", {std::to_string(all.size())}));
  for (std::size_t i = 0; i < all.size() && i < kMostProcesses; ++i)
    text += "      - PID " + std::to_string(all[i].pid) + ": " + memory_words(all[i].memory) + "\n";
  if (all.size() > kMostProcesses) {
    text += "      " + tr("... and {} more", {std::to_string(all.size() - kMostProcesses)}) + "\n";
  }
  return text + "\n";
}

std::string setting(const std::string& value, const Screen& screen) {
  return "   " + tr("Environment: {}", {paint("export " + value, Tone::kBold, screen)}) + "\n";
}

}  // namespace

std::string scarcity_warning(const json::object& device) {
  const auto free = free_gb(device);
  if (!free || *free >= kScarceGb) return "";
  return tr(
      "warning: {} has only {} free; end other processes (berth gpus shows them), take a smaller "
      "model, or use the CPU",
      {string_or(device, "device_name"), base::to_text(base::Bytes::from_gib(*free))});
}

std::string render_check(const json::object& report, const Screen& screen) {
  const std::vector<json::object> devices = usable_devices(report);
  std::string text = "🔍 " + tr("GPU memory check") + "\n" + std::string(80, '=') + "\n";
  if (devices.empty()) {
    text += "❌ " + tr("No GPU found") + "\n";
    if (const json::array* hints = array_in(report, "hints")) {
      for (const json::value& hint : *hints) {
        if (hint.is_string()) text += "   " + printable(tr_reason(hint.get_string())) + "\n";
      }
    }
    return text + "\n💡 " + tr("Use the CPU") + "\n" + setting("SENSEVOICE_DEVICE=cpu", screen);
  }
  text += "✅ " +
          (devices.size() == 1 ? tr("Found 1 GPU")
                               : tr("Found {} GPUs", {std::to_string(devices.size())})) +
          "\n\n📊 " + tr("GPU memory in use:") + "\n" + std::string(80, '-') + "\n";
  const json::object* drains = object_in(report, "drain");
  for (const json::object& device : devices) {
    std::string drain;
    if (drains != nullptr) {
      drain = device_drain(*drains, string_or(device, "device_name"));
      if (drain.empty() && machine_is_drained(*drains)) drain = tr("the machine is drained");
    }
    text += device_block(device, label(device, devices), drain, screen);
  }
  const auto best = choose(report, PickOptions{});
  if (!best) {
    return text + printable(best.error().message) + "\n\n💡 " + tr("Use the CPU") + "\n" +
           setting("SENSEVOICE_DEVICE=cpu", screen);
  }
  const json::object& device = best->front();
  const std::string free = number(free_gb(device), 2, " GB");
  const std::string name = label(device, devices);
  text += "💡 " +
          (passed_over(device, devices)
               ? tr("Use {} (most memory free of those that are not slowed down: {})", {name, free})
               : tr("Use {} (most memory free: {})", {name, free})) +
          "\n";
  if (const std::string warning = scarcity_warning(device); !warning.empty())
    text += "   ⚠️ " + paint(printable(warning), Tone::kWarn, screen) + "\n";
  // A program has no number for a MIG instance, only a name.
  return text + setting(object_in(device, "mig") != nullptr
                            ? "CUDA_VISIBLE_DEVICES=" + string_or(device, "uuid") +
                                  " SENSEVOICE_DEVICE=cuda:0"
                            : "SENSEVOICE_DEVICE=" + string_or(device, "device_name"),
                        screen);
}

std::string render_candidates(const json::object& report) {
  const std::vector<json::object> devices = usable_devices(report);
  if (devices.empty()) return tr("no GPU on this machine: running on the CPU") + "\n";
  bool all_cuda = true;
  for (const json::object& device : devices)
    all_cuda = all_cuda && string_or(device, "device_name").starts_with("cuda:");
  const std::string count = std::to_string(devices.size());
  std::string text = (all_cuda ? tr("Found {} CUDA devices: running on a GPU", {count})
                               : tr("Found {} GPUs: running on one of them", {count})) +
                     "\n" + tr("Looking at the memory of each GPU...") + "\n";
  for (const json::object& device : devices) {
    text += "  " + tr("{} ({}): {} in all, {} used, {} free",
                      {label(device, devices), printable(string_or(device, "name")),
                       number(maybe_double(device, "total_memory_gb"), 2, "GB"),
                       number(maybe_double(device, "allocated_memory_gb"), 2, "GB"),
                       number(free_gb(device), 2, "GB")});
    if (const std::string slow = slow_note(device); !slow.empty()) text += ", " + printable(slow);
    text += "\n";
  }
  return text;
}

std::string render_choice(const json::object& report, std::string_view device_name) {
  const std::vector<json::object> devices = usable_devices(report);
  for (const json::object& device : devices) {
    if (string_or(device, "device_name") != device_name) continue;
    const std::string warning = scarcity_warning(device);
    const std::string free = number(free_gb(device), 2, "GB");
    const std::string name(device_name);
    return (passed_over(device, devices)
                ? tr("Chosen, the GPU with most memory free of those that are not slowed down: {} "
                     "({} free)",
                     {name, free})
                : tr("Chosen, the GPU with most memory free: {} ({} free)", {name, free})) +
           "\n" + (warning.empty() ? "" : printable(warning) + "\n");
  }
  return "";
}

}  // namespace berth::cli
