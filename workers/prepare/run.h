// SPDX-License-Identifier: Apache-2.0
// Working through many files with several threads: one that cannot be read is counted and named,
// and the others are done nonetheless.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <functional>
#include <string>

#include "protocol/event_writer.h"
#include "protocol/result.h"

namespace berth::prepare {

/// So many failed files are named in the result and in the log; the rest are only counted.
constexpr size_t kMostNamed = 100;

struct Work {
  size_t count = 0;
  std::function<std::string(size_t)> name;      ///< of file i, for people
  std::function<protocol::Status(size_t)> run;  ///< any thread; each i once
};

struct Outcome {
  uint64_t done = 0;
  uint64_t failed = 0;
  boost::json::object stats;  ///< "failed", "failed_files": [{"path", "reason"}]
};

/// Tells progress and failed files as it goes. Errors: kNoSpace as soon as one file says so, and
/// when every file failed, what the first of them said.
protocol::Result<Outcome> run_all(const Work& work, int threads, protocol::EventWriter* events);

}  // namespace berth::prepare
