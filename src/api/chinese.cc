// SPDX-License-Identifier: Apache-2.0
#include "api/chinese.h"

#include <algorithm>
#include <array>
#include <span>

#include "api/request_words.h"
#include "base/shortage.h"
#include "core/words.h"
#include "model/device_words.h"
#include "model/task_words.h"
#include "model/worker_words.h"

namespace berth::api {

namespace {

namespace words = core::words;
using Row = base::Rendering;

constexpr std::array kRows{
    Row{words::kWholeDevice, "{}（整个设备）"},
    Row{words::kHealthyDevice, "正常的设备"},
    Row{words::kDeviceThatIsThere, "存在的设备"},
    Row{words::kGone, "已从本机消失"},
    Row{words::kStateAndReason, "{}：{}"},
    Row{words::kSlot, "一个{}名额"},
    Row{words::kLimitIsZero, "上限为 0"},
    Row{words::kInUse, "{}/{} 已占用"},
    Row{words::kSharedDevice, "可共享的设备"},
    Row{words::kHasItToItself, "任务 {} 独占该设备"},
    Row{words::kIsLeased, "租约 {} 独占该设备"},
    Row{words::kDeviceToItself, "独占设备"},
    Row{words::kRunningThere, "已有 {} 个任务在运行"},
    Row{words::kTaskThere, "任务 {} 正在该设备上运行"},
    Row{words::kLeaseThere, "租约 {} 占用该设备"},
    Row{words::kLeaseAndMore, "租约 {} 和另外 {} 个占用该设备"},
    Row{words::kIfLeaseEnded, "租约 {0} 结束（berth leases end {0}）"},
    Row{words::kIfStarted, "为之保留 {1} 的任务 {0} 已开始"},
    Row{words::kCore, "一个核心"},
    Row{words::kDriverIsSilent, "驱动未提供"},
    Row{words::kNoReading, "尚无读数"},
    Row{words::kWorkerFor, "支持 {} 的内置程序"},
    Row{words::kNone, "无"},
    Row{words::kNotKept, "未为其他任务保留的设备"},
    Row{words::kKeptFor, "任务 {} 正在等待该设备"},
    Row{words::kRoomToRecord, "记录任务启动所需的磁盘空间"},
    Row{words::kStateFull, "状态目录所在磁盘已满"},
    Row{words::kIfFree, "{1} 上有 {0} 空闲（现有 {2}）"},
    Row{words::kIfLimit, "{1} 的{0}上限大于 0"},
    Row{words::kIfSlot, "{1} 上的一个{0}任务结束，或提高其上限"},
    Row{words::kIfFreeAgain, "{} 重新空闲"},
    Row{words::kIfAlone, "{} 上的任务结束，或本任务不要求整个设备"},
    Row{words::kIfCore, "{} 上的一个命令结束"},
    Row{words::kIfRoom, "状态目录所在磁盘有空间"},
    Row{words::kIfHealthy, "{} 恢复正常"},
    Row{words::kOpenDevice, "接受新任务的设备"},
    Row{words::kDrained, "正在排空"},
    Row{words::kDrainedBecause, "正在排空：{}"},
    Row{words::kCannotBeKilled, "任务 {} 的一个进程无法结束"},
    Row{words::kInPool, "在资源池 {} 中"},
    Row{words::kInNoPool, "不在任何资源池中"},
    Row{words::kPoolFor, "接受用户 {1} 的 {0} 任务的资源池"},
    Row{words::kReleased, "被释放"},
    Row{words::kOnHold, "已搁置"},
    Row{words::kEndOf, "{} 结束"},
    Row{words::kGoodEndOf, "{} 成功结束"},
    Row{words::kNotEnded, "尚未结束"},
    Row{words::kPauseOver, "失败后的间隔结束"},
    Row{words::kTriedAgainAt, "将于 {} 重试"},
    Row{"The array is cancelled", "数组已取消"},
    Row{"The array is removed", "数组已删除"},
    Row{"The array is on hold", "数组已搁置"},
    Row{"The array is released", "数组已释放"},
    Row{"The array has another priority", "数组优先级已更改"},
    Row{"pending", "等待开始"},
    Row{"queued", "排队中"},
    Row{"running", "运行中"},
    Row{"completed", "已完成"},
    Row{"failed", "失败"},
    Row{"cancelled", "已取消"},
    Row{"The lease is returned", "租约已归还"},
    Row{words::kArraySlot, "同一数组的一个任务结束"},
    Row{words::kUndivided, "未切分为MIG实例的GPU"},
    Row{words::kDividedInto, "已切分为{}"},
    Row{words::kNoInstances, "处于MIG模式，尚无实例（用 nvidia-smi mig -cgi 创建）"},
    Row{words::kWholeGpus, "整块GPU：一个程序不能同时使用多个MIG实例"},
    Row{words::kIsInstance, "MIG实例（{}）"},
    Row{words::kIfArraySlot, "同一数组的一个任务结束"},
    Row{words::kUserSlot, "用户 {} 的一个任务结束"},
    Row{words::kIfOpen, "{} 不再排空"},
    Row{words::kIfKilled, "{} 上无法结束的进程消失"},
    Row{words::kIfReleased, "任务被释放（berth release {}）"},
    Row{words::kIfEnded, "任务 {} 结束"},
    Row{words::kIfTime, "间隔时间结束"},
    Row{words::kIfUserSlot, "用户 {} 的一个任务结束，或提高其上限"},
    Row{"{} is an array of {} tasks: name one of them, such as {}",
        "{} 是含 {} 个任务的数组：请指定其中一个，例如 {}"},
    Row{"Task {} has written over what this one left in {}",
        "任务 {} 已覆盖本任务在 {} 中留下的结果"},
    // explanations
    Row{"{} (needs {}, there: {})", "{}（需要 {}，现有 {}）"},
    Row{", for {} s", "，已持续 {} 秒"},
    Row{", tried again in {} s", "，{} 秒后重试"},
    Row{"Waiting", "等待中"},
    Row{"The task is on hold", "任务已搁置"},
    Row{"The task is released", "任务已释放"},
    Row{"The task has another priority", "任务优先级已更改"},
    Row{"Waiting behind {} like it", "等待中，前面有 {} 个同类任务"},
    Row{"{} for {} devices at once, of which {} fit now",
        "{}，需要同时有 {} 个设备，目前 {} 个可用"},
    Row{"; ", "；"},
    Row{"a device is free and it starts next", "有空闲设备，即将启动"},
    Row{"the devices are not known yet", "设备信息尚未就绪"},
    Row{"Running on {}", "正在 {} 上运行"},
    Row{"Being cancelled: its processes on {} are ending", "正在取消：{} 上的进程正在结束"},
    // kinds
    Row{"training", "训练"},
    Row{"inference", "推理"},
    Row{"command", "命令"},
    // api/error-codes.yaml
    Row{"another vendor was asked for", "请求的是其他厂商的设备"},
    Row{"another device was asked for", "请求的是其他设备"},
    Row{"another device type was asked for", "请求的是其他型号的设备"},
    Row{"the device has less memory than the task needs", "设备总显存小于任务所需"},
    Row{"the limit for this kind is set to 0", "该类任务的上限为 0"},
    Row{"the built-in workers were built without support for this device", "内置程序未支持该设备"},
    Row{"nothing is started while the state directory has no room",
        "状态目录所在磁盘已满，暂不启动任务"},
    Row{"the device is quarantined", "设备已被隔离"},
    Row{"the driver gives no memory reading", "驱动未提供显存读数"},
    Row{"as many tasks of this kind run there as are allowed", "该类任务已达上限"},
    Row{"another task has the device to itself", "其他任务独占该设备"},
    Row{"no pool of the device admits the task", "设备所在的资源池不接受该任务"},
    Row{"the GPU is divided into MIG instances, and these take the tasks",
        "该GPU已切分为MIG实例，任务由这些实例承担"},
    Row{"a task for several GPUs gets whole ones: a program cannot use several MIG instances",
        "需要多块GPU的任务只用整块GPU：一个程序不能同时使用多个MIG实例"},
    Row{"nothing new is started there: it is being drained", "设备正在排空，不再启动新任务"},
    Row{"a process that cannot be killed is left there", "设备上残留无法结束的进程"},
    Row{"the task is on hold until it is released", "任务已搁置，等待释放"},
    Row{"the task comes after one that has not ended", "前置任务尚未结束"},
    Row{"the task pauses before its next try", "任务在重试前暂停"},
    Row{"as many tasks of this user run as are allowed", "该用户运行的任务已达上限"},
    Row{"as many tasks of this array run as are to at a time", "该数组同时运行的任务已达上限"},
    Row{"the device is kept for a task that has waited longer", "设备为等待更久的任务保留"},
    Row{"the task wants the device to itself and others run there",
        "任务要求独占设备，而其上有任务运行"},
    Row{"not enough memory is free", "空闲显存不足"},
    Row{"all cores are taken", "所有核心均被占用"},
    // of devices, where one falls short
    Row{base::kNeedsAndHas, "{}：需要{}，现有{}"},
    Row{base::kNeedsAndThere, "{}：需要{}，{}"},
    Row{base::kAndMore, "另有 {} 个"},
    Row{model::words::kNotLeasedBecause, "目前没有可租用的设备：{}"},
};

// What the scheduler says is kept as the reason of the end.
constexpr std::array kEndsOfTasks{
    Row{words::kAfterFailed, "其前置任务 {} 未成功结束"},
    Row{words::kNeverFits, "无法在本机运行：{}", base::Values::kLastSaid},
    Row{model::words::kNeverTaken, "本机没有任何设备能够运行此任务：{}"},
};

constexpr std::array kDeviceStates{
    Row{"lost", "设备丢失"},
    Row{"not_responding", "驱动无响应"},
    Row{"failed", "设备故障"},
};

/// Null where it is not there.
const Row* find(std::span<const Row> rows, std::string_view english) {
  const auto row = std::find_if(rows.begin(), rows.end(),
                                [&](const Row& one) { return one.english == english; });
  return row == rows.end() ? nullptr : &*row;
}

}  // namespace

std::string_view chinese(std::string_view english) {
  const Row* row = find(kRows, english);
  if (row == nullptr) row = find(kEndsOfTasks, english);
  return row == nullptr ? english : row->chinese;
}

std::string_view state_of_device(std::string_view english) {
  const Row* row = find(kDeviceStates, english);
  return row == nullptr ? english : row->chinese;
}

std::string in_chinese(std::string_view english) {
  static const base::Renderings all{model::device_words(),   model::task_words(),
                                    model::worker_words(),   model::system_words(),
                                    std::span(kEndsOfTasks), request_words()};
  return all.in_chinese(english);
}

}  // namespace berth::api
