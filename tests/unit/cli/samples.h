// SPDX-License-Identifier: Apache-2.0
// JSON texts as the API sends them.
#pragma once

#include <gtest/gtest.h>

#include <string_view>

#include "base/json.h"
#include "cli/screen.h"
#include "cli/words.h"

namespace berth::cli::test {

inline base::json::object json_object(std::string_view text) {
  auto value = base::parse_json(text);
  EXPECT_TRUE(value.has_value()) << text;
  return value && value->is_object() ? value->as_object() : base::json::object{};
}

// While it lives everything is said in Chinese.
class InChinese {
 public:
  InChinese() { speak(Language::kChinese); }
  ~InChinese() { speak(Language::kEnglish); }
  InChinese(const InChinese&) = delete;
  InChinese& operator=(const InChinese&) = delete;
};

inline constexpr Screen kPipe{};
inline constexpr Screen kNarrow{80, false, false};
inline constexpr Screen kWide{120, false, false};
inline constexpr Screen kColor{80, true, true};

inline constexpr std::string_view kGpus = R"JSON({
  "available": true, "count": 3, "driver_version": "550.54.14", "cuda_version": "12.4",
  "devices": [
    {"id": 0, "device_name": "cuda:0", "name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-aaaa", "vendor": "nvidia",
     "compute_capability": "8.9", "total_memory_gb": 23.69, "allocated_memory_gb": 21.23, "cached_memory_gb": 21.23,
     "free_memory_gb": 2.46, "utilization": 89.6, "sm_utilization": 98, "temperature_c": 71, "power_w": 420.4,
     "current_tasks": {"training": 1, "inference": 2, "command": 0}, "health": "healthy", "health_reason": "", "age_s": 0.2,
     "processes": [
       {"pid": 1863729, "user": "alice", "command": "/usr/bin/python3 train.py", "used_memory_gb": 18.55, "task_id": "0f3c8a11-aaaa-4000-8000-000000000000"},
       {"pid": 1004031, "user": "bob", "command": "serve", "used_memory_gb": 1.12, "task_id": null},
       {"pid": 9, "user": "bob", "command": "a", "used_memory_gb": 0.5, "task_id": null},
       {"pid": 8, "user": "bob", "command": "b", "used_memory_gb": 0.5, "task_id": null},
       {"pid": 7, "user": "bob", "command": "c", "used_memory_gb": 0.25, "task_id": null},
       {"pid": 6, "user": "bob", "command": "d", "used_memory_gb": 0.25, "task_id": null}]},
    {"id": 1, "device_name": "cuda:1", "name": "NVIDIA GeForce RTX 4090", "uuid": "GPU-bbbb", "vendor": "nvidia",
     "compute_capability": "8.9", "total_memory_gb": 23.69, "allocated_memory_gb": 0.23, "cached_memory_gb": 10.0,
     "free_memory_gb": 13.46, "utilization": 1.0, "sm_utilization": 0, "temperature_c": 34, "power_w": null,
     "current_tasks": {"training": 0, "inference": 0, "command": 0}, "health": "healthy", "health_reason": "", "age_s": 0.2,
     "processes": []},
    {"id": 2, "device_name": "cuda:2", "name": "NVIDIA A100-SXM4-80GB", "uuid": "GPU-cccc", "vendor": "nvidia",
     "compute_capability": "8.0", "total_memory_gb": 80.0, "allocated_memory_gb": null, "cached_memory_gb": null,
     "free_memory_gb": null, "utilization": null, "sm_utilization": null, "temperature_c": null, "power_w": null,
     "current_tasks": {"training": 0, "inference": 0, "command": 0}, "health": "lost",
     "health_reason": "GPU is lost (XID 79)", "age_s": 30, "processes": null}]})JSON";

