// SPDX-License-Identifier: Apache-2.0
#include "cli/words.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "base/error_codes.h"
#include "base/renderings.h"
#include "cli/samples.h"
#include "cli/width.h"
#include "model/device.h"
#include "model/request.h"
#include "model/task.h"
#include "model/task_type.h"

namespace berth::cli {
namespace {

using namespace test;

TEST(Words, the_language_is_that_of_the_locale) {
  const char* names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
  for (const char* name : names) unsetenv(name);
  EXPECT_EQ(language_of_locale(), Language::kEnglish);
  setenv("LANG", "zh_CN.UTF-8", 1);
  EXPECT_EQ(language_of_locale(), Language::kChinese);
  setenv("LC_MESSAGES", "", 1);
  EXPECT_EQ(language_of_locale(), Language::kChinese) << "one that is empty counts as not set";
  setenv("LC_ALL", "de_DE.UTF-8", 1);
  EXPECT_EQ(language_of_locale(), Language::kEnglish);
  for (const char* name : names) unsetenv(name);
}

TEST(Words, english_is_the_key_and_the_fallback) {
  EXPECT_EQ(tr("queued"), "queued");
  const InChinese spoken;
  EXPECT_EQ(language_code(), "zh");
  EXPECT_EQ(tr("queued"), "排队中");
  EXPECT_EQ(tr("a word of a later daemon"), "a word of a later daemon");
}

TEST(Words, holes_may_change_their_order) {
  EXPECT_EQ(tr("train {} on {}", {"resnet18", ".../train"}), "train resnet18 on .../train");
  EXPECT_EQ(tr("{} left", {"{} and {0}"}), "{} and {0} left") << "what fills a hole is no text";
  const InChinese spoken;
  EXPECT_EQ(tr("train {} on {}", {"resnet18", ".../train"}), "用 .../train 训练 resnet18");
}

// ---- the catalog and the code ----

// The literal at the start of `code`, its neighbours joined, escapes resolved.
std::string literal(std::string_view code) {
  std::string text;
  while (!code.empty() && code.front() == '"') {
    code.remove_prefix(1);
    for (; code.front() != '"'; code.remove_prefix(1)) {
      if (code.front() == '\\') code.remove_prefix(1);
      text += code.front();
    }
    code.remove_prefix(1);
    code.remove_prefix(std::min(code.size(), code.find_first_not_of(" \n")));
  }
  return text;
}

// Everything that src/cli passes to tr() as it stands; `mixed` gets calls that hide a literal.
std::set<std::string> texts_in_the_code(std::vector<std::string>& mixed) {
  std::set<std::string> texts;
  for (const auto& file : std::filesystem::directory_iterator(BERTH_CLI_SOURCES)) {
    if (file.path().extension() != ".cc" || file.path().filename() == "words.cc") continue;
    std::stringstream whole;
    whole << std::ifstream(file.path()).rdbuf();
    const std::string code = whole.str();
    for (auto at = code.find("tr("); at != std::string::npos; at = code.find("tr(", at + 1)) {
      const char before = code[at - 1];
      if (std::isalnum(static_cast<unsigned char>(before)) != 0 || before == '_') continue;
      const auto argument = code.find_first_not_of(" \n", at + 3);
      const auto end = code.find_first_of("),{", argument);
      if (code[argument] == '"')
        texts.insert(literal(std::string_view(code).substr(argument)));
      else if (code.substr(argument, end - argument).find_first_of("\"(?") != std::string::npos)
        mixed.push_back(file.path().filename().string() + ": " + code.substr(at, 60));
    }
  }
  return texts;
}

// Words that come from the API and are passed to tr() as variables.
std::set<std::string> words_of_the_api() {
  std::set<std::string> words{"cancelling",  "timeout", "memory_limit", "launch_failed",
                              "device_lost", "fits",    "wait",         "never"};
  for (int i = 0; i <= static_cast<int>(model::TaskState::kCancelled); ++i)
    words.emplace(model::to_text(static_cast<model::TaskState>(i)));
  for (int i = 0; i <= static_cast<int>(model::ReservationRule::kEstimate); ++i)
    words.emplace(model::to_text(static_cast<model::ReservationRule>(i)));
  for (int i = 0; i <= static_cast<int>(model::Health::kFailed); ++i)
    words.emplace(model::to_text(static_cast<model::Health>(i)));
  for (const auto kind : {model::Kind::kCommand, model::Kind::kTraining, model::Kind::kInference})
    words.emplace(model::to_text(kind));
  for (const auto type :
       {model::kDatasetSplit, model::kDataAugmentation, model::kImageCrop, model::kBenchmark,
        model::kSpectrogram, model::kWaterfall, model::kIqDataset, model::kSnr, model::kAwgn})
    words.emplace(type);
  for (const auto& row : base::kRefusalCodes) words.emplace(row.name);
  return words;
}

// Causes that the client names when a connection fails, and the daemon for what it lacks.
const std::set<std::string> kCauses{"Connection refused", "no cgroup v2 is mounted",
                                    "it does not answer in time",
                                    "it closed the connection before the answer was complete",
                                    "what answers there does not speak HTTP"};

// What `berth top` sorts by.
const std::set<std::string> kOfTop{"age", "memory use", "load", "state", "user", "device"};

TEST(Words, every_text_has_a_translation_and_every_translation_is_used) {
  std::vector<std::string> mixed;
  std::set<std::string> used = texts_in_the_code(mixed);
  EXPECT_GT(used.size(), 100U) << "the sources were found";
  EXPECT_TRUE(mixed.empty()) << "tr() takes a literal or a variable: " << mixed.front();
  used.merge(words_of_the_api());
  used.insert(kCauses.begin(), kCauses.end());
  used.insert(kOfTop.begin(), kOfTop.end());
  std::set<std::string> translated;
  for (const Translation& entry : catalog()) {
    EXPECT_TRUE(translated.emplace(entry.english).second) << "twice: " << entry.english;
    EXPECT_TRUE(used.contains(std::string(entry.english))) << "not used: " << entry.english;
  }
  for (const std::string& text : used) EXPECT_TRUE(translated.contains(text)) << text;
}

TEST(Words, a_translation_has_the_holes_of_its_text) {
  for (const Translation& entry : catalog()) {
    EXPECT_EQ(base::holes(entry.english), base::holes(entry.chinese)) << entry.english;
    EXPECT_EQ(printable(entry.chinese), entry.chinese);
    EXPECT_FALSE(entry.chinese.empty()) << entry.english;
  }
}

}  // namespace
}  // namespace berth::cli
