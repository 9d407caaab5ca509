// SPDX-License-Identifier: Apache-2.0
#include "http/static_file.h"

#include <gtest/gtest.h>

namespace berth::http {
namespace {

// gzip of 2,000 times "<h1>Berth</h1>".
constexpr unsigned char kGzip[] =
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xed\xc7\xb1\x09\x00\x20\x10\x04\xb0\x91\xc4\xfe\xb0"
    "\x70\x17\xe1\x6b\x71"
    "\x7f\x74\x0b\x9b\x74\x49\xaa\x8f\xb9\xf6\xa9\xb4\xa7\x98\x99\x99\x99\x99\x99\x99\x99\x99\x99"
    "\x99\x99\x99\x99\x99"
    "\x99\x99\x99\x99\x99\x99\x99\x99\x99\x99\x99\x99\x99\x99\x99\x99\x99\x99\x99\x99\x99\x99\x99"
    "\x99\x99\x99\x99\x99"
    "\x99\x99\x99\x99\x99\x99\x99\x99\x99\x99\x99\x7d\xdb\x05\x4c\x54\x7a\x02\x60\x6d\x00\x00";
const std::string_view kData(reinterpret_cast<const char*>(kGzip), sizeof kGzip - 1);
const StaticFile kFile{kData, "text/html; charset=utf-8", "\"v1\"", false};

std::string_view header(const Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return "";
}

TEST(StaticFile, GoesOutCompressedOrUnpacked) {
  Request request;
  auto plain = static_response(request, kFile);
  EXPECT_EQ(plain.body.size(), 28000U);
  EXPECT_EQ(plain.body.substr(27986), "<h1>Berth</h1>");
  EXPECT_EQ(header(plain, "Content-Encoding"), "");
  request.headers.add("Accept-Encoding", "gzip, br");
  auto packed = static_response(request, kFile);
  EXPECT_EQ(packed.body, kData);
  EXPECT_EQ(header(packed, "Content-Encoding"), "gzip");
  EXPECT_EQ(header(packed, "Vary"), "Accept-Encoding");
  EXPECT_EQ(packed.content_type, "text/html; charset=utf-8");
}

TEST(StaticFile, IsNotSentAgainToAClientThatHasIt) {
  Request request;
  request.headers.add("If-None-Match", "\"v0\", W/\"v1\"");
  EXPECT_EQ(static_response(request, kFile).status, 304);
  StaticFile other = kFile;
  other.etag = "\"v2\"";
  EXPECT_EQ(static_response(request, other).status, 200);
}

TEST(Gunzip, RefusesWhatIsBrokenOrTooLarge) {
  EXPECT_EQ(gunzip("").error().code, base::ErrorCode::kBadRequest);
  EXPECT_EQ(gunzip("plain text that is long enough").error().code, base::ErrorCode::kBadRequest);
  EXPECT_EQ(gunzip(kData.substr(0, 60)).error().code, base::ErrorCode::kBadRequest);
  EXPECT_EQ(gunzip(kData, 1000).error().code, base::ErrorCode::kTooLarge);
}

}  // namespace
}  // namespace berth::http