inline constexpr std::string_view kDivided = R"JSON({
  "available": true, "count": 4, "driver_version": "550.54.14", "cuda_version": "12.4",
  "devices": [
    {"id": 0, "device_name": "cuda:0", "name": "NVIDIA A100-SXM4-80GB", "uuid": "GPU-aaaa", "vendor": "nvidia",
     "partitioned": true, "mig": null, "numa_node": 0,
     "links": [{"peer": "GPU-bbbb", "closeness": "nvlink", "nvlinks": 12}, {"peer": "GPU-cccc", "closeness": "numa_node", "nvlinks": 0}],
     "total_memory_gb": 80.0, "allocated_memory_gb": 8.5, "free_memory_gb": 71.0, "sm_utilization": null, "temperature_c": 41,
     "power_w": 92.1, "current_tasks": {"training": 0, "inference": 0, "command": 0}, "health": "healthy", "processes": null},
    {"id": 0, "device_name": "cuda:0:0", "name": "NVIDIA A100-SXM4-80GB MIG 3g.40gb", "uuid": "MIG-1111", "vendor": "nvidia",
     "partitioned": false, "mig": {"parent": "GPU-aaaa", "profile": "3g.40gb", "number": 0, "gpu_instance": 1, "compute_instance": 0},
     "numa_node": 0, "links": [], "total_memory_gb": 39.5, "allocated_memory_gb": 8.5, "free_memory_gb": 31.0,
     "sm_utilization": null, "temperature_c": null, "power_w": null,
     "current_tasks": {"training": 1, "inference": 0, "command": 0}, "health": "healthy",
     "processes": [{"pid": 77, "user": "alice", "command": "train.py", "used_memory_gb": 8.5, "task_id": "0f3c8a11-aaaa-4000-8000-000000000000"}]},
    {"id": 0, "device_name": "cuda:0:1", "name": "NVIDIA A100-SXM4-80GB MIG 1g.10gb", "uuid": "MIG-2222", "vendor": "nvidia",
     "partitioned": false, "mig": {"parent": "GPU-aaaa", "profile": "1g.10gb", "number": 1, "gpu_instance": 2, "compute_instance": 0},
     "numa_node": 0, "links": [], "total_memory_gb": 9.5, "allocated_memory_gb": 0.0, "free_memory_gb": 9.5,
     "sm_utilization": null, "temperature_c": null, "power_w": null,
     "current_tasks": {"training": 0, "inference": 0, "command": 0}, "health": "healthy", "processes": []},
    {"id": 1, "device_name": "cuda:1", "name": "NVIDIA A100-SXM4-80GB", "uuid": "GPU-bbbb", "vendor": "nvidia",
     "partitioned": false, "mig": null, "numa_node": null, "links": [{"peer": "GPU-aaaa", "closeness": "nvlink", "nvlinks": 12}],
     "total_memory_gb": 80.0, "allocated_memory_gb": 60.0, "free_memory_gb": 20.0, "sm_utilization": 97, "temperature_c": 60,
     "power_w": 300.0, "current_tasks": {"training": 1, "inference": 0, "command": 0}, "health": "healthy", "processes": []}]})JSON";

inline constexpr std::string_view kTraining =
    R"JSON({"task_id": "t", "task_type": "training", "kind": "training", "status": "queued", "save_path": "/out", "env": {"SECRET": "s"},
  "parameters": {"batch_size": 8, "image_size": 224, "learning_rate": 0.0001, "model": "resnet18", "num_classes": 3, "num_epochs": 10,
                 "pretrained": true, "save_path": "/out", "shuffle": false, "train_path": "/data/drones/train", "val_path": "/data/drones/valid",
                 "weight_path": "", "mixup": 0.5, "env": {"SECRET": "s"}}})JSON";
inline constexpr std::string_view kInference =
    R"JSON({"task_id": "i", "task_type": "inference", "kind": "inference", "status": "queued", "save_path": "/out",
  "parameters": {"cfg_path": "", "weight_path": "/out/best_model.safetensors", "source_path": "/valid", "save_path": "/out"}})JSON";

}  // namespace berth::cli::test
