// SPDX-License-Identifier: Apache-2.0
#include "http/post.h"

#include <curl/curl.h>

#include <memory>
#include <mutex>

namespace berth::http {

namespace {

size_t ignore(char*, size_t size, size_t count, void*) { return size * count; }

bool curl_is_ready() {
  static std::once_flag once;
  static bool ready = false;
  std::call_once(once, [] { ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK; });
  return ready;
}

}  // namespace

base::Result<long> post(const std::string& url, const std::string& content_type,
                        const std::string& body, std::chrono::milliseconds patience) {
  if (!curl_is_ready()) return base::fail(base::ErrorCode::kUnavailable, "libcurl cannot be used");
  const std::unique_ptr<CURL, void (*)(CURL*)> handle(curl_easy_init(), curl_easy_cleanup);
  if (handle == nullptr) return base::fail(base::ErrorCode::kUnavailable, "libcurl cannot be used");
  curl_slist* list = curl_slist_append(nullptr, ("Content-Type: " + content_type).c_str());
  list = curl_slist_append(list, "Expect:");
  const std::unique_ptr<curl_slist, void (*)(curl_slist*)> headers(list, curl_slist_free_all);
  CURL* curl = handle.get();
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(patience.count()));
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "berthd");
  const CURLcode code = curl_easy_perform(curl);
  if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT) {
    return base::fail(base::ErrorCode::kBadRequest,
                      "it is no http or https address: " + std::string(curl_easy_strerror(code)));
  }
  if (code != CURLE_OK) return base::fail(base::ErrorCode::kUnavailable, curl_easy_strerror(code));
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

}  // namespace berth::http
