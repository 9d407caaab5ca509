// SPDX-License-Identifier: Apache-2.0
// Errors that the driver reports by itself, by XID (docs.nvidia.com/deploy/xid-errors).
#include <algorithm>
#include <array>

#include "base/phrase.h"
#include "device/nvml/backend.h"
#include "model/device_words.h"

namespace berth::device::nvml {

namespace {

namespace words = model::words;

/// After which the GPU must be reset before it can be trusted. Others are errors of a program, or
/// of memory that the driver has mended.
struct Xid {
  int number;
  std::string_view what;
};
constexpr std::array kFatal{Xid{46, words::kStoppedProcessing},
                            Xid{48, words::kNotCorrected},
                            Xid{62, words::kControllerHalted},
                            Xid{64, words::kRowNotReplaced},
                            Xid{79, words::kOffTheBus},
                            Xid{95, words::kNotContained},
                            Xid{110, words::kSecurityFault},
                            Xid{119, words::kSystemProcessorSilent},
                            Xid{120, words::kSystemProcessorFailed},
                            Xid{140, words::kNotRecovered},
                            Xid{143, words::kNotInitialised}};

/// The driver does not say when it was reset: after so long without another it is tried again.
constexpr std::chrono::minutes kRemember{10};
constexpr int kMostAtOnce = 64;

}  // namespace

void NvmlBackend::watch_events() {
  stop_watching();
  const Functions& f = library_->functions();
  if (f.event_set == nullptr || f.register_events == nullptr || f.wait_event == nullptr) return;
  if (f.event_set(&events_) != kSuccess) {
    events_ = nullptr;
    return;
  }
  // Older boards have no such events, and a lost one refuses.
  for (const auto& [id, gpu] : gpus_) {
    if (gpu.parent == nullptr && gpu.readable)
      static_cast<void>(f.register_events(gpu.handle, kEventXid, events_));
  }
}

void NvmlBackend::stop_watching() {
  const Functions& f = library_->functions();
  if (events_ != nullptr && f.free_event_set != nullptr) f.free_event_set(events_);
  events_ = nullptr;
}

void NvmlBackend::read_events() {
  const Functions& f = library_->functions();
  Event event{};
  for (int i = 0; i < kMostAtOnce && events_ != nullptr; ++i) {
    if (f.wait_event(events_, &event, /*timeout_ms=*/0) != kSuccess) return;
    if ((event.type & kEventXid) == 0) continue;
    const auto found = std::find_if(gpus_.begin(), gpus_.end(), [&](const auto& item) {
      return item.second.handle == event.device && item.second.parent == nullptr;
    });
    if (found == gpus_.end()) continue;
    Gpu& gpu = found->second;
    gpu.xid = static_cast<int>(event.data);
    const auto* fatal = std::find_if(kFatal.begin(), kFatal.end(),
                                     [&](const Xid& xid) { return xid.number == *gpu.xid; });
    if (fatal != kFatal.end()) {
      gpu.failure = Failure{
          base::fill(words::kXid, {std::to_string(fatal->number), std::string(fatal->what)}),
          std::chrono::steady_clock::now()};
    }
  }
}

void NvmlBackend::apply_events(Gpu& gpu, model::Sample& sample) {
  sample.xid = gpu.xid;
  if (gpu.failure && std::chrono::steady_clock::now() - gpu.failure->at > kRemember)
    gpu.failure.reset();
  if (!gpu.failure) return;
  sample.health = model::Health::kFailed;
  sample.health_reason = gpu.failure->reason;
}

}  // namespace berth::device::nvml
