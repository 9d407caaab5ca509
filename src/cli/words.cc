// SPDX-License-Identifier: Apache-2.0
#include "cli/words.h"

#include <algorithm>
#include <cstdlib>

#include "base/phrase.h"
#include "base/text.h"
#include "model/in_chinese.h"

namespace berth::cli {

namespace {

Language language_spoken = Language::kEnglish;

}  // namespace

Language language_of_locale() {
  for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0')
      return base::lower(value).starts_with("zh") ? Language::kChinese : Language::kEnglish;
  }
  return Language::kEnglish;
}

void speak(Language language) { language_spoken = language; }
Language spoken() { return language_spoken; }
std::string_view language_code() { return spoken() == Language::kChinese ? "zh" : "en"; }

std::string tr(std::string_view english) {
  if (spoken() == Language::kEnglish) return std::string(english);
  const auto found = std::ranges::find(catalog(), english, &Translation::english);
  return std::string(found == catalog().end() ? english : found->chinese);
}

std::string tr(std::string_view english, std::initializer_list<std::string> holes) {
  return base::fill(tr(english), holes);
}

std::string tr_reason(std::string_view english) {
  return spoken() == Language::kEnglish ? std::string(english) : model::in_chinese(english);
}

std::string tr_code(std::string_view code) {
  std::string text = tr(code);
  if (text == code) std::ranges::replace(text, '_', ' ');
  return text;
}

}  // namespace berth::cli
