// SPDX-License-Identifier: Apache-2.0
#include "supervise/log_lines.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace berth::supervise {
namespace {

using Lines = std::vector<std::pair<std::string, std::uint64_t>>;

Lines output_lines(std::string_view text, std::size_t step, std::uint64_t from = 0) {
  Lines lines;
  const auto emit = [&](std::string_view line, std::uint64_t end) {
    lines.emplace_back(line, end);
  };
  OutputLines reader(from);
  for (std::size_t at = from; at < text.size(); at += step) reader.add(text.substr(at, step), emit);
  reader.end(emit);
  return lines;
}

TEST(OutputLines, ALineEndsAtItsLineFeed) {
  EXPECT_EQ(output_lines("a\n\nbc\nrest", 100),
            (Lines{{"a", 2}, {"", 3}, {"bc", 6}, {"rest", 10}}));
}

TEST(OutputLines, OfAProgressBarTheLastStateIsKept) {
  EXPECT_EQ(output_lines("0%\r50%\r100%\ndone\n", 100), (Lines{{"100%", 12}, {"done", 17}}));
  EXPECT_EQ(output_lines("\r 50%\r\r\n", 100), (Lines{{" 50%", 8}}));
  EXPECT_EQ(output_lines("windows\r\nline\r\n", 100), (Lines{{"windows", 9}, {"line", 15}}));
}

TEST(OutputLines, ALongLineComesInPiecesThatKeepCharactersWhole) {
  const std::string text = std::string(OutputLines::kLongest - 1, 'x') + "\xC3\xA9" + "yz\n";
  const auto lines = output_lines(text, 1000);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].first.size(), OutputLines::kLongest - 1);
  EXPECT_EQ(lines[0].second, OutputLines::kLongest - 1);
  EXPECT_EQ(lines[1].first, "\xC3\xA9yz");
  const std::string exact = std::string(OutputLines::kLongest, 'x') + "\n";
  EXPECT_EQ(output_lines(exact, 1000).size(), 1U);
}

TEST(OutputLines, TheResultDoesNotDependOnHowBytesArriveOrWhereReadingStartsAgain) {
  const std::string text = "one\n\rtwo\r2\r\n" +
                           std::string(3 * OutputLines::kLongest + 5, '\xE2') + "\n" + "a\r" +
                           std::string(OutputLines::kLongest + 3, 'b') + "\rc\r\n\r\nend\r";
  const Lines whole = output_lines(text, text.size());
  for (const std::size_t step : {1UL, 2UL, 3UL, 7UL, 65535UL, 65536UL, 65537UL})
    EXPECT_EQ(output_lines(text, step), whole);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    EXPECT_EQ(output_lines(text, 4096, whole[i].second),
              Lines(whole.begin() + static_cast<long>(i) + 1, whole.end()));
  }
}

TEST(EventLines, ATooLongLineIsReportedByItsLengthAndTheNextOneIsWhole) {
  const std::string text = "{}\n" + std::string(3'000'000, 'x') + "\n{\"a\":1}";
  for (const std::size_t step : {1000UL, 65536UL, 5'000'000UL}) {
    std::vector<std::pair<std::size_t, std::uint64_t>> seen;
    std::string last;
    EventLines reader;
    const auto emit = [&](std::string_view line, std::size_t length, std::uint64_t end) {
      seen.emplace_back(length, end);
      last = line;
      EXPECT_LE(line.size(), EventLines::kLongest + 1);
    };
    for (std::size_t at = 0; at < text.size(); at += step)
      reader.add(std::string_view(text).substr(at, step), emit);
    reader.end(emit);
    EXPECT_EQ(seen, (std::vector<std::pair<std::size_t, std::uint64_t>>{
                        {2, 3}, {3'000'000, 3'000'004}, {7, 3'000'011}}));
    EXPECT_EQ(last, "{\"a\":1}");
  }
}

}  // namespace
}  // namespace berth::supervise
