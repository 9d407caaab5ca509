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
// The web page, empty where it was not built, and what its script's hash is.
extern const std::string_view kPage;
extern const std::string_view kPageEtag;
extern const std::string_view kPagePolicy;

namespace {

// The page holds its own script and style and talks to this daemon only.
constexpr std::string_view kDocsPolicy =
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'";

void page(const http::Request& request, http::Exchange exchange) {
  http::Response response =
      http::static_response(request, {kDocsPage, "text/html; charset=utf-8", kDocsPageEtag});
  response.headers.emplace_back("Content-Security-Policy", kDocsPolicy);
  exchange.respond(std::move(response));
}

}  // namespace

bool wants_page(const http::Request& request) {
  return !kPage.empty() &&
         request.headers.get("Accept").find("text/html") != std::string_view::npos;
}

http::Response web_page(const http::Request& request) {
  http::Response response =
      http::static_response(request, {kPage, "text/html; charset=utf-8", kPageEtag});
  response.headers.emplace_back("Content-Security-Policy", kPagePolicy);
  response.headers.emplace_back("Vary", "Accept");
  return response;
}

void add_docs_routes(http::Router& router) {
  router.add("GET", "/openapi.json", [](const http::Request& request, http::Exchange exchange) {
    exchange.respond(http::static_response(request, {kOpenapi, "application/json", kOpenapiEtag}));
  });
  router.add("GET", "/docs", page);
  router.add("GET", "/redoc", page);
}

}  // namespace berth::api
