// SPDX-License-Identifier: Apache-2.0
// /api/v2/notifications/test: whether those whom the configuration's notifications name can be
// told.
#include "api/routes.h"
#include "api/schema.h"

namespace berth::api {

namespace {

using base::json::array;
using base::json::object;
using base::json::value;

object response(const std::vector<NoticeDelivery>& deliveries) {
  array targets;
  for (const auto& delivery : deliveries) {
    targets.push_back(object{{"target", delivery.target},
                             {"delivered", !delivery.reason},
                             {"reason", delivery.reason ? value(*delivery.reason) : value(nullptr)},
                             {"seconds", static_cast<double>(delivery.time.count()) / 1000}});
  }
  return object{{"targets", std::move(targets)}};
}

void test(Service& service, http::Exchange exchange) {
  auto held = std::make_shared<http::Exchange>(std::move(exchange));
  service.test_notifications([held](const std::vector<NoticeDelivery>& deliveries) {
    if (!deliveries.empty()) return held->respond(json_response(response(deliveries)));
    held->fail(409, "Nobody is told of anything: the configuration has no notifications");
  });
}

}  // namespace

void add_notification_routes(http::Router& router, Service& service) {
  router.add("POST", "/api/v2/notifications/test",
             [&service](const http::Request&, http::Exchange exchange) {
               test(service, std::move(exchange));
             });
}

}  // namespace berth::api
