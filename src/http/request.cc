// SPDX-License-Identifier: Apache-2.0
#include "http/request.h"

#include <algorithm>

#include "base/text.h"

namespace berth::http {

namespace {

char lower_ascii(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::string valid_utf8(std::string text) { return is_ascii(text) ? text : base::to_utf8(text); }

// Calls `use(item, q in thousandths)` for each member of a comma separated list with q-values.
template <class Use>
void each_weighted(std::string_view list, Use use) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    std::string_view member = list.substr(0, comma);
    list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
    const auto semicolon = member.find(';');
    const std::string_view item = base::trim(member.substr(0, semicolon));
    int q = 1000;
    if (semicolon != std::string_view::npos) {
      std::string_view weight = base::trim(member.substr(semicolon + 1));
      if (weight.size() >= 3 && (weight[0] == 'q' || weight[0] == 'Q') && weight[1] == '=') {
        weight.remove_prefix(2);
        q = weight[0] == '1' ? 1000 : 0;
        int scale = 100;
        for (std::size_t i = 2; i < weight.size() && scale > 0 && q < 1000; ++i, scale /= 10) {
          if (weight[i] >= '0' && weight[i] <= '9') q += (weight[i] - '0') * scale;
        }
      }
    }
    if (!item.empty()) use(item, q);
  }
}

}  // namespace

bool iequals(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return lower_ascii(x) == lower_ascii(y);
         });
}

void Headers::add(std::string_view name, std::string_view value) {
  const auto at = static_cast<std::uint32_t>(text_.size());
  text_.append(name).append(value);
  fields_.push_back({at, static_cast<std::uint32_t>(name.size()),
                     at + static_cast<std::uint32_t>(name.size()),
                     static_cast<std::uint32_t>(value.size())});
}

void Headers::clear() {
  text_.clear();
  fields_.clear();
}

std::pair<std::string_view, std::string_view> Headers::at(std::size_t i) const {
  const Field& field = fields_[i];
  const std::string_view text = text_;
  return {text.substr(field.name, field.name_size), text.substr(field.value, field.value_size)};
}

std::optional<std::string_view> Headers::find(std::string_view name) const {
  for (const Field& field : fields_) {
    if (field.name_size != name.size()) continue;
    const std::string_view text = text_;
    if (iequals(text.substr(field.name, field.name_size), name))
      return text.substr(field.value, field.value_size);
  }
  return std::nullopt;
}

std::size_t Headers::count(std::string_view name) const {
  std::size_t found = 0;
  for (std::size_t i = 0; i < fields_.size(); ++i) found += iequals(at(i).first, name) ? 1 : 0;
  return found;
}

std::optional<std::string_view> Parameters::find(std::string_view name) const {
  for (const auto& [key, value] : items_) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::vector<std::string_view> Parameters::all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [key, value] : items_) {
    if (key == name) values.emplace_back(value);
  }
  return values;
}

std::string json_quote(std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  const std::string valid = valid_utf8(std::string(text));
  std::string quoted;
  quoted.reserve(valid.size() + 2);
  quoted += '"';
  for (const char c : valid) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      quoted += "\\u00";
      quoted += kHex[static_cast<unsigned char>(c) >> 4];
      quoted += kHex[static_cast<unsigned char>(c) & 15];
    } else {
      quoted += c;
    }
  }
  quoted += '"';
  return quoted;
}

Response error_response(int status, std::string_view detail) {
  Response response;
  response.status = status;
  response.body = "{\"detail\":" + json_quote(detail) + "}";
  return response;
}

Response error_response(const base::Error& error) {
  Response response = error_response(base::row(error.code).http_status, error.message);
  response.shortage = error.shortage;
  if (response.status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  const auto is_plain = [&](char c) {
    return c != '%' && static_cast<unsigned char>(c) < 0x80 && (c != '+' || !plus_is_space);
  };
  if (std::all_of(text.begin(), text.end(), is_plain)) return std::string(text);
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high < 0 || low < 0 || (high == 0 && low == 0)) return std::nullopt;
      decoded += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      decoded += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return valid_utf8(std::move(decoded));
}

std::string percent_encode(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      encoded += c;
    } else {
      encoded += '%';
      encoded += kHex[static_cast<unsigned char>(c) >> 4];
      encoded += kHex[static_cast<unsigned char>(c) & 15];
    }
  }
  return encoded;
}

void parse_query(std::string_view text, Parameters& query) {
  const auto decode = [](std::string_view part) {
    auto decoded = percent_decode(part, true);
    return decoded ? std::move(*decoded) : valid_utf8(std::string(part));
  };
  while (!text.empty()) {
    const auto end = text.find('&');
    const std::string_view item = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (item.empty()) continue;
    const auto equals = item.find('=');
    query.add(decode(item.substr(0, equals)),
              equals == std::string_view::npos ? std::string() : decode(item.substr(equals + 1)));
  }
}

std::string_view preferred_language(std::string_view accept_language) {
  std::string_view best;
  int best_q = 0;
  each_weighted(accept_language, [&](std::string_view tag, int q) {
    const std::string_view primary = tag.substr(0, tag.find('-'));
    const std::string_view known = iequals(primary, "en")   ? "en"
                                   : iequals(primary, "zh") ? "zh"
                                                            : std::string_view{};
    if (!known.empty() && q > best_q) {
      best = known;
      best_q = q;
    }
  });
  return best;
}

bool accepts_gzip(std::string_view accept_encoding) {
  int gzip = -1;
  int any = -1;
  each_weighted(accept_encoding, [&](std::string_view coding, int q) {
    if (iequals(coding, "gzip") || iequals(coding, "x-gzip")) gzip = q;
    if (coding == "*") any = q;
  });
  return gzip > 0 || (gzip < 0 && any > 0);
}

}  // namespace berth::http
