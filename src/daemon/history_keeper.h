// SPDX-License-Identifier: Apache-2.0
// Keeps the devices' history: a reading of each device a second from the loop, to the disk every
// few seconds by a thread of its own, which also answers questions. A disk that is full or broken
// costs history, nothing else.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "daemon/loop.h"
#include "model/history.h"
#include "model/history_roller.h"

namespace berth::store {
class History;
}

namespace berth::daemon {

class HistoryKeeper {
 public:
  using Points = std::vector<model::HistoryPoint>;

  HistoryKeeper(Loop& loop, std::string path);
  ~HistoryKeeper();  // writes what it has, joins
  HistoryKeeper(const HistoryKeeper&) = delete;
  HistoryKeeper& operator=(const HistoryKeeper&) = delete;

  /// From the loop, each second. Readings that are older than a second or two are no longer those
  /// of this second, and are passed over.
  void take(const std::vector<model::Sample>& samples, base::Time now);

  /// `done` runs on the loop. Seconds since 1970; the step is one of model::kHistorySteps.
  void read(std::string device, std::int64_t step, std::int64_t from, std::int64_t to,
            std::function<void(base::Result<Points>)> done);

 private:
  using Work = std::function<void(store::History*)>;  // null: it could not be opened
  void ask(Work work);
  void run();
  void flush(base::Time now);

  Loop& loop_;
  std::string path_;
  model::HistoryRoller roller_;                           // the loop's
  std::shared_ptr<int> alive_ = std::make_shared<int>();  // while messages to the loop may come
  std::int64_t flushed_ = 0;
  std::int64_t tidied_ = 0;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Work> work_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace berth::daemon
