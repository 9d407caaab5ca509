// SPDX-License-Identifier: Apache-2.0
// What the service is and how it is: overview, health, info, probes.
#include "api/docs.h"
#include "api/resources.h"
#include "api/routes.h"
#include "api/schema.h"
#include "model/task_type.h"

namespace berth::api {

namespace {

using base::json::array;
using base::json::object;
using base::json::value;

object overview() {
  return object{
      {"name", "Berth"},
      {"version", BERTH_VERSION},
      {"environment", "production"},
      {"features", array{"每个任务都分配到有足够空闲显存的设备", "训练与推理图像分类模型",
                         "运行任意命令并监管其整个进程树", "实时日志流（SSE），可从头或从断点续读",
                         "守护进程重启后任务继续运行"}},
      {"endpoints",
       object{{"系统", object{{"health", "GET /api/v1/health"}, {"info", "GET /api/v1/info"}}},
              {"训练", object{{"start", "POST /api/v2/training/start"},
                              {"status", "GET /api/v2/training/{task_id}"},
                              {"logs", "GET /api/v2/training/{task_id}/logs"},
                              {"stop", "POST /api/v2/training/{task_id}/stop"}}},
              {"推理", object{{"start", "POST /api/v2/inference/start"},
                              {"status", "GET /api/v2/inference/{task_id}"}}},
              {"任务", object{{"create", "POST /api/v2/tasks"},
                              {"list", "GET /api/v2/tasks"},
                              {"detail", "GET /api/v2/tasks/{task_id}"},
                              {"logs", "GET /api/v2/tasks/{task_id}/logs"},
                              {"explain", "GET /api/v2/tasks/{task_id}/explain"},
                              {"cancel", "POST /api/v2/tasks/{task_id}/cancel"},
                              {"delete", "DELETE /api/v2/tasks/{task_id}"}}},
              {"资源", object{{"status", "GET /api/v2/resources"},
                              {"gpu", "GET /api/v2/resources/gpu"},
                              {"cpu", "GET /api/v2/resources/cpu"},
                              {"config", "POST /api/v2/resources/config"}}}}},
      {"documentation",
       object{{"swagger", "/docs"}, {"redoc", "/docs"}, {"openapi", "/openapi.json"}}}};
}

object health(const Service& service) {
  std::size_t training = 0;
  std::size_t inference = 0;
  for (const auto& [sequence, record] : service.records()) {
    training += model::is_training(record->type) ? 1 : 0;
    inference += model::is_inference(record->type) ? 1 : 0;
  }
  object parts;
  for (const auto& [part, text] : service.parts()) parts[part] = text;
  return object{{"status", service.ready() ? "healthy" : "unhealthy"},
                {"timestamp", base::iso8601(service.now())},
                {"version", BERTH_VERSION},
                {"training_tasks", training},
                {"inference_tasks", inference},
                {"active_log_streams", service.watchers()},
                {"resource_status", object{{"device_usage", device_usage(service.state())},
                                           {"active_tasks", active_tasks(service)},
                                           {"limits", limits(service.state())}}},
                {"parts", std::move(parts)}};
}

object info(const Service& service, bool authenticated) {
  array models;
  for (const auto& model : service.worker().models) models.push_back(value(model));
  bool gpu = false;
  for (const auto& device : service.inventory().devices)
    gpu = gpu || (device.vendor != model::Vendor::kCpu && device.no_tasks.empty());
  return object{{"app_name", "Berth"},
                {"version", BERTH_VERSION},
                {"environment", "production"},
                {"supported_models", std::move(models)},
                {"resource_limits", limits(service.state())},
                {"gpu_available", gpu},
                {"token_file", service.token_file()},
                {"authenticated", authenticated}};
}

}  // namespace

void add_system_routes(http::Router& router, Service& service) {
  router.add(
      "GET", "/",
      [](const http::Request& request, http::Exchange exchange) {
        exchange.respond(wants_page(request) ? web_page(request) : json_response(overview()));
      },
      http::Access::kPublic);
  router.add("GET", "/api/v1/health", [&service](const http::Request&, http::Exchange exchange) {
    exchange.respond(json_response(health(service)));
  });
  router.add("GET", "/api/v1/info",
             [&service](const http::Request& request, http::Exchange exchange) {
               exchange.respond(json_response(info(service, request.authenticated)));
             });
  router.add(
      "GET", "/healthz",
      [](const http::Request&, http::Exchange exchange) {
        exchange.respond({200, "text/plain", "ok\n", {}});
      },
      http::Access::kPublic);
  router.add("GET", "/metrics", [&service](const http::Request& request, http::Exchange exchange) {
    const auto labels = request.query.get("labels");
    if (!labels.empty() && labels != "dcgm") {
      return exchange.fail(base::Error{base::ErrorCode::kBadRequest,
                                       "labels is \"" + std::string(labels) +
                                           "\": it is dcgm, for all labels of that exporter, "
                                           "or left out",
                                       {}});
    }
    exchange.respond(
        {200, "text/plain; version=0.0.4; charset=utf-8", service.metrics(labels == "dcgm"), {}});
  });
  router.add(
      "GET", "/readyz",
      [&service](const http::Request&, http::Exchange exchange) {
        const auto ready = service.ready();
        if (ready) return exchange.respond({200, "text/plain", "ok\n", {}});
        exchange.respond({503, "text/plain", ready.error().message + "\n", {}});
      },
      http::Access::kPublic);
}

}  // namespace berth::api
