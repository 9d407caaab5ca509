// SPDX-License-Identifier: Apache-2.0
#include "prepare/run.h"

#include <algorithm>
#include <atomic>
#include <boost/json/array.hpp>
#include <map>
#include <mutex>
#include <new>
#include <optional>
#include <thread>
#include <vector>

#include "protocol/termination.h"

namespace berth::prepare {
namespace {

using protocol::Error;
using protocol::ErrorCode;
using protocol::failed;
using protocol::Result;
using protocol::Status;

constexpr size_t kLogSteps = 10;  // lines about the progress of a task

class Run {
 public:
  Run(const Work& work, protocol::EventWriter* events) : work_(work), events_(*events) {}

  Result<Outcome> run(int threads) {
    const size_t useful = std::min(static_cast<size_t>(std::max(1, threads)), work_.count);
    std::vector<std::thread> others;
    for (size_t i = 1; i < useful; ++i) others.emplace_back([this] { work(); });
    work();
    for (std::thread& thread : others) thread.join();
    protocol::wait_if_ending();
    if (fatal_) return tl::unexpected<Error>(std::move(*fatal_));
    if (outcome_.done == 0 && outcome_.failed > 0) {
      return failed(first_.code,
                    work_.count == 1 ? first_.message
                                     : "none of the " + std::to_string(work_.count) +
                                           " files could be done; the first: " + first_.message,
                    first_.file);
    }
    boost::json::array named;
    for (const auto& [index, reason] : reasons_) {
      named.push_back(boost::json::object{{"path", work_.name(index)}, {"reason", reason}});
    }
    outcome_.stats = {{"failed", outcome_.failed}, {"failed_files", std::move(named)}};
    return std::move(outcome_);
  }

 private:
  void work() {
    while (true) {
      const size_t index = next_.fetch_add(1);
      if (index >= work_.count) return;
      Status done;
      try {
        done = work_.run(index);
      } catch (const std::bad_alloc&) {
        done = failed(ErrorCode::kOutOfMemory,
                      "not enough memory for " + work_.name(index) + ": use fewer threads",
                      work_.name(index));
      }
      if (!done) protocol::wait_if_ending();
      count(index, done);
    }
  }

  void count(size_t index, const Status& done) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (done) {
      ++outcome_.done;
    } else if (done.error().code == ErrorCode::kNoSpace) {
      if (!fatal_) fatal_ = done.error();
      next_ = work_.count;
      return;
    } else {
      note_failure(index, done.error());
    }
    const uint64_t finished = outcome_.done + outcome_.failed;
    events_.items(finished, work_.count);
    if (work_.count >= kLogSteps && finished * kLogSteps / work_.count > told_) {
      told_ = finished * kLogSteps / work_.count;
      events_.info("Processed " + std::to_string(finished) + "/" + std::to_string(work_.count) +
                   " images");
    }
  }

  /// Of many, those that come first in the order of the files are named, whatever the threads do.
  void note_failure(size_t index, const Error& error) {
    if (outcome_.failed == 0 || index < first_index_) {
      first_ = error;
      first_index_ = index;
    }
    ++outcome_.failed;
    reasons_.emplace(index, error.message);
    if (reasons_.size() > kMostNamed) reasons_.erase(std::prev(reasons_.end()));
    if (outcome_.failed <= kMostNamed) events_.warning(error.message);
    if (outcome_.failed == kMostNamed + 1) events_.warning("More files fail: now only counted");
  }

  const Work& work_;
  protocol::EventWriter& events_;
  std::atomic<size_t> next_{0};
  std::mutex mutex_;  // guards all below
  Outcome outcome_;
  std::map<size_t, std::string> reasons_;
  Error first_;
  size_t first_index_ = 0;
  size_t told_ = 0;
  std::optional<Error> fatal_;
};

}  // namespace

Result<Outcome> run_all(const Work& work, int threads, protocol::EventWriter* events) {
  return Run(work, events).run(threads);
}

}  // namespace berth::prepare
