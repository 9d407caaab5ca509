// SPDX-License-Identifier: Apache-2.0
#include "cli/gpus_text.h"

#include "base/text.h"
#include "cli/check_text.h"
#include "cli/samples.h"
#include "cli/width.h"

namespace berth::cli {
namespace {

using namespace test;

TEST(GpusText, at_80_columns) {
  EXPECT_EQ(render_gpus(json_object(kGpus), "berthd at http://127.0.0.1:8000", kNarrow),
            R"TEXT(DEVICE  MODEL           MEMORY                    FREE  LOAD  TEMP  POWER  TASKS
cuda:0  RTX 4090        ━━━━━━━─ 21.2/23.7 GB   2.5 GB   98%  71°C   420W      3
        ├  18.55 GB  1863729  alice     python3 train.py  task 0f3c8a11
        ├   1.12 GB  1004031  bob       serve
        ├ 512.00 MB        9  bob       a
        ├ 512.00 MB        8  bob       b
        └ and 2 more, 512.00 MB
cuda:1  RTX 4090        ━╍╍─────  0.2/23.7 GB  13.5 GB    0%  34°C    n/a      -
cuda:2  A100-SXM4-80GB            n/a/80.0 GB      n/a   n/a   n/a    n/a      -
        ✗ lost: GPU is lost (XID 79)

3 GPUs · driver 550.54.14 · CUDA 12.4 · berthd at http://127.0.0.1:8000
)TEXT");
}

// The report of kGpus with a member more, and one more in the device `device`.
base::json::object with(std::string_view drain, std::string_view enforcement = "null",
                        std::size_t device = 0) {
  auto report = json_object(kGpus);
  report["drain"] = *base::parse_json(drain);
  report.at("devices").at(device).as_object()["enforcement"] = *base::parse_json(enforcement);
  return report;
}

TEST(GpusText, drains_with_their_reasons) {
  const std::string text = render_gpus(with(R"({"machine": true, "reason": "a new kernel",
               "devices": {"cuda:2": "", "cuda:1": "a new fan", "cpu": "too hot"}})"),
                                       "x", kNarrow);
  EXPECT_NE(text.find("    n/a      -\n        ! drained: a new fan\ncuda:2"), std::string::npos)
      << text;
  EXPECT_NE(text.find("(XID 79)\n        ! drained\n\n"), std::string::npos) << text;
  EXPECT_TRUE(
      text.ends_with("· x\nthe machine is drained: a new kernel\ncpu is drained: too hot\n"))
      << text;
  EXPECT_EQ(render_gpus(with(R"({"machine": false, "reason": null, "devices": {}})"), "x", kNarrow),
            render_gpus(json_object(kGpus), "x", kNarrow));
}

TEST(GpusText, a_drained_machine_without_gpus) {
  const auto report =
      json_object(R"({"devices": [], "hints": ["a"], "drain": {"machine": true, "devices": {}}})");
  EXPECT_TRUE(render_gpus(report, "x", kNarrow).ends_with("hint: a\nthe machine is drained\n"));
}

TEST(GpusText, what_holds_tasks_to_their_memory_once_for_all_devices_that_agree) {
  const std::string watched =
      R"({"rung": "watchdog", "by": "watchdog: warn", "fenced": false, "fence_missing": "no cgroup v2"})";
  auto report = with("{}", watched, 0);
  report.at("devices").at(1).as_object()["enforcement"] = *base::parse_json(watched);
  const std::string line =
      "memory limit: watchdog (warn); other GPUs: can be opened (no cgroup v2)\n";
  EXPECT_TRUE(render_gpus(report, "x", kPipe).ends_with("\n" + line));
  report.at("devices").at(2).as_object()["enforcement"] =
      *base::parse_json(R"({"rung": "kernel", "by": "dmem", "fenced": true, "fence_missing": ""})");
  EXPECT_TRUE(render_gpus(report, "x", kPipe)
                  .ends_with("\ncuda:0, cuda:1: " + line +
                             "cuda:2: memory limit: kernel or driver (dmem); other GPUs: cannot be "
                             "opened\n"));
}

TEST(GpusText, at_120_columns_has_the_kinds_of_tasks) {
  EXPECT_EQ(
      render_gpus(json_object(kGpus), "read without a daemon", kWide),
      R"TEXT(DEVICE  MODEL                    MEMORY                                    FREE  LOAD  TEMP  POWER             TASKS
cuda:0  NVIDIA GeForce RTX 4090  ━━━━━━━━━━━━━━━━━━━━━━── 21.2/23.7 GB   2.5 GB   98%  71°C   420W  1 train, 2 infer
        ├  18.55 GB  1863729  alice     python3 train.py  task 0f3c8a11
        ├   1.12 GB  1004031  bob       serve
        ├ 512.00 MB        9  bob       a
        ├ 512.00 MB        8  bob       b
        └ and 2 more, 512.00 MB
cuda:1  NVIDIA GeForce RTX 4090  ━╍╍╍╍╍╍╍╍╍──────────────  0.2/23.7 GB  13.5 GB    0%  34°C    n/a                 -
cuda:2  NVIDIA A100-SXM4-80GB                              n/a/80.0 GB      n/a   n/a   n/a    n/a                 -
        ✗ lost: GPU is lost (XID 79)

3 GPUs · driver 550.54.14 · CUDA 12.4 · read without a daemon
)TEXT");
}

TEST(GpusText, no_line_is_wider_than_the_screen) {
  for (const int width : {80, 90, 100, 120, 200}) {
    for (const std::string& line :
         base::split(render_gpus(json_object(kGpus), "x", Screen{width, true, true}), '\n')) {
      EXPECT_LE(display_width(line), width) << line;
    }
  }
}

TEST(GpusText, colour_changes_no_character) {
  std::string plain;
  const std::string painted = render_gpus(json_object(kGpus), "x", kColor);
  for (std::size_t i = 0; i < painted.size(); ++i) {
    if (painted[i] == '\x1b')
      i = painted.find('m', i);
    else
      plain += painted[i];
  }
  EXPECT_EQ(plain, render_gpus(json_object(kGpus), "x", kNarrow));
  EXPECT_NE(painted.find("\x1b[31m✗ lost"), std::string::npos);
}

TEST(GpusText, instances_hang_below_their_gpu) {
  EXPECT_EQ(render_gpus(json_object(kDivided), "x", kNarrow),
            R"TEXT(DEVICE    MODEL         MEMORY                    FREE  LOAD  TEMP  POWER  TASKS
cuda:0    A100-SXM4-8…  ━───────  8.5/80.0 GB        -   n/a  41°C    92W      -
cuda:0:0  ├ 3g.40gb     ━━──────  8.5/39.5 GB  31.0 GB   n/a   n/a    n/a      1
          └   8.50 GB       77  alice     train.py  task 0f3c8a11
cuda:0:1  └ 1g.10gb     ────────   0.0/9.5 GB   9.5 GB   n/a   n/a    n/a      -
cuda:1    A100-SXM4-8…  ━━━━━━── 60.0/80.0 GB  20.0 GB   97%  60°C   300W      1

2 GPUs · 2 MIG instances · driver 550.54.14 · CUDA 12.4 · x
)TEXT");
}

// The daemon counts a lease as a command.
TEST(GpusText, a_lease_is_called_one_among_the_tasks) {
  auto report = json_object(kGpus);
  const auto lease = [](const char* device) {
    return json_object(std::string(R"({"lease_id": "l", "devices": [{"device": ")") + device +
                       R"("}]})");
  };
  const auto tasks_of = [&](std::size_t device, const Screen& screen) {
    const auto lines = base::split(render_gpus(report, "x", screen, 0), '\n');
    const std::string name = "cuda:" + std::to_string(device) + " ";
    for (const std::string& line : lines) {
      if (line.starts_with(name)) return line.substr(line.find_last_of('W') + 1);
    }
    return std::string();
  };
  report["leases"] = base::json::array{lease("cuda:0"), lease("cuda:2"), lease("cpu")};
  report.at("devices").at(0).at("current_tasks").as_object()["command"] = 2;
  EXPECT_EQ(tasks_of(0, kWide), "  1 train, 2 infer, 1 cmd, 1 lease");
  EXPECT_EQ(tasks_of(0, kNarrow), "  4, 1 lease");
  auto& third = report.at("devices").at(2).as_object();
  third["power_w"] = 5;
  EXPECT_EQ(base::trim(tasks_of(2, kNarrow)), "1 lease")
      << "one taken since the tasks were counted";
  third.at("current_tasks").as_object()["command"] = 2;
  report["leases"].as_array().push_back(lease("cuda:2"));
  EXPECT_EQ(base::trim(tasks_of(2, kWide)), "2 leases");
  const InChinese spoken;
  EXPECT_EQ(base::trim(tasks_of(2, kNarrow)), "2 个租约");
}

