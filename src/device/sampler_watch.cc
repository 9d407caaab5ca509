// SPDX-License-Identifier: Apache-2.0
#include "device/sampler_watch.h"

#include <algorithm>
#include <cstdio>

#include "base/json.h"
#include "base/phrase.h"
#include "model/device_words.h"

namespace berth::device {

namespace {

namespace words = model::words;
using std::chrono::milliseconds;

constexpr std::size_t kLongestLine = 1U << 20U;
// A second look after this long tells a silent child from a loop that came late to its pipe.
constexpr milliseconds kConfirm{50};

/// "nvidia": while a vendor's driver is opened.
std::optional<model::Vendor> vendor_of(std::string_view key) {
  for (const model::Vendor vendor : model::kGpuVendors) {
    if (to_text(vendor) == key) return vendor;
  }
  return std::nullopt;
}
bool is_vendor(std::string_view key) { return vendor_of(key).has_value(); }
/// "amd:smi": a library that the vendor's driver does without, so that no device waits for it.
bool is_library(std::string_view key) { return key == "amd:smi"; }
/// "nvidia:3": while a device is identified.
std::optional<model::Vendor> vendor_of_number(std::string_view key) {
  const auto colon = key.find(':');
  if (colon == std::string_view::npos || is_library(key)) return std::nullopt;
  return vendor_of(key.substr(0, colon));
}
bool is_number(std::string_view key) { return vendor_of_number(key).has_value(); }
/// The GPU of an instance, else the device itself: what a driver that hangs hangs in.
const model::DeviceId& gpu_of(const model::Device& device) {
  return device.mig ? device.mig->parent : device.id;
}

std::string silence_text(milliseconds silence, bool listing) {
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%.1f", static_cast<double>(silence.count()) / 1000.0);
  return base::fill(listing ? words::kSilentWhileListing : words::kSilentFor, {seconds});
}

}  // namespace

void SamplerWatch::started(Moment now) {
  running_ = true;
  stuck_ = false;
  partial_.clear();
  overlong_ = false;
  inside_ = "inventory";
  since_ = now;
  suspected_.reset();
  respawn_.reset();
}

void SamplerWatch::feed(std::string_view bytes, Moment now) {
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    const auto piece = bytes.substr(0, end);
    if (partial_.size() + piece.size() > kLongestLine) overlong_ = true;
    if (!overlong_) partial_ += piece;
    if (end == std::string_view::npos) return;
    if (overlong_) {
      ++malformed_;
    } else if (!partial_.empty()) {
      take_line(partial_, now);
    }
    partial_.clear();
    overlong_ = false;
    bytes.remove_prefix(end + 1);
  }
}

void SamplerWatch::take_line(std::string_view line, Moment now) {
  const auto parsed = base::parse_json(line);
  if (!parsed || !parsed->is_object()) {
    ++malformed_;
    return;
  }
  const base::json::object& object = parsed->as_object();
  if (const auto key = base::maybe_string(object, "begin"); key && !key->empty()) {
    inside_ = *key;
    since_ = now;
    suspected_.reset();
  } else if (object.contains("looked")) {
    // In the midst of a round the next begin line follows at once.
    inside_.clear();
    suspected_.reset();
    changes_.looked = static_cast<std::uint64_t>(base::int_or(object, "looked"));
  } else if (object.contains("idle")) {
    inside_.clear();
    suspected_.reset();
  } else if (const auto* sample = object.if_contains("sample");
             sample != nullptr && sample->is_object()) {
    take_sample(sample->as_object());
  } else if (const auto* found = object.if_contains("inventory");
             found != nullptr && found->is_object()) {
    take_inventory(found->as_object(), base::from_ms(base::int_or(object, "taken")));
    inside_.clear();
    suspected_.reset();
  } else {
    ++malformed_;
  }
}

void SamplerWatch::take_sample(const base::json::object& from) {
  auto sample = model::sample_from_json(from);
  if (!sample) {
    ++malformed_;
    return;
  }
  respawn_wait_ = milliseconds{0};
  died_in_.clear();
  answered(sample->device.value);
  failures_.hold(*sample);
  put(std::move(*sample));
}

void SamplerWatch::remember_failure(const model::DeviceId& id, const std::string& reason,
                                    base::Time now) {
  failures_.remember(id, reason, now);
  const model::Sample* known = sample(id);
  if (known != nullptr && known->health == model::Health::kHealthy)
    set_health(id, model::Health::kFailed, reason);
}

void SamplerWatch::answered(const std::string& key) { quarantined_.erase(key); }

void SamplerWatch::put(model::Sample sample) {
  const auto place = std::find_if(samples_.begin(), samples_.end(),
                                  [&](const auto& other) { return other.device == sample.device; });
  changes_.samples.insert(sample.device);
  if (place != samples_.end()) {
    if (place->health != sample.health) changes_.health.insert(sample.device);
    *place = std::move(sample);
    return;
  }
  if (sample.health != model::Health::kHealthy) changes_.health.insert(sample.device);
  // Kept in the inventory's order: before the first that comes later there.
  const auto rank = [this](const model::DeviceId& id) {
    return std::find_if(inventory_.devices.begin(), inventory_.devices.end(),
                        [&](const auto& device) { return device.id == id; });
  };
  const auto own = rank(sample.device);
  const auto before = std::find_if(samples_.begin(), samples_.end(),
                                   [&](const auto& other) { return rank(other.device) > own; });
  samples_.insert(before, std::move(sample));
}

