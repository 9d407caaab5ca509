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
inline constexpr std::string_view kDeviceToItself = "the device to itself";
inline constexpr std::string_view kRunningThere = "{} running there";
inline constexpr std::string_view kCore = "a core";
inline constexpr std::string_view kDriverIsSilent = "the driver does not say";
inline constexpr std::string_view kNoReading = "no reading yet";
inline constexpr std::string_view kWorkerFor = "a worker built for {}";
inline constexpr std::string_view kNone = "none";
inline constexpr std::string_view kNotKept = "a device that is not kept for another";
inline constexpr std::string_view kKeptFor = "task {} waits for it";
inline constexpr std::string_view kRoomToRecord = "room to record the start in";
inline constexpr std::string_view kStateFull = "the state directory is full";

// What would have to change.
inline constexpr std::string_view kIfFree = "{} were free on {} (now {})";
inline constexpr std::string_view kIfLimit = "the limit for {} on {} were above 0";
inline constexpr std::string_view kIfSlot =
    "a task of the kind {} on {} ended, or its limit were raised";
inline constexpr std::string_view kIfFreeAgain = "{} were free again";
inline constexpr std::string_view kIfAlone =
    "the tasks on {} ended, or this one asked for less than the whole device";
inline constexpr std::string_view kIfCore = "a command on {} ended";
inline constexpr std::string_view kIfRoom = "the state directory had room";
inline constexpr std::string_view kIfHealthy = "{} were healthy again";

inline constexpr std::array kAll{
    kAmount,       kWholeDevice,    kHealthyDevice,  kDeviceThatIsThere,
    kGone,         kStateAndReason, kSlot,           kLimitIsZero,
    kInUse,        kSharedDevice,   kHasItToItself,  kDeviceToItself,
    kRunningThere, kCore,           kDriverIsSilent, kNoReading,
    kWorkerFor,    kNone,           kNotKept,        kKeptFor,
    kRoomToRecord, kStateFull,      kIfFree,         kIfLimit,
    kIfSlot,       kIfFreeAgain,    kIfAlone,        kIfCore,
    kIfRoom,       kIfHealthy};

}  // namespace berth::core::words
