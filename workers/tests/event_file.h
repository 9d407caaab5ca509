// SPDX-License-Identifier: Apache-2.0
// An EventWriter for a test, and what it was told.
#pragma once

#include <boost/json/parse.hpp>
#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

#include "protocol/event_writer.h"
#include "temporary_folder.h"

namespace berth::tests {

class EventFile {
 public:
  protocol::EventWriter& writer() { return writer_; }

  std::vector<boost::json::object> all(const std::string& kind) const {
    std::vector<boost::json::object> events;
    std::istringstream lines(TemporaryFolder::read(folder_.path() + "/events"));
    for (std::string line; std::getline(lines, line);) {
      auto event = boost::json::parse(line).as_object();
      if (event.at("event").as_string() == kind) events.push_back(std::move(event));
    }
    return events;
  }

  /// The data of the only result event.
  boost::json::object result() const {
    const auto results = all("result");
    return results.size() == 1 ? results[0].at("data").as_object() : boost::json::object();
  }

  /// A number of that result.
  uint64_t count(const char* name) const { return result().at(name).to_number<uint64_t>(); }

 private:
  TemporaryFolder folder_;
  protocol::EventWriter writer_{folder_.path() + "/events", /*text=*/false};
};

}  // namespace berth::tests