const model::Sample* SamplerWatch::sample(const model::DeviceId& id) const {
  const auto place = std::find_if(samples_.begin(), samples_.end(),
                                  [&](const auto& other) { return other.device == id; });
  return place == samples_.end() ? nullptr : &*place;
}

/// Keeps the last readings and their time; changes only what is said about the device.
void SamplerWatch::set_health(const model::DeviceId& id, model::Health health,
                              const std::string& reason) {
  const model::Sample* known = sample(id);
  if (known != nullptr && known->health == health && known->health_reason == reason) return;
  model::Sample marked;
  if (known != nullptr) {
    marked = *known;
  } else {
    marked.device = id;
    marked.taken = inventory_taken_;
  }
  marked.health = health;
  marked.health_reason = reason;
  put(std::move(marked));
}

void SamplerWatch::take_inventory(const base::json::object& from, base::Time taken) {
  auto fresh = model::inventory_from_json(from);
  if (!fresh) {
    ++malformed_;
    return;
  }
  listed_.clear();
  std::set<model::Vendor> answering;
  for (const auto& device : fresh->devices) {
    listed_.insert(device.id);
    answering.insert(device.vendor);
  }
  for (const model::Vendor vendor : answering) answered(std::string(to_text(vendor)));
  // A number that was tried again has been identified, or its device is gone: either is an answer.
  std::erase_if(quarantined_, [](const auto& item) {
    return (is_number(item.first) || is_library(item.first)) && !item.second.skipped;
  });
  if (seen_inventory_) keep_missing(*fresh);
  if (!seen_inventory_ || model::to_json(*fresh) != model::to_json(inventory_)) {
    inventory_ = std::move(*fresh);
    changes_.inventory = true;
    std::erase_if(samples_, [this](const auto& sample) {
      return std::none_of(inventory_.devices.begin(), inventory_.devices.end(),
                          [&](const auto& device) { return device.id == sample.device; });
    });
    std::stable_sort(samples_.begin(), samples_.end(), [this](const auto& a, const auto& b) {
      const auto rank = [this](const model::DeviceId& id) {
        return std::find_if(inventory_.devices.begin(), inventory_.devices.end(),
                            [&](const auto& device) { return device.id == id; });
      };
      return rank(a.device) < rank(b.device);
    });
  }
  inventory_taken_ = taken;
  seen_inventory_ = true;
  mark_unlisted();
}

/// Devices of the old inventory that the new one lacks go back to their place, and what a skipped
/// device's short entry lacks is filled in.
void SamplerWatch::keep_missing(model::Inventory& fresh) const {
  const auto in_fresh = [&](const model::DeviceId& id) {
    return std::find_if(fresh.devices.begin(), fresh.devices.end(),
                        [&](const auto& device) { return device.id == id; });
  };
  const auto is_short = [](const model::Device& device) {
    return device.model.empty() && !device.total_memory;
  };
  std::vector<model::Device> missing;
  for (const auto& old : inventory_.devices) {
    if (in_fresh(old.id) != fresh.devices.end()) continue;
    const auto gpu = in_fresh(gpu_of(old));
    const bool destroyed = old.mig && gpu != fresh.devices.end() && !is_short(*gpu);
    if (!destroyed) missing.push_back(old);
  }
  for (const auto& old : inventory_.devices) {
    const auto place = in_fresh(old.id);
    if (place != fresh.devices.end() && is_short(*place)) *place = old;
  }
  for (auto& device : missing) fresh.devices.push_back(std::move(device));
  if (!fresh.driver_version) fresh.driver_version = inventory_.driver_version;
  if (!fresh.cuda_version) fresh.cuda_version = inventory_.cuda_version;
  const auto number_of = [](const model::Device& device) {
    return device.mig ? device.mig->number : -1;
  };
  std::stable_sort(fresh.devices.begin(), fresh.devices.end(), [&](const auto& a, const auto& b) {
    if (a.vendor != b.vendor) return a.vendor < b.vendor;
    if (a.pci_bus_id != b.pci_bus_id) return a.pci_bus_id < b.pci_bus_id;
    return number_of(a) < number_of(b);
  });
  std::map<model::Vendor, int> next;
  for (auto& device : fresh.devices) {
    if (device.vendor == model::Vendor::kCpu) continue;
    // Instances have the number of their GPU, which comes before them.
    device.index = device.mig ? next[device.vendor] - 1 : next[device.vendor]++;
    device.name =
        std::string(model::device_prefix(device.vendor)) + ':' + std::to_string(device.index);
    if (device.mig) device.name += ':' + std::to_string(device.mig->number);
  }
}

