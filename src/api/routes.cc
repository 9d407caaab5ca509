// SPDX-License-Identifier: Apache-2.0
#include "api/routes.h"

#include "api/docs.h"

namespace berth::api {

void add_routes(http::Router& router, Service& service) {
  add_system_routes(router, service);
  add_task_routes(router, service);
  add_stream_routes(router, service);
  add_explain_routes(router, service);
  add_training_routes(router, service);
  add_inference_routes(router, service);
  add_preprocessing_routes(router, service);
  add_legacy_routes(router, service);
  add_signal_routes(router, service);
  add_lease_routes(router, service);
  add_resource_routes(router, service);
  add_history_routes(router, service);
  add_notification_routes(router, service);
  add_usage_routes(router, service);
  add_docs_routes(router);
}

std::shared_ptr<const model::TaskRecord> find_task(const Service& service,
                                                   const http::Request& request,
                                                   http::Exchange& exchange, Language language,
                                                   bool (*is_known)(std::string_view)) {
  const std::string id(request.parameter("task_id"));
  auto task = service.find(model::TaskId(id));
  if (task != nullptr && (is_known == nullptr || is_known(task->type))) return task;
  if (const auto tasks = service.array(id); !tasks.empty()) {
    exchange.fail(404,
                  say(base::Phrase{"{} is an array of {} tasks: name one of them, such as {}",
                                   {id, std::to_string(tasks.size()), tasks.front()->id().value}},
                      language));
    return nullptr;
  }
  exchange.fail(404, phrase(Phrase::kTaskUnknown, language, id));
  return nullptr;
}

}  // namespace berth::api
