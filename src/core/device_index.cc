// SPDX-License-Identifier: Apache-2.0
#include "core/device_index.h"

#include <algorithm>
#include <tuple>

#include "core/memory.h"

namespace berth::core {

// ---- the map ----

DeviceMap& DeviceMap::operator=(const DeviceMap& other) {
  if (this != &other) map_ = other.map_;
  index_.reset();
  return *this;
}

DeviceMap& DeviceMap::operator=(DeviceMap&& other) noexcept {
  map_ = std::move(other.map_);
  index_.reset();
  other.index_.reset();
  return *this;
}

DeviceMap::Map::iterator DeviceMap::begin() {
  if (index_) index_->all_changed();
  return map_.begin();
}

DeviceMap::Map::iterator DeviceMap::find(const DeviceId& id) {
  const auto found = map_.find(id);
  if (index_ && found != map_.end()) index_->changed(found->second);
  return found;
}

DeviceEntry& DeviceMap::at(const DeviceId& id) {
  DeviceEntry& entry = map_.at(id);
  if (index_) index_->changed(entry);
  return entry;
}

std::pair<DeviceMap::Map::iterator, bool> DeviceMap::try_emplace(const DeviceId& id) {
  const auto result = map_.try_emplace(id);
  if (result.second) {
    index_.reset();
  } else if (index_) {
    index_->changed(result.first->second);
  }
  return result;
}

std::pair<DeviceMap::Map::iterator, bool> DeviceMap::emplace(const DeviceId& id,
                                                             DeviceEntry entry) {
  index_.reset();
  return map_.emplace(id, std::move(entry));
}

DeviceMap::Map::iterator DeviceMap::erase(Map::iterator entry) {
  index_.reset();
  return map_.erase(entry);
}

std::size_t DeviceMap::erase(const DeviceId& id) {
  index_.reset();
  return map_.erase(id);
}

const DeviceIndex& DeviceMap::index() const {
  if (!index_) index_ = std::make_shared<DeviceIndex>(map_);
  index_->refresh();
  return *index_;
}

// ---- a glance ----

Glance glance_at(const DeviceEntry& device) {
  Glance glance;
  glance.device = &device;
  glance.vendor = device.device.vendor;
  const bool healthy =
      device.present && (!device.reading || device.reading->health == model::Health::kHealthy);
  glance.open = healthy && !device.exclusive && !device.device.partitioned;
  for (const Kind kind : {Kind::kTraining, Kind::kInference, Kind::kCommand}) {
    glance.slots.at(static_cast<std::size_t>(kind)) =
        device.running_of(kind) < device.limits.of(kind);
  }
  glance.tasks = static_cast<std::uint32_t>(device.reservations.size());
  if (const auto free = effective_free(device)) glance.free = free->value;
  glance.figures = figures_of(device);
  return glance;
}

Screen::Screen(const model::Request& request)
    : kind_(static_cast<std::size_t>(request.kind)),
      exclusive_(request.exclusive),
      whole_gpu_(request.kind == Kind::kCommand && !request.memory &&
                 (request.signature.empty() || !request.memory_by_history) &&
                 request.memory_percent == 0 && !request.memory_estimate),
      memory_(request.memory.value_or(Bytes{}).value) {}

bool Screen::lets_through(const Glance& glance) const {
  if (!glance.open || !glance.slots[kind_]) return false;
  return glance.tasks == 0 || (!idle_only(glance) && glance.free >= memory_);
}

// ---- the index ----

DeviceIndex::DeviceIndex(const DeviceMap::Map& devices) {
  rows_.reserve(devices.size());
  for (const auto& [id, device] : devices) {
    const auto row = static_cast<std::uint32_t>(rows_.size());
    row_of_.emplace(&device, row);
    rows_.push_back(glance_at(device));
    positions_.push_back(0);
    enter(row);
  }
  count_vendors();
}

void DeviceIndex::refresh() {
  if (all_stale_) {
    for (std::uint32_t row = 0; row < rows_.size(); ++row) renew(row);
    all_stale_ = false;
    neighbours_known_ = false;
  } else {
    for (const DeviceEntry* device : stale_) renew(row_of_.at(device));
  }
  stale_.clear();
}

void DeviceIndex::renew(std::uint32_t row) {
  const Glance now = glance_at(*rows_[row].device);
  if (now == rows_[row]) return;
  const bool other_vendor = now.vendor != rows_[row].vendor;
  leave(row);
  rows_[row] = now;
  enter(row);
  if (other_vendor) count_vendors();
}

DeviceIndex::ListName DeviceIndex::list_for(const Glance& glance) {
  if (!glance.open) return kNeither;
  return glance.tasks == 0 ? kIdle : kShared;
}

void DeviceIndex::enter(std::uint32_t row) {
  by_tasks_.emplace(rows_[row].tasks, row);
  const ListName name = list_for(rows_[row]);
  if (name == kNeither) return;
  positions_[row] = static_cast<std::uint32_t>(lists_[name].size());
  lists_[name].push_back(row);
}

void DeviceIndex::leave(std::uint32_t row) {
  by_tasks_.erase({rows_[row].tasks, row});
  const ListName name = list_for(rows_[row]);
  if (name == kNeither) return;
  auto& rows = lists_[name];
  positions_[rows.back()] = positions_[row];
  rows[positions_[row]] = rows.back();
  rows.pop_back();
}

void DeviceIndex::count_vendors() {
  vendors_ = 0;
  for (const Glance& glance : rows_) vendors_ |= bit(glance.vendor);
  of_vendors_.clear();
}

std::shared_ptr<const DeviceIndex::List> DeviceIndex::of(Vendors vendors) const {
  auto& cached = of_vendors_[vendors];
  if (!cached) {
    auto list = std::make_shared<List>();
    for (const Glance& glance : rows_) {
      if ((vendors & bit(glance.vendor)) != 0) list->push_back(glance.device);
    }
    cached = std::move(list);
  }
  return cached;
}

namespace {

// Sums of these decide between sets of devices, so one far pair outweighs a few NVLinks more or
// less.
int distance_of(const model::Link& link) {
  switch (link.closeness) {
    case model::Closeness::kNvLink:
      return 20 - std::clamp(link.nvlinks, 1, 18);
    case model::Closeness::kSwitch:
      return 40;
    case model::Closeness::kHostBridge:
      return 60;
    case model::Closeness::kNumaNode:
      return 80;
    case model::Closeness::kSystem:
      break;
  }
  return DeviceIndex::kFar;
}

}  // namespace

void DeviceIndex::find_neighbours() const {
  if (neighbours_known_) return;
  neighbours_known_ = true;
  nearest_ = kFar;
  neighbours_.assign(rows_.size(), {});
  const auto row_named = [this](const DeviceId& id) {
    return std::lower_bound(
        rows_.begin(), rows_.end(), id,
        [](const Glance& row, const DeviceId& wanted) { return row.device->device.id < wanted; });
  };
  for (std::uint32_t row = 0; row < rows_.size(); ++row) {
    auto& found = neighbours_[row];
    for (const model::Link& link : rows_[row].device->device.links) {
      const auto peer = row_named(link.peer);
      const int distance = distance_of(link);
      if (peer == rows_.end() || peer->device->device.id != link.peer || distance >= kFar) continue;
      found.push_back({static_cast<std::uint32_t>(peer - rows_.begin()), distance});
      nearest_ = std::min(nearest_, distance);
    }
    std::sort(found.begin(), found.end(), [](const Neighbour& a, const Neighbour& b) {
      return std::tie(a.distance, a.row) < std::tie(b.distance, b.row);
    });
  }
}

const std::vector<DeviceIndex::Neighbour>& DeviceIndex::neighbours(std::uint32_t row) const {
  find_neighbours();
  return neighbours_[row];
}

int DeviceIndex::nearest() const {
  find_neighbours();
  return nearest_;
}

bool DeviceIndex::is_wrong() const {
  return std::any_of(rows_.begin(), rows_.end(),
                     [](const Glance& glance) { return !(glance == glance_at(*glance.device)); });
}

}  // namespace berth::core
