// SPDX-License-Identifier: Apache-2.0
// The HTTP contract, one file per resource: each adds its routes to the router.
#pragma once

#include <memory>

#include "api/service.h"
#include "api/texts.h"
#include "http/router.h"

namespace berth::api {

/// Everything below. `service` must outlive the router.
void add_routes(http::Router& router, Service& service);

void add_system_routes(http::Router& router,
                       Service& service);  // /, /api/v1/health, /api/v1/info, probes
void add_task_routes(http::Router& router, Service& service);       // /api/v2/tasks*
void add_stream_routes(http::Router& router, Service& service);     // logs, events, output
void add_explain_routes(http::Router& router, Service& service);    // /api/v2/tasks/{id}/explain
void add_training_routes(http::Router& router, Service& service);   // /api/v2/training/*
void add_inference_routes(http::Router& router, Service& service);  // /api/v2/inference/*
void add_preprocessing_routes(http::Router& router,
                              Service& service);                   // /api/v2/preprocessing/*
void add_legacy_routes(http::Router& router, Service& service);    // /api/v1/train, ...
void add_signal_routes(http::Router& router, Service& service);    // those of them for recordings
void add_lease_routes(http::Router& router, Service& service);     // /api/v2/leases*
void add_resource_routes(http::Router& router, Service& service);  // /api/v2/resources*
void add_history_routes(http::Router& router, Service& service);   // /api/v2/resources/history
void add_notification_routes(http::Router& router,
                             Service& service);                 // /api/v2/notifications/test
void add_usage_routes(http::Router& router, Service& service);  // /api/v2/resources/usage

/// The task that the path names, or answers 404 in `language` and returns nullptr. With
/// `is_known` (model/task_type.h) tasks of other types are unknown too.
std::shared_ptr<const model::TaskRecord> find_task(const Service& service,
                                                   const http::Request& request,
                                                   http::Exchange& exchange, Language language,
                                                   bool (*is_known)(std::string_view) = nullptr);

/// Submits and answers with the task as created, or with what refused it.
void submit_task(Service& service, const http::Request& request, http::Exchange exchange,
                 model::TaskRecord record);

/// Streams the log of `task` as server-sent events, from Last-Event-ID or from the start, to its
/// end or, with ?follow=false, to what is there now.
void stream_log(Service& service, const http::Request& request, http::Exchange exchange,
                const std::shared_ptr<const model::TaskRecord>& task);

/// Cancels and answers with a TaskActionResponse.
void cancel_task(Service& service, const http::Request& request, http::Exchange exchange,
                 const std::shared_ptr<const model::TaskRecord>& task);

}  // namespace berth::api
