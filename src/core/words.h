// SPDX-License-Identifier: Apache-2.0
// Every pattern that the scheduler explains with (base::Phrase). Who shows them in another language
// must know all of kAll.
#pragma once

#include <array>
#include <string_view>

namespace berth::core::words {

// What a device lacks: needed, available.
inline constexpr std::string_view kAmount = "{}";
inline constexpr std::string_view kWholeDevice = "{} (the whole device)";
inline constexpr std::string_view kHealthyDevice = "a healthy device";
inline constexpr std::string_view kDeviceThatIsThere = "a device that is there";
inline constexpr std::string_view kGone = "gone from the machine";
inline constexpr std::string_view kStateAndReason = "{}: {}";
inline constexpr std::string_view kSlot = "a slot for {}";
inline constexpr std::string_view kLimitIsZero = "the limit is 0";
inline constexpr std::string_view kInUse = "{} of {} in use";
inline constexpr std::string_view kSharedDevice = "a shared device";
inline constexpr std::string_view kHasItToItself = "task {} has it to itself";
inline constexpr std::string_view kIsLeased = "lease {} has it to itself";
inline constexpr std::string_view kDeviceToItself = "the device to itself";
inline constexpr std::string_view kRunningThere = "{} running there";
inline constexpr std::string_view kTaskThere = "task {} is running there";
inline constexpr std::string_view kLeaseThere = "lease {} is there";
inline constexpr std::string_view kLeaseAndMore = "lease {} and {} more are there";
inline constexpr std::string_view kCore = "a core";
inline constexpr std::string_view kDriverIsSilent = "the driver does not say";
inline constexpr std::string_view kNoReading = "no reading yet";
inline constexpr std::string_view kWorkerFor = "a worker built for {}";
inline constexpr std::string_view kNone = "none";
inline constexpr std::string_view kNotKept = "a device that is not kept for another";
inline constexpr std::string_view kKeptFor = "task {} waits for it";
inline constexpr std::string_view kRoomToRecord = "room to record the start in";
inline constexpr std::string_view kStateFull = "the state directory is full";
inline constexpr std::string_view kOpenDevice = "a device that takes new tasks";
inline constexpr std::string_view kDrained = "being drained";
inline constexpr std::string_view kDrainedBecause = "being drained: {}";
inline constexpr std::string_view kCannotBeKilled = "a process of task {} cannot be killed";
inline constexpr std::string_view kInPool = "in the pool {}";
inline constexpr std::string_view kInNoPool = "in no pool";
inline constexpr std::string_view kPoolFor = "a pool for {} tasks of the user {}";
inline constexpr std::string_view kUndivided = "a GPU that is not divided into MIG instances";
inline constexpr std::string_view kDividedInto = "divided into {}";
inline constexpr std::string_view kNoInstances =
    "in MIG mode, without an instance (nvidia-smi mig -cgi makes them)";
inline constexpr std::string_view kWholeGpus =
    "whole GPUs, for a program cannot use several MIG instances";
inline constexpr std::string_view kIsInstance = "a MIG instance ({})";

// Why the task itself does not start yet, wherever: needed, available.
inline constexpr std::string_view kReleased = "to be released";
inline constexpr std::string_view kOnHold = "on hold";
inline constexpr std::string_view kEndOf = "the end of {}";
inline constexpr std::string_view kGoodEndOf = "a good end of {}";
inline constexpr std::string_view kNotEnded = "not there yet";
inline constexpr std::string_view kPauseOver = "the pause after a failure to be over";
inline constexpr std::string_view kTriedAgainAt = "tried again at {}";
inline constexpr std::string_view kUserSlot = "a task of the user {} to end";
inline constexpr std::string_view kArraySlot = "a task of its array to end";

// Why the scheduler ended a task.
inline constexpr std::string_view kAfterFailed =
    "task {}, which it was to follow, did not end well";
inline constexpr std::string_view kNeverFits = "it can never run here: {}";

// What would have to change.
inline constexpr std::string_view kIfOpen = "{} were no longer drained";
inline constexpr std::string_view kIfKilled = "the process on {} that cannot be killed were gone";
inline constexpr std::string_view kIfReleased = "the task were released (berth release {})";
inline constexpr std::string_view kIfEnded = "task {} had ended";
inline constexpr std::string_view kIfTime = "the pause were over";
inline constexpr std::string_view kIfUserSlot =
    "a task of the user {} ended, or the limit were higher";
inline constexpr std::string_view kIfArraySlot = "a task of its array ended";
inline constexpr std::string_view kIfFree = "{} were free on {} (now {})";
inline constexpr std::string_view kIfLimit = "the limit for {} on {} were above 0";
inline constexpr std::string_view kIfSlot =
    "a task of the kind {} on {} ended, or its limit were raised";
inline constexpr std::string_view kIfFreeAgain = "{} were free again";
inline constexpr std::string_view kIfLeaseEnded = "lease {0} had ended (berth leases end {0})";
inline constexpr std::string_view kIfStarted = "task {}, for which {} is kept, had started";
inline constexpr std::string_view kIfAlone =
    "the tasks on {} ended, or this one asked for less than the whole device";
inline constexpr std::string_view kIfCore = "a command on {} ended";
inline constexpr std::string_view kIfRoom = "the state directory had room";
inline constexpr std::string_view kIfHealthy = "{} were healthy again";

inline constexpr std::array kAll{
    kAmount,         kWholeDevice,    kHealthyDevice,  kDeviceThatIsThere,
    kGone,           kStateAndReason, kSlot,           kLimitIsZero,
    kInUse,          kSharedDevice,   kHasItToItself,  kDeviceToItself,
    kRunningThere,   kCore,           kDriverIsSilent, kNoReading,
    kWorkerFor,      kNone,           kNotKept,        kKeptFor,
    kRoomToRecord,   kStateFull,      kIfFree,         kIfLimit,
    kIfSlot,         kIfFreeAgain,    kIfAlone,        kIfCore,
    kIfRoom,         kIfHealthy,      kOpenDevice,     kDrained,
    kDrainedBecause, kCannotBeKilled, kInPool,         kInNoPool,
    kPoolFor,        kReleased,       kOnHold,         kEndOf,
    kGoodEndOf,      kNotEnded,       kPauseOver,      kTriedAgainAt,
    kUserSlot,       kAfterFailed,    kNeverFits,      kIfOpen,
    kIfKilled,       kIfReleased,     kIfEnded,        kIfTime,
    kIfUserSlot,     kArraySlot,      kIfArraySlot,    kUndivided,
    kDividedInto,    kNoInstances,    kWholeGpus,      kIsInstance,
    kIsLeased,       kTaskThere,      kLeaseThere,     kLeaseAndMore,
    kIfLeaseEnded,   kIfStarted};

}  // namespace berth::core::words
