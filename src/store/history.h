// SPDX-License-Identifier: Apache-2.0
// The devices' history on disk, in a file of its own: readings.db. What a crash loses are the last
// seconds of it, so nothing is flushed. Not thread-safe; every call may wait for the disk.
//
// Its size is bounded: a device has at most 3,600 + 10,080 + 35,040 points of about 40 bytes, and
// what a device that is gone has left goes with its age.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/history.h"
#include "store/connection.h"

namespace berth::store {

class History {
 public:
  /// A file that is damaged or of another version is put aside (".damaged") and begun anew.
  static base::Result<std::unique_ptr<History>> open(const std::string& path);

  /// Points of a device; one that is there already is replaced. One transaction.
  struct Addition {
    std::string device;  // its id
    model::HistoryPoint point;
  };
  base::Status add(const std::vector<Addition>& additions);

  /// In order of time, from `from` until before `to`, seconds since 1970.
  base::Result<std::vector<model::HistoryPoint>> read(const std::string& device, std::int64_t step,
                                                      std::int64_t from, std::int64_t to);

  /// Of the coarser steps, the points that `now` falls into, as far as they have come.
  base::Result<std::vector<Addition>> current(std::int64_t now);

  /// What is older than its step is kept.
  base::Status forget(std::int64_t now);

 private:
  explicit History(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
  base::Status prepare();

  std::unique_ptr<Connection> connection_;
};

}  // namespace berth::store
