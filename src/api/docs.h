// SPDX-License-Identifier: Apache-2.0
// The contract, served: the OpenAPI document and a page that shows it. Both are in the program
// (tools/embed.py), so that they always fit the daemon that serves them and need no network.
#pragma once

#include "http/router.h"

namespace berth::api {

/// GET /openapi.json, /docs and, for the originals' readers, /redoc.
void add_docs_routes(http::Router& router);

}  // namespace berth::api
