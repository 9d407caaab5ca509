// SPDX-License-Identifier: Apache-2.0
#include "cli/words.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

#include "base/phrase.h"
#include "base/text.h"

namespace berth::cli {

namespace {

constexpr auto kCatalog = std::to_array<Translation>({
    {", for {}", "，已持续 {}"},
    {"store", "存储"},
    {"the state directory is full", "状态目录所在磁盘已满"},
    {"nothing new is taken: remove tasks that have ended (berth rm) or make room",
     "不再接受新任务：请删除已结束的任务（berth rm）或腾出空间"},
    {"{} of its {} are no longer kept (only the newest are: max_output)",
     "其 {1} 中有 {0} 已不再保留（仅保留最新部分：max_output）"},
    {"It needs {} devices at once; it would fit if enough of these came true",
     "需要同时有 {} 个设备；满足足够多的以下条件即可运行"},
    {"no GPU on this machine: running on the CPU", "本机没有 GPU：在 CPU 上运行"},
    {", tried again in {}", "，{} 后重试"},
    // ---- words of the API ----
    {"pending", "等待开始"},
    {"queued", "排队中"},
    {"running", "运行中"},
    {"completed", "已完成"},
    {"failed", "失败"},
    {"cancelled", "已取消"},
    {"cancelling", "取消中"},
    {"command", "命令"},
    {"training", "训练"},
    {"inference", "推理"},
    {"timeout", "超时"},
    {"memory_limit", "超出显存限额"},
    {"launch_failed", "无法启动"},
    {"healthy", "正常"},
    {"lost", "丢失"},
    {"not_responding", "无响应"},
    {"requested", "按请求"},
    {"nominal", "按标称"},
    {"history", "按历史用量"},
    {"kind_share", "按类型份额"},
    {"whole_device", "整块设备"},
    {"fits", "适合"},
    {"wait", "等待"},
    {"never", "不适合"},
    {"wrong_vendor", "厂商不符"},
    {"not_requested", "未请求该设备"},
    {"wrong_type", "型号不符"},
    {"too_small", "总容量不足"},
    {"limit_zero", "上限为 0"},
    {"worker_without_cuda", "内置程序不支持"},
    {"unhealthy", "设备异常"},
    {"paused", "暂停启动"},
    {"memory_unknown", "读不到用量"},
    {"kind_limit", "同类任务已满"},
    {"exclusive", "被独占"},
    {"held", "为先来者保留"},
    {"busy", "有任务在运行"},
    {"memory", "余量不足"},
    {"cores", "核心已满"},
    {"pool", "不在资源池中"},
    {"draining", "正在排空"},
    {"fenced", "有无法结束的进程"},
    {"on_hold", "已搁置"},
    {"dependency", "等待前置任务"},
    {"backoff", "重试前暂停"},
    {"user_limit", "用户任务已满"},
    {"array_limit", "数组任务已满"},

    // ---- heads of tables ----
    {"CLASS", "类别"},
    {"COMMAND", "命令"},
    {"CONFIDENCE", "置信度"},
    {"DEVICE", "设备"},
    {"FREE", "可用"},
    {"IMAGE", "图片"},
    {"INFERENCE", "推理"},
    {"KIND", "类型"},
    {"LOAD", "负载"},
    {"MEMORY", "显存"},
    {"MODEL", "型号"},
    {"NEEDED", "需要"},
    {"POWER", "功耗"},
    {"PRI", "优先级"},
    {"REASON", "原因"},
    {"RESULT", "结果"},
    {"STATE", "状态"},
    {"TASK", "任务"},
    {"TASKS", "任务"},
    {"TEMP", "温度"},
    {"THERE IS", "现有"},
    {"TIME", "用时"},
    {"TRAINING", "训练"},
    {"VERDICT", "判定"},

    // ---- labels ----
    {"asked for", "请求设备"},
    {"attempt", "第几次运行"},
    {"batch size", "批大小"},
    {"classes", "类别"},
    {"client", "命令行版本"},
    {"configuration", "配置文件"},
    {"created", "创建"},
    {"daemon", "守护进程"},
    {"device", "设备"},
    {"directory", "目录"},
    {"environment", "环境"},
    {"epochs", "训练轮数"},
    {"exit", "退出"},
    {"fallback", "回退"},
    {"finished", "结束"},
    {"image size", "图片尺寸"},
    {"images", "图片"},
    {"kind", "类型"},
    {"latest metrics", "最新指标"},
    {"learning rate", "学习率"},
    {"message", "消息"},
    {"model", "模型"},
    {"models", "模型"},
    {"name", "名称"},
    {"no", "否"},
    {"parameters", "参数"},
    {"pretrained", "预训练"},
    {"priority", "优先级"},
    {"problem", "问题"},
    {"progress", "进度"},
    {"ran for", "运行时长"},
    {"result", "结果"},
    {"saved to", "保存到"},
    {"seed", "随机种子"},
    {"shuffle", "打乱顺序"},
    {"source", "数据"},
    {"started", "开始"},
    {"state", "状态"},
    {"task", "任务"},
    {"training set", "训练集"},
    {"validation set", "验证集"},
    {"version", "版本"},
    {"weights", "权重"},
    {"yes", "是"},

    // ---- amounts and pieces of sentences ----
    {", ", "，"},
    {"{}: {}", "{}：{}"},
    {"{}s", "{}秒"},
    {"{}m {}s", "{}分{}秒"},
    {"{}h {}m", "{}小时{}分"},
    {"{}d {}h", "{}天{}小时"},
    {"{} ({} ago)", "{}（{}前）"},
    {"{} left", "剩余 {}"},
    {"{} of {}", "{}/{}"},
    {"1 GPU", "1 块 GPU"},
    {"{} GPUs", "{} 块 GPU"},
    {"hint: ", "提示："},

    // ---- tasks ----
    {"exit {}", "退出码 {}"},
    {"signal {}", "信号 {}"},
    {"exit status {}", "退出码 {}"},
    {"killed by {}", "被 {} 终止"},
    {"killed by SIGKILL; out of memory is the usual cause", "被 SIGKILL 终止，通常是内存不足"},
    {"{} ({})", "{}（{}）"},
    {"the cause is not known", "原因不明"},
    {"train {} on {}", "用 {1} 训练 {0}"},
    {"infer {} on {}", "用 {} 推理 {}"},
    {"... and {} more (--limit N)", "... 另有 {} 个（--limit N）"},
    {"no tasks yet (berth run -- COMMAND starts one)",
     "还没有任务（berth run -- 命令 可启动一个）"},
    {"nothing is running or waiting (berth ps --all shows what has ended)",
     "没有正在运行或等待的任务（berth ps --all 显示已结束的）"},
    {"{}%, epoch {} of {}", "{}%，第 {}/{} 轮"},
    {"{} (reserved by the rule: {})", "{}（预留依据：{}）"},
    {"{} (most urgent)", "{}（最紧急）"},
    {"on the CPU: this machine has no GPU", "使用 CPU：本机没有 GPU"},
    {"on the CPU: the built-in workers were built without GPU support",
     "使用 CPU：内置程序未启用 GPU 支持"},
    {"{} removed", "{} 已删除"},
    {"{} cancelled", "{} 已取消"},
    {"task {}: {}", "任务 {}：{}"},

    // ---- why ----
    {"{}: needs {}, has {}", "{}：需要 {}，现有 {}"},
    {"{}: needs {}; {}", "{}：需要 {}；{}"},
    {"{}: needs {}", "{}：需要 {}"},
    {"{} (and 1 more device)", "{}（另有 1 个设备）"},
    {"{} (and {} more devices)", "{}（另有 {} 个设备）"},
    {"It would fit if", "可运行的条件"},
    {"Earliest start: {}", "最早开始时间：{}"},

    // ---- run, wait, logs ----
    {"an argument of the command is not UTF-8: {}", "命令的参数不是 UTF-8：{}"},
    {"running: {}", "运行中：{}"},
    {"running: {}, attempt {}", "运行中：{}，第 {} 次"},
    {"{} (no GPU on this machine)", "{}（本机没有 GPU）"},
    {"waiting: {}", "等待中：{}"},
    {"cancelling; press Ctrl-C again to leave without seeing its end",
     "正在取消；再按一次 Ctrl-C 则不等它结束"},
    {"it could not be cancelled ({}); press Ctrl-C again to leave",
     "未能取消（{}）；再按一次 Ctrl-C 离开"},
    {"left: the task is being cancelled (berth wait {} tells its end)",
     "已离开：任务正在取消（berth wait {} 等待其结束）"},
    {"left: the task goes on (berth wait {0}, berth cancel {0})",
     "已离开：任务继续运行（berth wait {0}，berth cancel {0}）"},
    {"the daemon is away; trying to reach it again for {} s",
     "守护进程暂时无法连接，{} 秒内将不断重试"},
    {"the daemon at {} has been away for {} s; task {} may still run (berth show {})",
     "{} 的守护进程已有 {} 秒无法连接；任务 {} 可能仍在运行（berth show {}）"},
    {"the rest of its {} could not be read", "未能读到 {} 的剩余部分"},
    {"no {}: {}", "没有 {}：{}"},

    // ---- train and infer ----
    {"cannot count the classes in {}: {} (give --num-classes when only the daemon sees it)",
     "无法统计 {} 中的类别：{}（若只有守护进程能访问它，请指定 --num-classes）"},
    {"{} has no sub-directories: there must be one per class, with its images",
     "{} 中没有子目录：每个类别应有一个，内含其图片"},
    {"task {}: {}, {} classes", "任务 {}：{}，{} 个类别"},
    {"running on {}", "运行中，设备 {}"},
    {"berth logs {} has the details", "详情见 berth logs {}"},
    {"failed: {}", "失败：{}"},
    {"done", "完成"},
    {"{}, best accuracy {}", "{}，最佳准确率 {}"},
    {"{}, after {}", "{}，用时 {}"},
    {"{} on {}", "{}，设备 {}"},
    {"weights in {}", "权重保存在 {}"},
    {"done; the results are in {}", "完成；结果保存在 {}"},
    {"epoch {}/{}", "第 {}/{} 轮"},
    {"loss", "损失"},
    {"acc", "准确率"},
    {"best", "最佳"},
    {"{} {}, val {}", "{} {}，验证 {}"},
    {"{} val {}", "{} 验证 {}"},
    {"{} of {} shown", "共 {1} 个，显示 {0} 个"},
    {"and {} classes more", "另有 {} 类"},
    {"{} in {} s ({} per second)", "{}，用时 {} 秒（每秒 {} 张）"},
    {"{}, the first {}: {}", "{}，第一个 {}：{}"},

    // ---- gpus, pick, check, limits ----
    {"{} train", "{} 训练"},
    {"{} infer", "{} 推理"},
    {"{} cmd", "{} 命令"},
    {"task {}", "任务 {}"},
    {"and {} more, {}", "另有 {} 个，共 {}"},
    {"! these readings are {} old", "! 这些是 {}前的读数"},
    {"driver {}", "驱动 {}"},
    {"berthd at {}", "berthd {}"},
    {"read without a daemon", "未经守护进程直接读取"},
    {"No GPU on this machine: tasks run on the CPU.", "本机没有 GPU：任务在 CPU 上运行。"},
    {"if there is one, its driver is not loaded: see whether nvidia-smi works; \"berth doctor\" "
     "tells more",
     "若本应有 GPU，则其驱动未加载：请看 nvidia-smi 能否运行；berth doctor 有更多说明"},
    {"the GPU driver has not answered for 5 s; see the kernel's log (dmesg), or start berthd, "
     "which leaves a driver that hangs behind",
     "GPU 驱动 5 秒没有响应；请查看内核日志（dmesg），或启动 berthd，它不会被卡住的驱动拖住"},
    {"no GPU on this machine (berth gpus tells more)", "本机没有 GPU（berth gpus 有更多说明）"},
    {"the driver does not say how much memory is free", "驱动未报告可用显存"},
    {"{} free", "可用 {}"},
    {"{} with {} free", "{}（每块可用 {}）"},
    {"{} is asked for, none fits", "需要 {}，没有符合的"},
    {"{} are asked for, none fits", "需要 {}，没有符合的"},
    {"{} are asked for, only {} of {} fit", "需要 {}，{2} 块中只有 {1} 块符合"},
    {"warning: {} has only {} free; end other processes (berth gpus shows them), take a smaller "
     "model, or use the CPU",
     "警告：{} 只剩 {} 可用；请结束其他进程（berth gpus 可查看），换用更小的模型，或使用 CPU"},
    {"GPU memory check", "GPU 显存检查工具"},
    {"No GPU found", "未检测到 GPU 设备"},
    {"Environment: {}", "环境变量设置: {}"},
    {"Found 1 GPU", "检测到 1 个 GPU 设备"},
    {"Found {} GPUs", "检测到 {} 个 GPU 设备"},
    {"GPU memory in use:", "GPU 显存使用情况:"},
    {"Total:", "总显存:"},
    {"Used:", "已使用:"},
    {"Free:", "可用:"},
    {"In use:", "使用率:"},
    {"Health:", "状态:"},
    {"Processes:", "占用进程:"},
    {"{} running", "{} 个"},
    {"... and {} more", "... 还有 {} 个进程"},
    {"Use GPU {} (most memory free: {})", "推荐使用 GPU {} (空闲显存最多: {})"},

    // ---- info, version, doctor ----
    {"available", "可用"},
    {"none: tasks run on the CPU", "无：任务在 CPU 上运行"},
    {"berthd {} at {}", "berthd {}，{}"},
    {"of an unknown version", "版本未知"},
    {"berthd not reachable at {}", "无法连接 {} 的 berthd"},
    {"token", "令牌"},
    {"found", "已找到"},
    {"none found: \"berth run\" will be refused", "未找到：berth run 会被拒绝"},
    {"set BERTH_TOKEN, or BERTH_STATE_DIR to the daemon's state directory",
     "请设置 BERTH_TOKEN，或将 BERTH_STATE_DIR 设为守护进程的状态目录"},
    {"version {} at {}", "版本 {}，{}"},
    {"see whether berthd is what listens at {}", "请确认在 {} 监听的是 berthd"},
    {"not found beside berth nor on PATH", "在 berth 所在目录和 PATH 中都没有找到"},
    {"install the package berth, or build it: make build",
     "请安装软件包 berth，或编译：make build"},
    {"tasks cannot start without it: make build", "没有它任务无法启动：make build"},
    {"berth train and berth infer need it: make build",
     "berth train 与 berth infer 需要它：make build"},
    {"{} device", "{} 个设备"},
    {"{} devices", "{} 个设备"},
    {"look at the kernel's log (dmesg); a reset or a restart of the machine may help",
     "请查看内核日志（dmesg）；复位设备或重启机器可能有用"},
    {"supervision", "进程监管"},
    {"process groups only: {}", "仅用进程组：{}"},
    {"no cgroup v2 is mounted", "没有挂载 cgroup v2"},
    {"a process that leaves its session may outlive its task; normal in containers, else boot with "
     "systemd.unified_cgroup_hierarchy=1",
     "脱离会话的进程可能在任务结束后继续存在；容器中属正常情况，否则请用 "
     "systemd.unified_cgroup_hierarchy=1 启动系统"},

    // ---- talking to the daemon ----
    {"cannot reach the Berth daemon at {}: {}. Start it with 'systemctl start berth' or 'berthd', "
     "or set BERTH_URL to where it listens",
     "无法连接 {} 的 Berth 守护进程：{}。请用 systemctl start berth 或 berthd 启动它，"
     "或将 BERTH_URL 设为它监听的地址"},
    {"Connection refused", "连接被拒绝"},
    {"it does not answer in time", "没有及时应答"},
    {"it closed the connection before the answer was complete", "应答未完成连接就被关闭"},
    {"what answers there does not speak HTTP", "那里应答的程序不使用 HTTP"},
    {"the daemon answered with status {}", "守护进程返回了状态码 {}"},
    {"{} answered with what is no JSON; is that berthd?",
     "{} 返回的不是 JSON，那里运行的是 berthd 吗？"},
    {"{} did not answer with an object; is that berthd?",
     "{} 返回的不是对象，那里运行的是 berthd 吗？"},
    {"an empty task id", "任务 ID 为空"},
    {"no task's id is or begins with \"{}\" (berth ps --all lists them)",
     "没有 ID 为 \"{}\" 或以其开头的任务（berth ps --all 列出全部任务）"},
    {"\"{}\" fits {} tasks; give more of the id:", "\"{}\" 匹配 {} 个任务，请多写几位 ID："},
    {"no token was found: set BERTH_TOKEN, or make the daemon's <state-dir>/token readable",
     "没有找到令牌：请设置 BERTH_TOKEN，或使守护进程的 <state-dir>/token 可读"},
    {"the daemon accepted the task but gave it no id", "守护进程接受了任务，但没有给出 ID"},
});

Language language_spoken = Language::kEnglish;

}  // namespace

Language language_of_locale() {
  for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0')
      return base::lower(value).starts_with("zh") ? Language::kChinese : Language::kEnglish;
  }
  return Language::kEnglish;
}

void speak(Language language) { language_spoken = language; }
Language spoken() { return language_spoken; }
std::string_view language_code() { return spoken() == Language::kChinese ? "zh" : "en"; }

std::string tr(std::string_view english) {
  if (spoken() == Language::kEnglish) return std::string(english);
  const auto* found = std::find_if(kCatalog.begin(), kCatalog.end(), [&](const Translation& entry) {
    return entry.english == english;
  });
  return std::string(found == kCatalog.end() ? english : found->chinese);
}

std::string tr(std::string_view english, std::initializer_list<std::string> holes) {
  return base::fill(tr(english), holes);
}

std::span<const Translation> catalog() { return kCatalog; }

}  // namespace berth::cli