TEST(GpusText, topology_is_a_matrix_with_a_legend_of_what_occurs) {
  EXPECT_EQ(render_topology(json_object(kDivided), kNarrow),
            R"TEXT(DEVICE  cuda:0  cuda:1  NUMA  PCIe
cuda:0  X       NV12    0     n/a
cuda:1  NV12    X       n/a   n/a

NV#   so many NVLinks
)TEXT");
  EXPECT_EQ(render_topology(json_object(R"({"devices": []})"), kPipe),
            "No GPU on this machine: tasks run on the CPU.\n");
}

TEST(GpusText, without_a_gpu_there_is_a_hint) {
  const auto none = json_object(
      R"({"available": false, "count": 0, "devices": [], "hints": ["install the driver"]})");
  EXPECT_EQ(render_gpus(none, "x", kPipe),
            "No GPU on this machine: tasks run on the CPU.\nhint: install the driver\n");
  const auto silent = json_object(R"({"available": false, "count": 0, "devices": []})");
  EXPECT_NE(render_gpus(silent, "x", kPipe).find("hint: "), std::string::npos);
}

TEST(GpusText, in_chinese_columns_are_aligned_by_what_a_terminal_shows) {
  const InChinese spoken;
  EXPECT_EQ(render_gpus(json_object(kGpus), "berthd http://127.0.0.1:8000", kNarrow),
            R"TEXT(设备    型号              显存                      可用  负载  温度  功耗  任务
cuda:0  GeForce RTX 4090  ━━━━━━━─ 21.2/23.7 GB   2.5 GB   98%  71°C  420W     3
        ├  18.55 GB  1863729  alice     python3 train.py  任务 0f3c8a11
        ├   1.12 GB  1004031  bob       serve
        ├ 512.00 MB        9  bob       a
        ├ 512.00 MB        8  bob       b
        └ 另有 2 个，共 512.00 MB
cuda:1  GeForce RTX 4090  ━╍╍─────  0.2/23.7 GB  13.5 GB    0%  34°C   n/a     -
cuda:2  A100-SXM4-80GB              n/a/80.0 GB      n/a   n/a   n/a   n/a     -
        ✗ 丢失：GPU is lost (XID 79)

3 块 GPU · 驱动 550.54.14 · CUDA 12.4 · berthd http://127.0.0.1:8000
)TEXT");
}

