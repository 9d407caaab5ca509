// SPDX-License-Identifier: Apache-2.0
#include "cli/gpus_text.h"

#include <algorithm>
#include <cstdio>
#include <set>

#include "base/text.h"
#include "cli/device_table.h"
#include "cli/drain_text.h"
#include "cli/enforcement_text.h"
#include "cli/members.h"
#include "cli/width.h"
#include "cli/words.h"

namespace berth::cli {

std::optional<double> free_gb(const base::json::object& device) {
  for (const char* name : {"effective_free_memory_bytes", "free_memory_bytes"}) {
    if (const auto bytes = base::maybe_bytes(device, name)) return bytes->gib();
  }
  for (const char* name : {"effective_free_memory_gb", "free_memory_gb"}) {
    if (const auto gib = base::maybe_double(device, name)) return gib;
  }
  return std::nullopt;
}

std::string number(const std::optional<double>& value, int decimals, std::string_view unit) {
  if (!value) return "n/a";
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", decimals, *value);
  return text + std::string(unit);
}

namespace json = base::json;
using base::string_or;

namespace {

std::string hint_line(const std::string& hint, const Screen& screen) {
  const std::string label = tr("hint: ");
  const int width = display_width(label);
  return paint(label, Tone::kAccent, screen) +
         wrap(printable(hint), screen.width > 0 ? screen.width - width : 0,
              std::string(static_cast<std::size_t>(width), ' ')) +
         "\n";
}

std::string hint_lines(const json::object& report, const Screen& screen) {
  std::string text;
  const json::array* hints = array_in(report, "hints");
  for (std::size_t i = 0; hints != nullptr && i < hints->size(); ++i) {
    if ((*hints)[i].is_string()) text += hint_line(tr_reason((*hints)[i].as_string()), screen);
  }
  return text;
}

std::string without_gpu(const json::object& report, const Screen& screen) {
  const std::string hints = hint_lines(report, screen);
  return wrap(tr("No GPU on this machine: tasks run on the CPU."), screen.width, "") + "\n" +
         (hints.empty() ? hint_line(tr("if there is one, its driver is not loaded: see whether "
                                       "nvidia-smi works; \"berth doctor\" tells more"),
                                    screen)
                        : hints);
}

}  // namespace

std::string render_gpus(const json::object& report, std::string_view source, const Screen& screen,
                        std::size_t processes) {
  const std::vector<json::object> devices = reported_devices(report);
  const json::object* drain = object_in(report, "drain");
  const json::object drains = drain != nullptr ? *drain : json::object{};
  if (devices.empty()) return without_gpu(report, screen) + render_drains(drains, {}, screen);
  std::string text = render_device_table(report, screen, processes);
  std::set<std::string> names;
  for (const json::object& device : devices) names.insert(string_or(device, "device_name"));
  const auto instances =
      static_cast<std::size_t>(std::count_if(devices.begin(), devices.end(), is_mig_instance));
  const json::array* usable = array_in(report, "devices");
  const std::size_t gpus = (usable != nullptr ? usable->size() : 0) - instances;
  std::vector<std::string> facts{gpus == 0   ? tr("no GPU that takes tasks: they run on the CPU")
                                 : gpus == 1 ? tr("1 GPU")
                                             : tr("{} GPUs", {std::to_string(gpus)})};
  if (instances > 0)
    facts.push_back(instances == 1 ? tr("1 MIG instance")
                                   : tr("{} MIG instances", {std::to_string(instances)}));
  if (const std::string driver = string_or(report, "driver_version"); !driver.empty())
    facts.push_back(tr("driver {}", {driver}));
  if (const std::string cuda = string_or(report, "cuda_version"); !cuda.empty())
    facts.push_back("CUDA " + cuda);
  facts.emplace_back(source);
  text += "\n" + paint(printable(base::join(facts, " · ")), Tone::kDim, screen) + "\n";
  return text + render_enforcement(report, screen) + render_drains(drains, names, screen) +
         hint_lines(report, screen);
}

}  // namespace berth::cli
