// SPDX-License-Identifier: Apache-2.0
// How the tasks of berth-worker-signal tell what they did.
#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "protocol/event_writer.h"
#include "signal/picture_set.h"

namespace berth::signal {

/// Seconds since it was made.
class Clock {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

/// Ends a task: the last line, the whole progress, the result.
void complete(const std::string& line, boost::json::object result, protocol::EventWriter* events);

/// Says how often samples were not finite, if any were; one read twice counts twice.
void warn_of_not_finite(uint64_t times, protocol::EventWriter* events);

/// A number for people; `format` is printf's.
std::string shown(double value, const char* format = "%.1f");

/// {"count": all, "files": the first hundred with messages}.
boost::json::object unreadable_facts(const std::vector<Unreadable>& unreadable);

}  // namespace berth::signal