TEST(GpusText, in_chinese_no_line_is_wider_than_the_screen_either) {
  const InChinese spoken;
  for (const int width : {80, 90, 100, 120, 200}) {
    for (const std::string& line :
         base::split(render_gpus(json_object(kGpus), "x", Screen{width, true, true}), '\n')) {
      EXPECT_LE(display_width(line), width) << line;
    }
  }
}

// A device that failed, a slow one, one that takes no tasks, and a hint.
constexpr std::string_view kTroubled = R"JSON({"devices":[
  {"id":0,"device_name":"cuda:0","name":"RTX","uuid":"GPU-a","health":"failed",
   "health_reason":"XID 79: it has fallen off the bus; it must be reset (nvidia-smi -r)"},
  {"id":1,"device_name":"cuda:1","name":"RTX","uuid":"GPU-b","health":"healthy",
   "throttle":["power limit","temperature"]}],
  "other_devices":[{"id":0,"device_name":"xpu:0","name":"UHD","uuid":"PCI-1","health":"healthy",
   "no_tasks":"its driver is vfio-pci"}],
  "hints":["the AMD driver does not answer and is left alone for now"]})JSON";

TEST(GpusText, in_chinese_the_words_of_drivers_are_chinese_too) {
  const InChinese spoken;
  const std::string text = render_gpus(json_object(kTroubled), "x", kPipe);
  for (const char* line :
       {"✗ 失败：XID 79：GPU 掉卡（从总线上脱落）；需要复位（nvidia-smi -r）\n", "! 已降频：温度\n",
        "不运行任务：其驱动为 vfio-pci\n", "提示：AMD 驱动无响应，暂不使用\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  EXPECT_NE(render_check(json_object(kTroubled), kPipe).find("XID 79：GPU 掉卡"),
            std::string::npos);
}

TEST(GpusText, what_a_daemon_has_already_said_in_chinese_stays) {
  const InChinese spoken;
  const std::string text = render_gpus(
      json_object(R"({"devices":[],"hints":["AMD 驱动无响应，暂不使用"]})"), "x", kPipe);
  EXPECT_TRUE(text.ends_with("提示：AMD 驱动无响应，暂不使用\n")) << text;
}

TEST(CheckText, is_that_of_document_004) {
  const InChinese spoken;
  const std::string text = render_check(json_object(kGpus), kPipe);
  EXPECT_TRUE(text.starts_with("🔍 GPU 显存检查工具\n==")) << text;
  EXPECT_NE(text.find("✅ 检测到 3 个 GPU 设备\n\n📊 GPU 显存使用情况:\n--"), std::string::npos)
      << text;
  EXPECT_NE(text.find("🔴 GPU 0: NVIDIA GeForce RTX 4090\n"
                      "   总显存:   23.69 GB\n"
                      "   已使用:   21.23 GB\n"
                      "   可用:     2.46 GB\n"
                      "   使用率:   89.6%\n"
                      "   占用进程: 6 个\n"
                      "      - PID 1863729: 18.55 GB\n"
                      "      - PID 1004031: 1.12 GB\n"
                      "      - PID 9: 512.00 MB\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("      ... 还有 1 个进程\n"), std::string::npos) << text;
  EXPECT_NE(text.find("🟢 GPU 1: "), std::string::npos) << text;
  EXPECT_TRUE(
      text.ends_with("💡 推荐使用 GPU 1 (空闲显存最多: 13.46 GB)\n"
                     "   环境变量设置: export SENSEVOICE_DEVICE=cuda:1\n"))
      << text;
}

TEST(CheckText, warns_where_less_than_two_gib_are_free_and_says_what_to_do) {
  const std::string text = render_check(
      json_object(R"({"devices":[{"id":0,"device_name":"cuda:0","name":"RTX","uuid":"GPU-a",
        "total_memory_gb":24,"allocated_memory_gb":22.5,"free_memory_gb":1.5,"processes":[]}]})"),
      kPipe);
  EXPECT_NE(text.find("💡 Use GPU 0 (most memory free: 1.50 GB)\n   ⚠️ warning: cuda:0 has only "
                      "1.50 GB free; end other processes (berth gpus shows them), take a smaller "
                      "model, or use the CPU\n   Environment: export SENSEVOICE_DEVICE=cuda:0\n"),
            std::string::npos)
      << text;
}

