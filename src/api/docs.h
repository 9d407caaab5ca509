// SPDX-License-Identifier: Apache-2.0
// The contract, served: the OpenAPI document and a page that shows it, and the web page. All are in
// the program (tools/embed.py), so that they always fit the daemon that serves them and need no
// network.
#pragma once

#include "http/router.h"

namespace berth::api {

/// GET /openapi.json, /docs and, for the originals' readers, /redoc.
void add_docs_routes(http::Router& router);

/// Whether a browser asks, which wants to be shown something; every other client, "*/*" included,
/// is not one. False, too, when the daemon was built without the page.
bool wants_page(const http::Request& request);

/// The web page: one file, which asks this daemon for everything else.
http::Response web_page(const http::Request& request);

}  // namespace berth::api
