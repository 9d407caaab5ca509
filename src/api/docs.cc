// SPDX-License-Identifier: Apache-2.0
#include "api/docs.h"

#include <string_view>

#include "http/static_file.h"

namespace berth::api {

// Made from api/openapi.yaml and docs_page.html by tools/embed.py (docs.cmake).
extern const std::string_view kOpenapi;
extern const std::string_view kOpenapiEtag;
extern const std::string_view kDocsPage;
extern const std::string_view kDocsPageEtag;

namespace {

// The page holds its own script and style and talks to this daemon only.
constexpr std::string_view kPagePolicy =
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'";

void page(const http::Request& request, http::Exchange exchange) {
  http::Response response =
      http::static_response(request, {kDocsPage, "text/html; charset=utf-8", kDocsPageEtag});
  response.headers.emplace_back("Content-Security-Policy", kPagePolicy);
  exchange.respond(std::move(response));
}

}  // namespace

void add_docs_routes(http::Router& router) {
  router.add("GET", "/openapi.json", [](const http::Request& request, http::Exchange exchange) {
    exchange.respond(http::static_response(request, {kOpenapi, "application/json", kOpenapiEtag}));
  });
  router.add("GET", "/docs", page);
  router.add("GET", "/redoc", page);
}

}  // namespace berth::api
