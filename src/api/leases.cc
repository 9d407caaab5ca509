// SPDX-License-Identifier: Apache-2.0
// /api/v2/leases: reservations without a process of Berth's, so that programs started outside take
// part.
#include <algorithm>
#include <array>
#include <cmath>

#include "api/chinese.h"
#include "api/routes.h"
#include "api/schema.h"
#include "api/submitter.h"
#include "api/task_codec.h"
#include "api/task_request.h"
#include "base/id.h"
#include "base/text.h"
#include "model/visible_devices.h"

namespace berth::api {

namespace {

using base::json::array;
using base::json::object;
using base::json::value;

constexpr double kMostSeconds = 7 * 86'400;
constexpr double kUsualSeconds = 60;

constexpr std::array<std::string_view, 12> kLeaseFields{
    "device",          "gpus",     "memory_gb", "memory_fraction",
    "memory_strategy", "gpu_type", "exclusive", "policy",
    "priority",        "pool",     "ttl_s",     "pid"};

const core::TaskEntry* find_lease(const core::State& state, const std::string& id) {
  const auto lease = state.tasks.find(model::TaskId(id));
  return lease != state.tasks.end() && lease->second.is_lease() ? &lease->second : nullptr;
}

std::vector<model::Device> devices_of(const core::State& state, const core::TaskEntry& lease) {
  std::vector<model::Device> devices;
  for (const auto& share : lease.placement->shares) {
    const auto entry = state.devices.find(share.device);
    if (entry != state.devices.end()) devices.push_back(entry->second.device);
  }
  return devices;
}

// What the program that uses the lease is to be started with.
object environment(const core::State& state, const core::TaskEntry& lease) {
  const auto devices = devices_of(state, lease);
  object env{{"BERTH_LEASE", lease.request.id.value},
             {"BERTH_DEVICE", model::device_inside(devices)}};
  for (const auto& [name, text] : model::visible_devices(devices)) env[name] = text;
  const auto reserved = lease.placement->shares.front().reserved;
  if (reserved.value > 0) env["BERTH_MEMORY_LIMIT"] = std::to_string(reserved.value);
  return env;
}

// The holder is "PID START BOOT"; only its number is of interest to others.
value holder_pid(const core::TaskEntry& lease) {
  const auto pid = base::parse_number(lease.holder.substr(0, lease.holder.find(' ')));
  return pid ? value(*pid) : value(nullptr);
}

object lease_response(const core::State& state, const core::TaskEntry& lease) {
  array devices;
  for (const auto& share : lease.placement->shares) {
    devices.push_back(object{{"device", share.name},
                             {"uuid", share.device.value},
                             {"reserved_gb", to_gb(share.reserved)}});
  }
  const bool adopted = !lease.holder.empty();
  return object{{"lease_id", lease.request.id.value},
                {"devices", std::move(devices)},
                {"rule", model::to_text(lease.placement->rule)},
                {"created_at", base::iso8601(lease.submitted)},
                {"expires_at", adopted ? value(nullptr) : time_or_null(lease.lease_until)},
                {"ttl_s", static_cast<double>(lease.lease_time.count()) / 1000},
                {"pid", holder_pid(lease)},
                {"user", lease.request.user.empty() ? value(nullptr) : value(lease.request.user)},
                {"env", environment(state, lease)}};
}

std::optional<base::Duration> read_time(Fields& fields) {
  const auto seconds = fields.maybe_positive("ttl_s", kMostSeconds + 1e-6);
  if (!seconds) return std::nullopt;
  return std::max(base::Duration{1}, base::Duration{std::llround(*seconds * 1000)});
}

// The process that is to hold the lease: as named, over the Unix socket also the caller itself.
std::optional<int> read_pid(Fields& fields) {
  const auto pid = fields.maybe_integer("pid", 1, 1 << 22);
  return pid ? std::optional(static_cast<int>(*pid)) : std::nullopt;
}

Service::DoneCallback answer_with_lease(Service& service, http::Exchange exchange,
                                        const std::string& id) {
  auto held = std::make_shared<http::Exchange>(std::move(exchange));
  return [held, &service, id](const base::Status& status) {
    if (!status) return held->fail(status.error());
    const auto* lease = find_lease(service.state(), id);
    if (lease == nullptr)
      return held->fail(
          base::Error{base::ErrorCode::kNotFound, "The lease " + id + " is over", {}});
    held->respond(json_response(lease_response(service.state(), *lease)));
  };
}

void create(Service& service, const http::Request& request, http::Exchange exchange) {
  Fields fields(request.body);
  model::TaskRecord record;
  if (!fields.valid()) return exchange.respond(fields.refusal());
  fields.refuse_others(kLeaseFields);
  read_common(fields, {"auto", 5, service.state().config.policy}, record);
  read_devices(fields, record.request);
  const auto time = read_time(fields).value_or(base::Duration{std::llround(kUsualSeconds * 1000)});
  const auto pid = read_pid(fields);
  if (!fields.valid()) return exchange.respond(fields.refusal());
  core::Lease lease{std::move(record.request), time};
  const std::string id = base::random_uuid();
  lease.request.id = model::TaskId(id);
  lease.request.user = user_of(request);
  auto answer = answer_with_lease(service, std::move(exchange), id);
  service.lease(std::move(lease), [&service, id, pid, answer](const base::Status& status) {
    if (!status || !pid) return answer(status);
    service.adopt_lease(
        model::TaskId(id), *pid, [&service, id, answer](const base::Status& adopted) {
          if (adopted) return answer({});
          // Nobody would hold what was asked for in that process's name.
          service.end_lease(model::TaskId(id),
                            [answer, adopted](const base::Status&) { answer(adopted); });
        });
  });
}

// The lease that the path names, unless it is somebody else's; else answers and returns nullptr.
const core::TaskEntry* lease_of(const Service& service, const http::Request& request,
                                http::Exchange& exchange) {
  const std::string id(request.parameter("lease_id"));
  const auto* lease = find_lease(service.state(), id);
  if (lease == nullptr) {
    exchange.fail(404, "There is no such lease: it was returned or has expired");
    return nullptr;
  }
  const bool stranger = request.peer.unix_socket && !request.authenticated;
  if (stranger && user_of(request) != lease->request.user) {
    exchange.fail(403, "The lease belongs to another user");
    return nullptr;
  }
  return lease;
}

void renew(Service& service, const http::Request& request, http::Exchange exchange) {
  const auto* lease = lease_of(service, request, exchange);
  if (lease == nullptr) return;
  Fields fields(request.body.empty() ? "{}" : request.body);
  if (fields.valid()) fields.refuse_others(std::array<std::string_view, 1>{"ttl_s"});
  const auto time = read_time(fields);
  if (!fields.valid()) return exchange.respond(fields.refusal());
  const auto id = lease->request.id;
  service.renew_lease(id, time, answer_with_lease(service, std::move(exchange), id.value));
}

void adopt(Service& service, const http::Request& request, http::Exchange exchange) {
  const auto* lease = lease_of(service, request, exchange);
  if (lease == nullptr) return;
  Fields fields(request.body.empty() ? "{}" : request.body);
  if (fields.valid()) fields.refuse_others(std::array<std::string_view, 1>{"pid"});
  auto pid = read_pid(fields);
  if (!pid && request.peer.unix_socket && request.peer.pid) pid = *request.peer.pid;
  if (!pid && fields.valid())
    fields.refuse("missing", "pid", "Over TCP the process that is to hold the lease must be named");
  if (!fields.valid()) return exchange.respond(fields.refusal());
  const auto id = lease->request.id;
  service.adopt_lease(id, *pid, answer_with_lease(service, std::move(exchange), id.value));
}

void end(Service& service, const http::Request& request, http::Exchange exchange) {
  const auto* lease = lease_of(service, request, exchange);
  if (lease == nullptr) return;
  const auto id = lease->request.id;
  const std::string message(say("The lease is returned", own_language(request)));
  auto held = std::make_shared<http::Exchange>(std::move(exchange));
  service.end_lease(id, [held, id, message](const base::Status& status) {
    if (!status) return held->fail(status.error());
    held->respond(
        json_response(object{{"status", "success"}, {"message", message}, {"lease_id", id.value}}));
  });
}

object list(const core::State& state) {
  std::vector<const core::TaskEntry*> leases;
  for (const auto& [id, task] : state.tasks) {
    if (task.is_lease()) leases.push_back(&task);
  }
  std::sort(leases.begin(), leases.end(),
            [](const auto* a, const auto* b) { return a->sequence < b->sequence; });
  array result;
  for (const auto* lease : leases) result.push_back(lease_response(state, *lease));
  const auto total = result.size();
  return object{{"leases", std::move(result)}, {"total", total}};
}

}  // namespace

void add_lease_routes(http::Router& router, Service& service) {
  const auto route = [&](const char* method, const char* path, auto handler) {
    router.add(method, path,
               [&service, handler](const http::Request& request, http::Exchange exchange) {
                 handler(service, request, std::move(exchange));
               });
  };
  route("POST", "/api/v2/leases", create);
  route("GET", "/api/v2/leases", [](Service& from, const http::Request&, http::Exchange exchange) {
    exchange.respond(json_response(list(from.state())));
  });
  route("GET", "/api/v2/leases/{lease_id}",
        [](Service& from, const http::Request& request, http::Exchange exchange) {
          const auto* lease = lease_of(from, request, exchange);
          if (lease != nullptr)
            exchange.respond(json_response(lease_response(from.state(), *lease)));
        });
  route("POST", "/api/v2/leases/{lease_id}/renew", renew);
  route("POST", "/api/v2/leases/{lease_id}/adopt", adopt);
  route("DELETE", "/api/v2/leases/{lease_id}", end);
}

}  // namespace berth::api