TEST(CheckText, a_device_that_is_slowed_down_is_passed_over_and_that_is_said) {
  const auto report = json_object(R"({"devices":[
    {"id":0,"device_name":"cuda:0","name":"RTX","uuid":"GPU-a","total_memory_gb":24,"allocated_memory_gb":6,
     "free_memory_gb":18,"processes":[]},
    {"id":1,"device_name":"cuda:1","name":"RTX","uuid":"GPU-b","total_memory_gb":24,"allocated_memory_gb":0,
     "free_memory_gb":24,"throttled":true,"throttle":["temperature"],"processes":[]}]})");
  const std::string text = render_check(report, kPipe);
  EXPECT_NE(text.find("🟢 GPU 1: RTX\n   Health:      slowed down: temperature\n"),
            std::string::npos)
      << text;
  EXPECT_NE(
      text.find("💡 Use GPU 0 (most memory free of those that are not slowed down: 18.00 GB)"),
      std::string::npos)
      << text;
  EXPECT_NE(render_candidates(report).find("24.00GB free, slowed down: temperature\n"),
            std::string::npos);
  EXPECT_EQ(render_choice(report, "cuda:0"),
            "Chosen, the GPU with most memory free of those that are not slowed down: cuda:0 "
            "(18.00GB free)\n");
}

