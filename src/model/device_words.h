// SPDX-License-Identifier: Apache-2.0
// What the back ends, and who watches over them, say of devices in words: why one is not healthy,
// takes no tasks or is slow, and what is missing on the machine. Records, logs and what programs
// read have these texts in English; who shows them to people in Chinese asks in_chinese()
// (model/in_chinese.h). A text with holes is filled with base::fill(). A text that is not in this
// file does not leave src/device (a unit test looks for literals there).
#pragma once

#include <span>
#include <string_view>

#include "base/rendering.h"

namespace berth::model {

namespace words {

// Why a device is not healthy.
inline constexpr std::string_view kNoReadingFor = "no reading for {} s";
inline constexpr std::string_view kNotInTime = "the driver did not answer in time";
inline constexpr std::string_view kSilentFor = "the driver has not answered for {} s";
inline constexpr std::string_view kSilentWhileListing =
    "the driver has not answered for {} s (while its devices were listed)";
inline constexpr std::string_view kNoLongerListed = "the driver no longer lists this device";
inline constexpr std::string_view kNotListed = "the driver does not list this device";
inline constexpr std::string_view kNotInKernel = "the kernel does not list this device any more";
inline constexpr std::string_view kReaderEnded =
    "the driver's library ended the process that read the device, twice";
inline constexpr std::string_view kNoDriverOpen = "no driver is open for this device";
inline constexpr std::string_view kInstanceGone = "the MIG instance is no longer there";
inline constexpr std::string_view kLevelZeroLost = "Level Zero says that the device is lost";
inline constexpr std::string_view kChipGone =
    "the driver says that the chip is not there or has not started";
inline constexpr std::string_view kImportantAlarm =
    "the driver reports an important alarm (health 2)";
inline constexpr std::string_view kCriticalAlarm = "the driver reports a critical alarm (health 3)";

// An error that the driver reported by itself, with its number and meaning.
inline constexpr std::string_view kXid = "XID {}: {}; it must be reset (nvidia-smi -r)";
inline constexpr std::string_view kStoppedProcessing = "the GPU stopped processing";
inline constexpr std::string_view kNotCorrected =
    "an error of its memory that could not be corrected";
inline constexpr std::string_view kControllerHalted = "its internal controller halted";
inline constexpr std::string_view kRowNotReplaced = "a row of its memory could not be replaced";
inline constexpr std::string_view kOffTheBus = "it has fallen off the bus";
inline constexpr std::string_view kNotContained =
    "an error of its memory that could not be contained";
inline constexpr std::string_view kSecurityFault = "a security fault";
inline constexpr std::string_view kSystemProcessorSilent = "its system processor does not answer";
inline constexpr std::string_view kSystemProcessorFailed = "its system processor has failed";
inline constexpr std::string_view kNotRecovered =
    "an error of its memory that is not recovered from";
inline constexpr std::string_view kNotInitialised = "it could not be initialised";

// Why a device takes no tasks.
inline constexpr std::string_view kNoDriver = "it has no driver";
inline constexpr std::string_view kNoLibrary = "its driver's library is not installed";
inline constexpr std::string_view kOtherDriver = "its driver is {}";
inline constexpr std::string_view kIntegrated =
    "graphics of the processor, without memory of its own";
inline constexpr std::string_view kIntegratedSharing =
    "graphics of the processor, with the machine's memory";

// Why its clocks are lower than they could be.
inline constexpr std::string_view kApplicationClocks = "application clocks";
inline constexpr std::string_view kPowerLimit = "power limit";
inline constexpr std::string_view kHardwareSlowdown = "hardware slowdown";
inline constexpr std::string_view kInStep = "kept in step with other GPUs";
inline constexpr std::string_view kTemperature = "temperature";
inline constexpr std::string_view kTemperatureHardware = "temperature (hardware)";
inline constexpr std::string_view kPowerBrake = "power brake";
inline constexpr std::string_view kDisplayClocks = "display clocks";

// What becomes of tasks for it.
inline constexpr std::string_view kDeviceUnderLost = "the device under it was lost ({})";
inline constexpr std::string_view kNoDeviceFile = "no device file of {} is known";
inline constexpr std::string_view kNoFileAlone = "no device file of {} alone is known";
inline constexpr std::string_view kItsFileUnknown = "its device file is not known";
inline constexpr std::string_view kFenceOff = "switched off (fence_devices)";
inline constexpr std::string_view kNvidiaLimits = "NVIDIA memory limits";
inline constexpr std::string_view kNoCgroup = "no cgroup v2 for the tasks";

// What is missing on this machine and how to get it.
inline constexpr std::string_view kNvidiaMissing =
    "an NVIDIA GPU is on the PCI bus ({}) but its driver is not installed: {}; on Debian install "
    "the packages nvidia-driver and libnvidia-ml1 (component non-free)";
inline constexpr std::string_view kAscendMissing =
    "an Ascend NPU is on the PCI bus ({}) but its driver is not installed: {}; install Huawei's "
    "driver package, which brings libdcmi.so";
inline constexpr std::string_view kDriverLeftAlone =
    "the {} driver does not answer and is left alone for now";
inline constexpr std::string_view kNvidiaUnusable =
    "the NVIDIA driver cannot be used: {} (is the kernel module loaded, and of the library's "
    "version?)";
inline constexpr std::string_view kNvidiaUncounted =
    "the NVIDIA driver does not count its devices: {}";
inline constexpr std::string_view kNumberLeftAlone =
    "the NVIDIA device with the driver's number {} does not answer and is left alone for now";
inline constexpr std::string_view kNumberUnusable =
    "the NVIDIA device with the driver's number {} cannot be used: {}";
inline constexpr std::string_view kNumberForbidden =
    "the NVIDIA device with the driver's number {} cannot be used: {} (this user may not open its "
    "/dev/nvidia file)";
inline constexpr std::string_view kNoInstances =
    "{} is in MIG mode and has no instance yet, so it takes no task: make some with nvidia-smi mig "
    "-cgi <profiles> -C, or end the mode with nvidia-smi -mig 0";
inline constexpr std::string_view kAmdSmiLeftAlone =
    "AMD SMI does not answer and is left alone for now";
inline constexpr std::string_view kNoAmdSmi =
    "{} is no library of AMD SMI: amdsmi_init, amdsmi_get_socket_handles, "
    "amdsmi_get_processor_handles or amdsmi_get_gpu_device_bdf is missing";
inline constexpr std::string_view kAmdSmiUnusable = "{} does not start: amdsmi_init says {}";
inline constexpr std::string_view kIntelMemory =
    "how much memory an Intel GPU has free is known by Level Zero only ({}); on Debian install "
    "libze1 and libze-intel-gpu1";
inline constexpr std::string_view kLevelZeroSilent = "it does not start";
inline constexpr std::string_view kLevelZeroUnusable =
    "Level Zero cannot be used: zesInit gives {}";
inline constexpr std::string_view kLevelZeroOld =
    "{} is too old: it has no zesInit (Level Zero 1.5 or newer has)";
inline constexpr std::string_view kAscendUnusable =
    "the Ascend driver cannot be used: dcmi_init gives {} (is the driver loaded, and may this user "
    "open /dev/davinci_manager?)";
inline constexpr std::string_view kAscendUnlisted =
    "the Ascend driver does not list its cards (dcmi_get_card_list)";
inline constexpr std::string_view kChipLeftAlone =
    "the Ascend chip {} of card {} does not answer and is left alone for now";
inline constexpr std::string_view kNoNvml =
    "{} is no NVIDIA management library: nvmlInit, nvmlDeviceGetCount or "
    "nvmlDeviceGetHandleByIndex is missing";
inline constexpr std::string_view kNoDcmi =
    "{} is no Ascend management library: dcmi_init, dcmi_get_card_list or "
    "dcmi_get_device_num_in_card is missing";
inline constexpr std::string_view kCannotLoad = "cannot load {}: {}";
inline constexpr std::string_view kUnknownError = "unknown error";
inline constexpr std::string_view kNvmlError = "NVML error {}";

}  // namespace words

/// All of the above, and what NVIDIA's library and the dynamic linker say, which stands in them.
std::span<const base::Rendering> device_words();

}  // namespace berth::model