/// A device may not be listed because it, its number or its driver is left alone.
const SamplerWatch::Quarantine* SamplerWatch::quarantine_of(const model::Device& device) const {
  for (const auto& [key, entry] : quarantined_) {
    if (key == device.id.value || key == gpu_of(device).value || vendor_of(key) == device.vendor ||
        vendor_of_number(key) == device.vendor) {
      return &entry;
    }
  }
  return nullptr;
}

std::optional<SamplerWatch::Moment> SamplerWatch::next_probe(const model::Device& device) const {
  const Quarantine* entry = quarantine_of(device);
  if (entry == nullptr || !entry->skipped) return std::nullopt;
  return entry->probe;
}

void SamplerWatch::mark_unlisted() {
  for (const auto& device : inventory_.devices) {
    if (listed_.contains(device.id) || device.vendor == model::Vendor::kCpu) continue;
    if (const Quarantine* entry = quarantine_of(device)) {
      set_health(device.id, model::Health::kNotResponding, entry->reason);
      continue;
    }
    const model::Sample* known = sample(device.id);
    if (known == nullptr || known->health != model::Health::kLost) {
      set_health(device.id, model::Health::kLost, std::string(words::kNoLongerListed));
    }
  }
}

milliseconds SamplerWatch::patience(std::string_view key) const {
  if (is_vendor(key) || key == "inventory") return options_.driver_stall_after;
  if (is_number(key) || is_library(key)) return options_.inventory_stall_after;
  return options_.stall_after;
}

std::optional<SamplerWatch::Moment> SamplerWatch::deadline() const {
  std::optional<Moment> earliest = respawn_;
  const auto consider = [&](Moment moment) {
    earliest = earliest ? std::min(*earliest, moment) : moment;
  };
  if (running_ && !stuck_) {
    if (!inside_.empty())
      consider(suspected_ ? *suspected_ + kConfirm : since_ + patience(inside_));
    for (const auto& [key, entry] : quarantined_) {
      if (entry.skipped) consider(entry.probe);
    }
  }
  return earliest;
}

void SamplerWatch::quarantine(const std::string& key, const std::string& reason, Moment now) {
  const auto [place, fresh] = quarantined_.try_emplace(key);
  Quarantine& entry = place->second;
  entry.wait = fresh ? options_.first_probe : std::min(entry.wait * 2, options_.longest_probe);
  entry.skipped = true;
  entry.probe = now + entry.wait;
  entry.reason = reason;
}

/// Tells it of the devices concerned: one by its UUID, all of a vendor while that is opened.
void SamplerWatch::spread_reason(const std::string& key, const std::string& reason) {
  for (const auto& device : inventory_.devices) {
    const bool all = vendor_of(key) == device.vendor ||
                     (key == "inventory" && device.vendor != model::Vendor::kCpu);
    if (all || device.id.value == key || gpu_of(device).value == key)
      set_health(device.id, model::Health::kNotResponding, reason);
  }
}

Advice SamplerWatch::check(Moment now) {
  if (!running_) {
    if (respawn_ && now >= *respawn_) {
      respawn_.reset();
      return Advice::kReplace;
    }
    return Advice::kNone;
  }
  if (stuck_) return Advice::kReplaceStuck;  // not replaced yet
  if (!inside_.empty() && now - since_ >= patience(inside_)) {
    if (!suspected_) suspected_ = now;
    if (now - *suspected_ < kConfirm) return Advice::kNone;
    const bool listing = is_vendor(inside_) || is_number(inside_) || inside_ == "inventory";
    const auto silence = std::chrono::duration_cast<milliseconds>(now - since_);
    const std::string reason = silence_text(silence, listing);
    if (inside_ != "inventory") quarantine(inside_, reason, now);
    spread_reason(inside_, reason);
    stuck_ = true;
    return Advice::kReplaceStuck;
  }
  bool probe = false;
  for (auto& [key, entry] : quarantined_) {
    if (!entry.skipped || now < entry.probe) continue;
    entry.skipped = false;
    probe = true;
  }
  return probe ? Advice::kReplace : Advice::kNone;
}

void SamplerWatch::ended(Moment now) {
  if (!running_) return;
  running_ = false;
  partial_.clear();
  // A child that dies twice in a row inside the same device is killed by that device's driver.
  if (!inside_.empty() && inside_ != "inventory" && inside_ == died_in_) {
    const std::string reason(words::kReaderEnded);
    quarantine(inside_, reason, now);
    spread_reason(inside_, reason);
    died_in_.clear();
  } else {
    died_in_ = inside_;
  }
  inside_.clear();
  respawn_wait_ = respawn_wait_.count() == 0
                      ? options_.first_respawn
                      : std::min(respawn_wait_ * 2, options_.longest_respawn);
  respawn_ = now + respawn_wait_;
}

std::vector<std::string> SamplerWatch::skip() const {
  std::vector<std::string> keys;
  for (const auto& [key, entry] : quarantined_) {
    if (entry.skipped) keys.push_back(key);
  }
  return keys;
}

SamplerWatch::Changes SamplerWatch::take_changes() { return std::exchange(changes_, {}); }

}  // namespace berth::device