TEST(CheckText, of_several_vendors_devices_have_their_names) {
  const auto report = json_object(R"({"devices":[
    {"id":0,"device_name":"rocm:0","name":"AMD Instinct","uuid":"GPU-a","total_memory_gb":64,
     "allocated_memory_gb":0,"free_memory_gb":64,"processes":[]},
    {"id":0,"device_name":"xpu:0","name":"Intel Arc","uuid":"GPU-b","total_memory_gb":16,
     "allocated_memory_gb":0,"free_memory_gb":16,"processes":[]}]})");
  const std::string text = render_check(report, kPipe);
  EXPECT_NE(text.find("🟢 rocm:0: AMD Instinct\n"), std::string::npos) << text;
  EXPECT_NE(text.find("🟢 xpu:0: Intel Arc\n"), std::string::npos) << text;
  EXPECT_NE(text.find("💡 Use rocm:0 (most memory free: 64.00 GB)"), std::string::npos) << text;
}

TEST(CheckText, without_a_gpu_it_is_the_cpu_and_why_is_said) {
  const InChinese spoken;
  EXPECT_EQ(render_check(json_object(R"({"devices":[],"hints":["install a driver"]})"), kPipe),
            "🔍 GPU 显存检查工具\n" + std::string(80, '=') +
                "\n❌ 未检测到 GPU 设备\n   install a driver\n\n💡 请使用 CPU\n"
                "   环境变量设置: export SENSEVOICE_DEVICE=cpu\n");
}

TEST(CheckText, the_automatic_choice_is_told_in_the_words_of_document_004) {
  const InChinese spoken;
  const auto report = json_object(R"({"devices":[
    {"id":0,"device_name":"cuda:0","name":"NVIDIA GeForce RTX 4090","uuid":"GPU-a",
     "total_memory_gb":23.69,"allocated_memory_gb":21.23,"free_memory_gb":2.46},
    {"id":1,"device_name":"cuda:1","name":"NVIDIA GeForce RTX 4090","uuid":"GPU-b",
     "total_memory_gb":23.69,"allocated_memory_gb":0.23,"free_memory_gb":23.46}]})");
  EXPECT_EQ(render_candidates(report),
            "检测到 2 个CUDA设备，使用GPU加速\n正在检测GPU显存使用情况...\n"
            "  GPU 0 (NVIDIA GeForce RTX 4090): 总显存 23.69GB, 已用 21.23GB, 空闲 2.46GB\n"
            "  GPU 1 (NVIDIA GeForce RTX 4090): 总显存 23.69GB, 已用 0.23GB, 空闲 23.46GB\n");
  EXPECT_EQ(render_choice(report, "cuda:1"), "自动选择显存空闲最多的GPU: cuda:1 (空闲 23.46GB)\n");
  EXPECT_EQ(render_choice(report, "cpu"), "");
}

}  // namespace
}  // namespace berth::cli
