// SPDX-License-Identifier: Apache-2.0
// What the command line says to people, in their language. The English text is the key: code reads
// as what it prints, and a text without a translation comes out in English. Texts of --help and of
// wrong usage are English only.
//
// The language is decided once, by main(), before anything is said and any thread is started; what
// a program reads (--json) is always in English.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace berth::cli {

enum class Language : std::uint8_t { kEnglish, kChinese };

/// Chinese when LC_ALL, LC_MESSAGES or LANG (the first that is set) begins with zh, else English.
Language language_of_locale();

/// From now on everything is said in `language`; English until then.
void speak(Language language);
Language spoken();
/// For Accept-Language: "en" or "zh".
std::string_view language_code();

/// `english` in the language spoken; unchanged when the catalog has no such text.
std::string tr(std::string_view english);

/// A text with holes: "{}" takes the next of `holes`, "{1}" the second, so that the order of words
/// may differ between languages. What fills a hole is not looked at again.
std::string tr(std::string_view english, std::initializer_list<std::string> holes);

/// A word of the API as people write it: "whole device" for "whole_device".
std::string tr_code(std::string_view code);

/// Why, as a driver, the daemon or a worker said it (model/in_chinese.h), in the language spoken.
std::string tr_reason(std::string_view english);

struct Translation {
  std::string_view english;
  std::string_view chinese;
};
/// Every text there is, for tests.
std::span<const Translation> catalog();

}  // namespace berth::cli
