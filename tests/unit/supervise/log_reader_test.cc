// SPDX-License-Identifier: Apache-2.0
#include "supervise/log_reader.h"

#include <thread>

#include "supervise/testing.h"

namespace berth::supervise {
namespace {

using namespace testing;

std::string joined(const LogChunk& chunk) {
  std::string text;
  for (const auto& entry : chunk.entries) text += (entry.daemon_record ? "D" : "T") + entry.json;
  return text;
}

TEST(LogReader, ALogThatDoesNotExistIsEmpty) {
  const auto chunk = read_log("/no/such/log.jsonl", 5, 100);
  ASSERT_TRUE(chunk);
  EXPECT_TRUE(chunk->entries.empty());
  EXPECT_EQ(chunk->next_offset, 5U);
  EXPECT_TRUE(chunk->at_end);
}

TEST(LogReader, EveryOffsetGivesTheNextWholeLines) {
  const TempDir dir;
  const std::string path = dir / "log.jsonl";
  const std::vector<std::string> lines{"d:1 {\"n\":1}\n", "1e:30 {\"n\":2}\n", "damaged\n",
                                       "1o:44 {\"n\":3}\n"};
  std::string all;
  for (const auto& line : lines) all += line;
  append_to(path, all + "1e:60 {\"torn");
  for (std::size_t offset = 0; offset <= all.size() + 5; ++offset) {
    std::string expected;
    std::size_t begin = 0;
    for (const auto& line : lines) {
      if (begin >= offset && line != "damaged\n") {
        expected += (line[0] == 'd' ? "D" : "T") +
                    line.substr(line.find(' ') + 1, line.size() - line.find(' ') - 2);
      }
      begin += line.size();
    }
    const auto chunk = read_log(path, offset, 1000);
    ASSERT_TRUE(chunk);
    EXPECT_EQ(joined(*chunk), expected) << offset;
    EXPECT_TRUE(chunk->at_end);
    if (offset <= all.size()) {
      EXPECT_EQ(chunk->next_offset, chunk->entries.empty() ? chunk->next_offset : all.size());
    }
  }
}

TEST(LogReader, SmallChunksGiveTheSameRecordsAsOneBigChunk) {
  const TempDir dir;
  const std::string path = dir / "log.jsonl";
  for (int i = 1; i <= 200; ++i) {
    append_to(path, "1e:" + std::to_string(i) + " {\"n\":\"" +
                        std::string(static_cast<std::size_t>(i * 7 % 300), 'x') + "\"}\n");
  }
  const auto whole = read_log(path, 0, 1U << 20);
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->entries.size(), 200U);
  for (const std::size_t size : {1UL, 50UL, 333UL}) {
    std::string text;
    std::uint64_t offset = 0;
    for (;;) {
      const auto chunk = read_log(path, offset, size);
      ASSERT_TRUE(chunk);
      if (chunk->entries.empty()) break;
      text += joined(*chunk);
      EXPECT_EQ(chunk->entries.back().end_offset, chunk->next_offset);
      offset = chunk->next_offset;
    }
    EXPECT_EQ(text, joined(*whole));
  }
}

TEST(LogReader, TwoReadersBesideAWriterSeeEveryRecordOnce) {
  const TempDir dir;
  const std::string path = dir / "log.jsonl";
  constexpr int kRecords = 3000;
  std::thread writer([&] {
    for (int i = 1; i <= kRecords; ++i)
      append_to(path, "d:" + std::to_string(i) + " {\"n\":" + std::to_string(i) + "}\n");
  });
  const auto follow = [&](std::size_t size) {
    std::uint64_t offset = 0;
    int next = 1;
    EXPECT_TRUE(wait_until([&] {
      const auto chunk = read_log(path, offset, size);
      EXPECT_TRUE(chunk);
      for (const auto& entry : chunk->entries)
        EXPECT_EQ(entry.json, "{\"n\":" + std::to_string(next++) + "}");
      offset = chunk->next_offset;
      return next > kRecords;
    }));
  };
  std::thread other([&] { follow(100'000); });
  follow(2000);
  other.join();
  writer.join();
}

}  // namespace
}  // namespace berth::supervise
