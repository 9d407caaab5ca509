// SPDX-License-Identifier: Apache-2.0
#include "device/sampler_requests.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "base/json.h"

namespace berth::device {

namespace {

constexpr std::size_t kLongestText = 1U << 20U;

std::optional<SamplerRequests::Look> parse(std::string_view line) {
  const auto parsed = base::parse_json(line);
  if (!parsed || !parsed->is_object()) return std::nullopt;
  const base::json::object& object = parsed->as_object();
  const auto* devices = object.if_contains("devices");
  if (!object.contains("look") || devices == nullptr || !devices->is_array()) return std::nullopt;
  SamplerRequests::Look look;
  look.number = static_cast<std::uint64_t>(base::int_or(object, "look"));
  for (const auto& id : devices->as_array()) {
    if (id.is_string()) look.devices.emplace(std::string(id.as_string()));
  }
  return look;
}

}  // namespace

std::optional<SamplerRequests::Look> SamplerRequests::next() {
  read();
  for (auto end = text_.find('\n'); end != std::string::npos; end = text_.find('\n')) {
    const std::string line = text_.substr(0, end);
    text_.erase(0, end + 1);
    if (auto look = parse(line)) return look;
  }
  if (text_.size() > kLongestText) text_.clear();
  return std::nullopt;
}

void SamplerRequests::read() {
  pollfd entry{fd_, POLLIN, 0};
  while (fd_ >= 0 && ::poll(&entry, 1, 0) > 0) {
    char buffer[4096];
    const ssize_t got = ::read(fd_, buffer, sizeof buffer);
    if (got > 0) {
      text_.append(buffer, static_cast<std::size_t>(got));
    } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
      fd_ = -1;
    } else {
      return;
    }
  }
}

}  // namespace berth::device
