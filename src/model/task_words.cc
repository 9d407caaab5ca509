// SPDX-License-Identifier: Apache-2.0
#include "model/task_words.h"

#include <array>

namespace berth::model {

namespace {

constexpr auto kLastSaid = base::Values::kLastSaid;

constexpr auto kRows = std::to_array<base::Rendering>({
    // ---- what cannot be done to a task ----
    {words::kNoLiveTask, "没有进行中的任务 {}"},
    {words::kNoTask, "任务 {} 不存在"},
    {words::kOnlyWaiting, "任务 {} 正在运行：只有等待中的任务才能{}", kLastSaid},
    {words::kHasEnded, "任务 {} 已结束，不能{}", kLastSaid},
    {words::kBeHeld, "搁置或释放"},
    {words::kGetPriority, "更改优先级"},
    {words::kBeCancelled, "取消"},
    {words::kNotEnded, "任务 {} 尚未结束：请先取消"},
    {words::kProcessIsLeft, "任务 {} 有无法结束的进程：该进程退出后才能删除"},
    {words::kRecordStays, "任务 {} 的文件已删除；状态目录有空间后将删除其记录"},
    // ---- why a task is not taken ----
    {words::kIdIsTaken, "已有 ID 为 {} 的任务：请换一个 task_id"},
    {words::kIdIsLeases, "已有 ID 为 {} 的租约"},
    {words::kNoRoom, "状态目录已满，无法记录新任务：请删除已结束的任务（berth rm）或腾出空间"},
    {words::kAfterEnded, "任务 {} 已结束（{}）：等待其正常结束的任务将永远不会开始"},
    {words::kAfterItself, "任务 {} 依赖于自身：永远不会开始"},
    {words::kAfterUnknown, "任务 {1} 所依赖的任务 {0} 不存在：请先提交它"},
    {words::kQueueFull, "队列已满：已有 {} 个任务等待，上限为 {}"},
    {words::kQueueFullForMore, "队列已满：已有 {} 个任务等待，还要加入 {} 个，上限为 {}"},
    {words::kUserWaits, "用户 {} 已有 {} 个任务等待，每个用户的上限为 {}"},
    {words::kUserWaitsForMore, "用户 {} 已有 {} 个任务等待，还要加入 {} 个，每个用户的上限为 {}"},
    {words::kNoPools, "没有资源池“{}”：尚未配置任何资源池"},
    {words::kNoSuchPool, "没有资源池“{}”：现有的资源池为 {}"},
    {words::kNeedsId, "任务必须有 ID"},
    {words::kPriorityRange, "priority 为 {}：必须在 1（最紧急）到 10 之间"},
    {words::kMemoryNegative, "memory 为 {}：不能为负"},
    {words::kFractionRange, "显存比例必须大于 0 且不超过 1"},
    {words::kGpusLeast, "gpus 为 {}：至少为 1"},
    {words::kRetryRange, "retry 为 {}：必须在 0 到 {} 之间"},
    {words::kPauseNegative, "重试前的等待时间不能为负"},
    {words::kMoreMemoryRange, "失败后增加的显存必须在 0% 到 1000% 之间"},
    {words::kCpuAfterNegative, "改用 CPU 前的等待时间不能为负"},
    // ---- no device for it ----
    {words::kTooFewDevices, "本机没有任何设备能够运行此任务：请求了 {} 个设备，现有 {} 个"},
    {words::kGpusAndNames, "gpus 为 {}，但“{}”指定了 {} 个：请省略 gpus，或请求“cuda”"},
    {words::kNotHere, "本机没有设备 {}：现有 {}"},
    {words::kNotHereNoGpu, "本机没有设备 {}：本机没有 GPU"},
    {words::kNoInstance, "cuda:{1} 没有 MIG 实例 {0}：本机现有 {2}"},
    {words::kIndexRange, "设备编号 {} 超出范围：本机有 {} 个 {} 设备（{}）"},
    {words::kIndexRangeMany, "设备编号 {} 超出范围：本机有 {} 个 {} 设备（{}）"},
    {words::kIndexRangeNone, "设备编号 {} 超出范围：本机没有 {} 设备；现有 {}"},
    {words::kAmbiguous, "设备 {} 不明确：可能是 {} 中的任意一个"},
    {words::kNamesTwice, "“{}”重复指定了 {}"},
    {words::kNoGpuOfType, "本机没有 GPU，因此没有“{}”类型的 GPU"},
    {words::kNoBrand, "本机没有 {} 设备；现有 {}"},
    {words::kNoDevice, "设备 {} 不存在"},
    {words::kLimitsBad, "无法设置 {} 的上限：设备未知或数值为负"},
    // ---- leases ----
    {words::kNoLease, "租约 {} 不存在：已归还或已过期"},
    {words::kLeaseHeld, "租约 {} 由进程 {} 持有"},
    {words::kNotLeased, "目前没有可租用的设备"},
    // ---- how an attempt ended ----
    {words::kTimeLimit, "达到时间上限"},
    {words::kUsedMore, "占用的显存超出预留"},
    {words::kProcessLost, "进程意外消失"},
    {words::kKilledBy, "被 {} 终止"},
    {words::kKilledByAfter, "被 {} 终止：{}"},
    {words::kExitStatus, "退出码 {}"},
    {words::kExitStatusAfter, "退出码 {}：{}"},
    {words::kUnknownAfterRestart, "机器在任务启动前后重启过，无法确定任务是否运行过"},
    {words::kShimKilledEarly, "任务的监护进程在启动任务前被终止"},
    {words::kRestarted, "任务运行期间机器重启过"},
    {words::kShimKilled, "任务的监护进程（pid {}）被终止"},
    {words::kShimEndedEarly, "监护进程在启动任务前退出"},
    {words::kUsedOf, "在 {2} 上占用显存 {0}，超出预留的 {1}"},
    {words::kCannotExecute, "无法执行 {}：{}", kLastSaid},
    {words::kCannotChangeTo, "无法进入目录 {} 以启动 {}：{}", kLastSaid},
    {words::kCannotBecome, "无法以用户 {} 启动 {}：{}", kLastSaid},
});

}  // namespace

std::span<const base::Rendering> task_words() { return kRows; }

}  // namespace berth::model
