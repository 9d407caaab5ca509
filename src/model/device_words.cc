// SPDX-License-Identifier: Apache-2.0
#include "model/device_words.h"

#include <array>

namespace berth::model {

namespace {

constexpr auto kLastSaid = base::Values::kLastSaid;

constexpr auto kRows = std::to_array<base::Rendering>({
    // ---- why a device is not healthy ----
    {words::kNoReadingFor, "已 {} 秒没有读数"},
    {words::kNotInTime, "驱动未及时响应"},
    {words::kSilentFor, "驱动已 {} 秒无响应"},
    {words::kSilentWhileListing, "驱动已 {} 秒无响应（枚举设备时）"},
    {words::kNoLongerListed, "驱动不再列出该设备"},
    {words::kNotListed, "驱动未列出该设备"},
    {words::kNotInKernel, "内核不再列出该设备"},
    {words::kReaderEnded, "驱动库两次导致读取该设备的进程退出"},
    {words::kNoDriverOpen, "未打开该设备的驱动"},
    {words::kInstanceGone, "该 MIG 实例已不存在"},
    {words::kLevelZeroLost, "Level Zero 报告该设备已丢失"},
    {words::kChipGone, "驱动报告芯片不存在或未启动"},
    {words::kImportantAlarm, "驱动报告重要告警（健康状态 2）"},
    {words::kCriticalAlarm, "驱动报告紧急告警（健康状态 3）"},
    {words::kXid, "XID {}：{}；需要复位（nvidia-smi -r）", kLastSaid},
    {words::kStoppedProcessing, "GPU 停止处理"},
    {words::kNotCorrected, "双比特 ECC 错误，显存数据无法纠正"},
    {words::kControllerHalted, "内部微控制器停止运行"},
    {words::kRowNotReplaced, "显存行重映射失败"},
    {words::kOffTheBus, "GPU 掉卡（从总线上脱落）"},
    {words::kNotContained, "显存 ECC 错误未能隔离"},
    {words::kSecurityFault, "安全错误"},
    {words::kSystemProcessorSilent, "GPU 系统处理器（GSP）无响应"},
    {words::kSystemProcessorFailed, "GPU 系统处理器（GSP）出错"},
    {words::kNotRecovered, "显存 ECC 错误未能恢复"},
    {words::kNotInitialised, "GPU 初始化失败"},
    // ---- why it takes no tasks ----
    {words::kNoDriver, "没有驱动程序"},
    {words::kNoLibrary, "未安装其驱动库"},
    {words::kOtherDriver, "其驱动为 {}"},
    {words::kIntegrated, "处理器内置显卡，没有独立显存"},
    {words::kIntegratedSharing, "处理器内置显卡，使用主机内存"},
    // ---- why it is slow ----
    {words::kApplicationClocks, "应用时钟设置"},
    {words::kPowerLimit, "功耗上限"},
    {words::kHardwareSlowdown, "硬件降频"},
    {words::kInStep, "与其他 GPU 同步"},
    {words::kTemperature, "温度"},
    {words::kTemperatureHardware, "温度（硬件）"},
    {words::kPowerBrake, "供电制动"},
    {words::kDisplayClocks, "显示时钟设置"},
    // ---- what becomes of tasks, what cannot be done to them ----
    {words::kDeviceUnderLost, "其设备已失效（{}）"},
    {words::kNoDeviceFile, "{} 的设备文件未知"},
    {words::kNoFileAlone, "{} 没有单独的设备文件"},
    {words::kItsFileUnknown, "其设备文件未知"},
    {words::kFenceOff, "已关闭（fence_devices）"},
    {words::kNvidiaLimits, "NVIDIA 显存限制"},
    {words::kNoCgroup, "任务没有可用的 cgroup v2"},
    // ---- what is missing ----
    {words::kNvidiaMissing,
     "PCI 总线上有 NVIDIA GPU（{}），但未安装其驱动：{}；Debian 上请安装软件包 nvidia-driver 和 "
     "libnvidia-ml1（non-free 组件）",
     kLastSaid},
    {words::kAscendMissing,
     "PCI 总线上有昇腾 NPU（{}），但未安装其驱动：{}；请安装华为的驱动包，其中含有 libdcmi.so",
     kLastSaid},
    {words::kDriverLeftAlone, "{} 驱动无响应，暂不使用"},
    {words::kNvidiaUnusable,
     "无法使用 NVIDIA 驱动：{}（请检查内核模块是否已加载、版本是否与驱动库一致）", kLastSaid},
    {words::kNvidiaUncounted, "NVIDIA 驱动未给出设备数量：{}", kLastSaid},
    {words::kNumberLeftAlone, "驱动编号为 {} 的 NVIDIA 设备无响应，暂不使用"},
    {words::kNumberUnusable, "无法使用驱动编号为 {} 的 NVIDIA 设备：{}", kLastSaid},
    {words::kNumberForbidden,
     "无法使用驱动编号为 {} 的 NVIDIA 设备：{}（当前用户无权打开其 /dev/nvidia 文件）", kLastSaid},
    {words::kNoInstances,
     "{} 处于 MIG 模式但尚无实例，因此不运行任务：请用 nvidia-smi mig -cgi <profiles> -C "
     "创建实例，或用 nvidia-smi -mig 0 关闭该模式"},
    {words::kAmdSmiLeftAlone, "AMD SMI 无响应，暂不使用"},
    {words::kNoAmdSmi,
     "{} 不是 AMD SMI 库：缺少 amdsmi_init、amdsmi_get_socket_handles、"
     "amdsmi_get_processor_handles 或 amdsmi_get_gpu_device_bdf"},
    {words::kAmdSmiUnusable, "{} 无法启动：amdsmi_init 返回 {}", kLastSaid},
    {words::kIntelMemory,
     "Intel GPU 的可用显存只能通过 Level Zero 获知（{}）；Debian 上请安装 libze1 和 "
     "libze-intel-gpu1",
     kLastSaid},
    {words::kLevelZeroSilent, "无法启动"},
    {words::kLevelZeroUnusable, "无法使用 Level Zero：zesInit 返回 {}"},
    {words::kLevelZeroOld, "{} 版本过旧：没有 zesInit（Level Zero 1.5 起才有）"},
    {words::kAscendUnusable,
     "无法使用昇腾驱动：dcmi_init 返回 {}（请检查驱动是否已加载、当前用户是否有权打开 "
     "/dev/davinci_manager）"},
    {words::kAscendUnlisted, "昇腾驱动未列出其卡（dcmi_get_card_list）"},
    {words::kChipLeftAlone, "{1} 号卡的昇腾芯片 {0} 无响应，暂不使用"},
    {words::kNoNvml,
     "{} 不是 NVIDIA 管理库：缺少 nvmlInit、nvmlDeviceGetCount 或 nvmlDeviceGetHandleByIndex"},
    {words::kNoDcmi,
     "{} 不是昇腾管理库：缺少 dcmi_init、dcmi_get_card_list 或 dcmi_get_device_num_in_card"},
    {words::kCannotLoad, "无法加载 {}：{}", kLastSaid},
    {words::kUnknownError, "未知错误"},
    {words::kNvmlError, "NVML 错误 {}"},
    // ---- the dynamic linker's words (glibc) ----
    {"cannot load {}: {}: cannot open shared object file: {}",
     "无法加载 {}：{}：无法打开共享库文件：{}", kLastSaid},
    {"{}: cannot open shared object file: {}", "{}：无法打开共享库文件：{}", kLastSaid},
    {"{}: cannot read file data: {}", "{}：无法读取文件：{}"},
    {"{}: file too short", "{}：文件过短"},
    {"{}: invalid ELF header", "{}：ELF 头无效"},
    {"{}: wrong ELF class: {}", "{}：ELF 类型不符：{}"},
    {"{}: undefined symbol: {}", "{}：未定义的符号：{}"},
    // ---- nvmlErrorString(), in the words of its versions ----
    {"Uninitialized", "未初始化"},
    {"Invalid Argument", "参数无效"},
    {"Not Supported", "不支持"},
    {"Insufficient Permissions", "权限不足"},
    {"Already Initialized", "已初始化"},
    {"Not Found", "未找到"},
    {"Insufficient Size", "缓冲区过小"},
    {"Insufficient External Power", "外接供电不足"},
    {"Driver Not Loaded", "驱动未加载"},
    {"Timeout", "超时"},
    {"Interrupt Request Issue", "中断请求异常"},
    {"NVML Shared Library Not Found", "未找到 NVML 库"},
    {"Function Not Found", "库中没有该函数"},
    {"Corrupted infoROM", "infoROM 损坏"},
    {"GPU is lost", "GPU 丢失（掉卡）"},
    {"GPU requires reset", "GPU 需要复位"},
    {"GPU requires restart", "GPU 需要复位"},
    {"The operating system has blocked the request", "操作系统拒绝了该请求"},
    {"The operating system has blocked the request.", "操作系统拒绝了该请求"},
    {"Driver/library version mismatch", "驱动与库版本不一致"},
    {"RM has detected an NVML/RM version mismatch.", "驱动与库版本不一致"},
    {"In use by another client", "正被其他程序使用"},
    {"Insufficient Memory", "内存不足"},
    {"No data", "没有数据"},
    {"Insufficient Resources", "资源不足"},
    {"Argument version mismatch", "参数版本不一致"},
    {"GPU not found", "未找到 GPU"},
    {"Invalid state", "状态无效"},
    {"Unknown Error", "未知错误"},
});

}  // namespace

std::span<const base::Rendering> device_words() { return kRows; }

}  // namespace berth::model
