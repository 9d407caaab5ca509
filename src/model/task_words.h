// SPDX-License-Identifier: Apache-2.0
// What the daemon says of tasks, devices that were asked for and leases: why one is refused, what
// cannot be done to it, how it ended. In English where programs read it; in Chinese by
// in_chinese() (model/in_chinese.h). A text with holes is filled with base::fill().
#pragma once

#include <span>
#include <string_view>

#include "base/rendering.h"

namespace berth::model {

namespace words {

// What cannot be done to a task.
inline constexpr std::string_view kNoLiveTask = "No live task {}";
inline constexpr std::string_view kNoTask = "There is no task {}";
inline constexpr std::string_view kOnlyWaiting = "Task {} runs: only a task that waits can {}";
inline constexpr std::string_view kHasEnded = "Task {} has ended and cannot {}";
inline constexpr std::string_view kBeHeld = "be held or released";
inline constexpr std::string_view kGetPriority = "get another priority";
inline constexpr std::string_view kBeCancelled = "be cancelled";
inline constexpr std::string_view kNotEnded = "Task {} has not ended: cancel it first";
inline constexpr std::string_view kProcessIsLeft =
    "A process of task {} cannot be killed: it can be removed when that has ended";
inline constexpr std::string_view kRecordStays =
    "The files of task {} are removed, its record will be as soon as the state directory has room";

// Why a task is not taken.
inline constexpr std::string_view kIdIsTaken =
    "A task with the id {} exists: choose another task_id";
inline constexpr std::string_view kIdIsLeases = "A lease with the id {} exists";
inline constexpr std::string_view kNoRoom =
    "The state directory has no room left, so nothing new can be recorded: remove tasks that have "
    "ended (berth rm) or make room there";
inline constexpr std::string_view kAfterEnded =
    "Task {} has ended as {}: what comes after its good end would never start";
inline constexpr std::string_view kAfterItself =
    "Task {} is to come after itself: a circle that would never start";
inline constexpr std::string_view kAfterUnknown =
    "There is no task {} for {} to come after: it must be submitted first";
inline constexpr std::string_view kQueueFull = "The queue is full: {} tasks wait, the limit is {}";
inline constexpr std::string_view kQueueFullForMore =
    "The queue is full: {} tasks wait, and {} more were to, the limit is {}";
inline constexpr std::string_view kUserWaits =
    "Waiting tasks of the user {}: {}, and the limit for each is {}";
inline constexpr std::string_view kUserWaitsForMore =
    "Waiting tasks of the user {}: {}, and {} more were to, and the limit for each is {}";
inline constexpr std::string_view kNoPools = "There is no pool \"{}\": none is configured";
inline constexpr std::string_view kNoSuchPool = "There is no pool \"{}\": the pools are {}";
inline constexpr std::string_view kNeedsId = "a task needs an id";
inline constexpr std::string_view kPriorityRange =
    "priority is {}: it must be between 1 (most urgent) and 10";
inline constexpr std::string_view kMemoryNegative = "memory is {}: it must not be negative";
inline constexpr std::string_view kFractionRange =
    "the fraction of a device's memory must be above 0 and at most 1";
inline constexpr std::string_view kGpusLeast = "gpus is {}: it must be at least 1";
inline constexpr std::string_view kRetryRange = "retry is {}: it must be between 0 and {}";
inline constexpr std::string_view kPauseNegative = "the pause before a retry must not be negative";
inline constexpr std::string_view kMoreMemoryRange =
    "more memory after a failure: between 0 and 1000 percent";
inline constexpr std::string_view kCpuAfterNegative =
    "the time after which the processor will do must not be negative";

// No device for it.
inline constexpr std::string_view kNeverTaken =
    "No device of this machine could ever take this task: {}";
inline constexpr std::string_view kTooFewDevices =
    "No device of this machine could ever take this task: {} devices were asked for and {} are "
    "there";
inline constexpr std::string_view kGpusAndNames =
    "gpus is {}, but \"{}\" names {}: leave gpus out, or ask for \"cuda\"";
inline constexpr std::string_view kNotHere = "Device {} is not on this machine: it has {}";
inline constexpr std::string_view kNotHereNoGpu = "Device {} is not on this machine: it has no GPU";
inline constexpr std::string_view kNoInstance =
    "There is no MIG instance {} of cuda:{}: this machine has {}";
inline constexpr std::string_view kIndexRange =
    "Device index {} is out of range: this machine has {} {} device ({})";
inline constexpr std::string_view kIndexRangeMany =
    "Device index {} is out of range: this machine has {} {} devices ({})";
inline constexpr std::string_view kIndexRangeNone =
    "Device index {} is out of range: this machine has 0 {} devices; it has {}";
inline constexpr std::string_view kAmbiguous = "Device {} is ambiguous: it may be any of {}";
inline constexpr std::string_view kNamesTwice = "\"{}\" names {} twice";
inline constexpr std::string_view kNoGpuOfType =
    "This machine has no GPU, so none of the type \"{}\"";
inline constexpr std::string_view kNoBrand = "This machine has no {} device; it has {}";
inline constexpr std::string_view kNoDevice = "There is no device {}";
inline constexpr std::string_view kLimitsBad =
    "Limits of {} cannot be set: unknown device or negative number";

// Leases.
inline constexpr std::string_view kNoLease = "There is no lease {}: it was returned or has expired";
inline constexpr std::string_view kLeaseHeld = "The lease {} is held by the process {}";
inline constexpr std::string_view kNotLeased = "No device can be leased at the moment";
inline constexpr std::string_view kNotLeasedBecause = "No device can be leased at the moment: {}";

// How an attempt ended.
inline constexpr std::string_view kTimeLimit = "the time limit was reached";
inline constexpr std::string_view kUsedMore = "used more device memory than was reserved for it";
inline constexpr std::string_view kProcessLost = "the process was lost";
inline constexpr std::string_view kKilledBy = "killed by {}";
inline constexpr std::string_view kKilledByAfter = "killed by {}: {}";
inline constexpr std::string_view kExitStatus = "exit status {}";
inline constexpr std::string_view kExitStatusAfter = "exit status {}: {}";
inline constexpr std::string_view kUnknownAfterRestart =
    "the machine was restarted about when it was started, and whether it ran is not known";
inline constexpr std::string_view kShimKilledEarly =
    "the task's supervisor was killed before it started the task";
inline constexpr std::string_view kRestarted = "the machine was restarted while the task ran";
inline constexpr std::string_view kShimKilled = "the task's supervisor (pid {}) was killed";
inline constexpr std::string_view kShimEndedEarly =
    "the supervisor process ended before it could start the task";
inline constexpr std::string_view kUsedOf = "used {} of {} reserved on {}";
inline constexpr std::string_view kCannotExecute = "cannot execute {}: {}";
inline constexpr std::string_view kCannotChangeTo =
    "cannot change to the directory {} to start {}: {}";
inline constexpr std::string_view kCannotBecome = "cannot become user {} to start {}: {}";

}  // namespace words

/// All of the above.
std::span<const base::Rendering> task_words();

}  // namespace berth::model
