// SPDX-License-Identifier: Apache-2.0
#include "daemon/hardware_table.h"

#include <cstdio>

#include "model/in_chinese.h"

namespace berth::daemon {

namespace {

struct Words {
  const char *title, *available, *cuda, *pytorch, *found, *found_end, *model, *total, *used, *free,
      *tasks, *training, *inference, *none, *unknown;
};

constexpr Words kChinese{"🚀 GPU硬件信息",
                         "✅ GPU可用",
                         "📦 CUDA版本: ",
                         "🔧 PyTorch版本: ",
                         "🎯 检测到 ",
                         " 个GPU设备:",
                         "型号: ",
                         "总显存: ",
                         "已用显存: ",
                         "空闲显存: ",
                         "当前任务: ",
                         "训练=",
                         ", 推理=",
                         "⚠️  GPU不可用，将使用CPU",
                         "未知"};
constexpr Words kEnglish{"🚀 GPU hardware",
                         "✅ GPU available",
                         "📦 CUDA version: ",
                         "🔧 PyTorch version: ",
                         "🎯 Found ",
                         " GPU device(s):",
                         "Model: ",
                         "Total memory: ",
                         "Used memory: ",
                         "Free memory: ",
                         "Running tasks: ",
                         "training=",
                         ", inference=",
                         "⚠️  No usable GPU: tasks run on the CPU",
                         "unknown"};

std::string gb(const std::optional<base::Bytes>& bytes, const Words& words) {
  if (!bytes) return words.unknown;
  char text[32];
  std::snprintf(text, sizeof text, "%.2f GB", bytes->gib());
  return text;
}

std::string device_block(const api::Service& service, const api::DeviceView& view,
                         const Words& words) {
  const auto total = view.sample && view.sample->total_memory ? view.sample->total_memory
                                                              : view.device.total_memory;
  const auto used = view.sample ? view.sample->used_memory : std::nullopt;
  const auto free = view.sample ? view.sample->free_memory : std::nullopt;
  const auto entry = service.state().devices.find(view.device.id);
  const bool known = entry != service.state().devices.end();
  std::string text =
      "\n  GPU " + std::to_string(view.device.index) + " (" + view.device.name + ")\n";
  text += std::string("  ├─ ") + words.model + view.device.model + "\n";
  text +=
      "  ├─ Compute Capability: " + view.device.compute_capability.value_or(words.unknown) + "\n";
  text += std::string("  ├─ ") + words.total + gb(total, words) + "\n";
  text += std::string("  ├─ ") + words.used + gb(used, words);
  if (used && total && total->value > 0) {
    char percent[32];
    std::snprintf(percent, sizeof percent, " (%.1f%%)",
                  100.0 * static_cast<double>(used->value) / static_cast<double>(total->value));
    text += percent;
  }
  text += std::string("\n  ├─ ") + words.free + gb(free, words) + "\n";
  text += std::string("  └─ ") + words.tasks + words.training +
          std::to_string(known ? entry->second.running_of(model::Kind::kTraining) : 0) +
          words.inference +
          std::to_string(known ? entry->second.running_of(model::Kind::kInference) : 0) + "\n";
  return text;
}

}  // namespace

std::string hardware_table(api::Service& service, const std::string& language) {
  const bool chinese = language == "zh";
  const Words& words = chinese ? kChinese : kEnglish;
  const std::string line = std::string(70, '=') + "\n";
  std::string text = line + words.title + "\n" + line;
  std::string blocks;
  int count = 0;
  for (const auto& view : service.devices()) {
    if (view.device.vendor == model::Vendor::kCpu || !view.device.no_tasks.empty()) continue;
    ++count;
    blocks += device_block(service, view, words);
  }
  if (count == 0) {
    text += std::string(words.none) + "\n";
    for (const auto& hint : service.inventory().hints)
      text += "   " + (chinese ? model::in_chinese(hint) : hint) + "\n";
    return text + line;
  }
  text += std::string(words.available) + "\n";
  text += words.cuda + service.inventory().cuda_version.value_or(words.unknown) + "\n";
  text += words.pytorch + service.worker().torch_version.value_or(words.unknown) + "\n";
  text += words.found + std::to_string(count) + words.found_end + "\n";
  return text + blocks + "\n" + line;
}

}  // namespace berth::daemon
