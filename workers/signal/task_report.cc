// SPDX-License-Identifier: Apache-2.0
#include "signal/task_report.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <cstdio>

namespace berth::signal {

namespace json = boost::json;

void complete(const std::string& line, json::object result, protocol::EventWriter* events) {
  events->log(protocol::Level::kInfo, line, "completed");
  events->progress(1.0);
  events->result(std::move(result));
}

void warn_of_not_finite(uint64_t times, protocol::EventWriter* events) {
  if (times == 0) return;
  events->warning("samples that are NaN or infinite count as 0 (met " + std::to_string(times) +
                  " times)");
}

std::string shown(double value, const char* format) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

json::object unreadable_facts(const std::vector<Unreadable>& unreadable) {
  constexpr size_t kNamed = 100;
  json::array named;
  for (size_t i = 0; i < std::min(kNamed, unreadable.size()); ++i) {
    named.push_back(json::object{{"file", unreadable[i].path}, {"message", unreadable[i].message}});
  }
  return {{"count", unreadable.size()}, {"files", named}};
}

}  // namespace berth::signal
