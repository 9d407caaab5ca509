// SPDX-License-Identifier: Apache-2.0
// GET /api/v2/resources/history: readings of devices over time, as JSON or CSV.
#include "model/history.h"

#include <algorithm>
#include <memory>

#include "api/routes.h"
#include "api/schema.h"
#include "api/time_range.h"
#include "base/text.h"

namespace berth::api {

namespace {

using base::json::array;
using base::json::object;

constexpr std::int64_t kMostPoints = 1500;  // of a device, where the step is not asked for

struct Asked {
  std::int64_t from = 0, to = 0;
  std::int64_t step = 0;
  bool csv = false;
  std::vector<model::Device> devices;
};

base::Result<Asked> read_query(const Service& service, const http::Request& request) {
  const auto bad = [](const std::string& message) {
    return base::fail(base::ErrorCode::kBadRequest, message);
  };
  Asked asked;
  const auto range = read_time_range(request, service.now(), std::chrono::hours(1));
  if (!range) return base::fail(range.error());
  asked.from = range->from;
  asked.to = range->to;
  const std::string step(request.query.get("step"));
  if (step.empty() || step == "auto") {
    asked.step =
        model::step_for(asked.from, asked.to, base::to_ms(service.now()) / 1000, kMostPoints)
            .seconds;
  } else {
    asked.step = base::parse_number(step).value_or(0);
    if (std::none_of(model::kHistorySteps.begin(), model::kHistorySteps.end(),
                     [&](const auto& known) { return known.seconds == asked.step; })) {
      return bad("step is \"" + step + "\": there are 1, 60 and 900 seconds, and auto");
    }
  }
  const auto csv = wants_csv(request);
  if (!csv) return base::fail(csv.error());
  asked.csv = *csv;
  const std::string wanted = base::lower(std::string(request.query.get("device")));
  std::vector<std::string> names;
  for (const auto& device : service.inventory().devices) {
    names.push_back(device.name);
    if (wanted.empty() || wanted == device.name || wanted == base::lower(device.id.value))
      asked.devices.push_back(device);
  }
  if (asked.devices.empty()) {
    return base::fail(
        base::ErrorCode::kNotFound,
        "There is no device \"" + wanted + "\": this machine has " + base::join(names, ", "));
  }
  return asked;
}

/// The devices one after the other, then the answer.
struct Collection {
  Asked asked;
  std::vector<std::vector<model::HistoryPoint>> points;
  http::Exchange exchange;
};

void answer(const Collection& all, http::Exchange exchange) {
  if (all.asked.csv) {
    http::Response response;
    response.content_type = "text/csv; charset=utf-8";
    for (std::size_t i = 0; i < all.points.size(); ++i)
      response.body += model::to_csv(all.asked.devices[i].name, all.points[i], i == 0);
    return exchange.respond(std::move(response));
  }
  array devices;
  for (std::size_t i = 0; i < all.points.size(); ++i) {
    devices.push_back(object{{"device", all.asked.devices[i].name},
                             {"uuid", all.asked.devices[i].id.value},
                             {"points", model::to_json(all.points[i])}});
  }
  const auto text = [](std::int64_t seconds) {
    return base::iso8601(base::from_ms(seconds * 1000));
  };
  exchange.respond(json_response(object{{"from", text(all.asked.from)},
                                        {"to", text(all.asked.to)},
                                        {"step_s", all.asked.step},
                                        {"devices", std::move(devices)}}));
}

void collect(Service& service, const std::shared_ptr<Collection>& all) {
  const Asked& asked = all->asked;
  if (all->points.size() == asked.devices.size()) return answer(*all, std::move(all->exchange));
  service.history(asked.devices[all->points.size()].id, asked.step, asked.from, asked.to,
                  [&service, all](base::Result<std::vector<model::HistoryPoint>> points) {
                    if (!points) return all->exchange.fail(points.error());
                    all->points.push_back(std::move(*points));
                    collect(service, all);
                  });
}

}  // namespace

void add_history_routes(http::Router& router, Service& service) {
  router.add("GET", "/api/v2/resources/history",
             [&service](const http::Request& request, http::Exchange exchange) {
               auto asked = read_query(service, request);
               if (!asked) return exchange.fail(asked.error());
               collect(service, std::make_shared<Collection>(
                                    Collection{std::move(*asked), {}, std::move(exchange)}));
             });
}

}  // namespace berth::api
