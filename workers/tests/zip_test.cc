// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/zip.h"

#include <gtest/gtest.h>

#include "checkpoint/zip_writer.h"
#include "checkpoint_bytes.h"
#include "temporary_folder.h"

namespace berth::checkpoint {
namespace {

using tests::little_endian;
using tests::zip_of;

std::string problem(const std::string& bytes) {
  const auto archive = ZipArchive::read(bytes, "x.zip");
  return archive ? std::string() : archive.error().message;
}

/// What is wrong with an entry; empty if it can be had.
std::string entry_problem(const std::string& bytes, const std::string& name) {
  const auto archive = ZipArchive::read(bytes, "x.zip");
  if (!archive) return archive.error().message;
  const auto content = archive->stored(name);
  return content ? std::string() : content.error().message;
}

TEST(Zip, StoredEntriesAreFoundWhereTheyLie) {
  for (const bool wide : {false, true}) {
    const std::string bytes = zip_of({{"a", "first"}, {"b/c", ""}, {"d", "third"}}, wide);
    const auto archive = ZipArchive::read(bytes, "x.zip");
    ASSERT_TRUE(archive) << archive.error().message;
    EXPECT_EQ(archive->entries().size(), 3u);
    EXPECT_EQ(*archive->stored("a"), "first");
    EXPECT_EQ(*archive->stored("b/c"), "");
    EXPECT_EQ(*archive->stored("d"), "third");
    EXPECT_GE(archive->stored("d")->data(), bytes.data()) << "not a copy";
    EXPECT_LT(archive->stored("d")->data(), bytes.data() + bytes.size());
    EXPECT_FALSE(archive->stored("e"));
  }
}

TEST(Zip, ACommentBehindTheDirectoryIsSkipped) {
  const std::string comment = std::string("PK\x05\x06", 4) + " looks like another end.";
  std::string bytes = zip_of({{"a", "first"}});
  bytes[bytes.size() - 2] = static_cast<char>(comment.size());
  EXPECT_EQ(entry_problem(bytes + comment, "a"), "");
}

TEST(Zip, AnEmptyArchiveHasNoEntries) { EXPECT_EQ(problem(zip_of({})), ""); }

TEST(Zip, CompressedAndEncryptedEntriesAreRefusedOnlyWhenTheyAreWanted) {
  const std::string bytes = zip_of({{"stored", "x"}, {"deflated", "x", 8}, {"secret", "x", 0, 1}});
  EXPECT_EQ(entry_problem(bytes, "stored"), "");
  EXPECT_NE(entry_problem(bytes, "deflated").find("is compressed"), std::string::npos);
  EXPECT_NE(entry_problem(bytes, "secret").find("is encrypted"), std::string::npos);
}

TEST(Zip, OneCutShortAnywhereIsRefused) {
  for (const bool wide : {false, true}) {
    const std::string bytes = zip_of({{"a", "first"}, {"b", "second"}}, wide);
    for (size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_NE(problem(bytes.substr(0, size)), "") << size;
    }
  }
}

TEST(Zip, WrongNumbersAreRefused) {
  const std::string bytes = zip_of({{"a", "first"}});
  const size_t directory = bytes.find(std::string("PK\x01\x02", 4)), end = bytes.size() - 22;
  const auto with = [&](size_t at, uint64_t number, int width) {
    std::string changed = bytes;
    changed.replace(at, static_cast<size_t>(width), little_endian(number, width));
    return changed;
  };
  EXPECT_NE(problem(with(end + 10, 2, 2)), "") << "two entries promised on all disks, one here";
  EXPECT_NE(problem(with(end + 8, 0x00020002, 4)), "") << "two entries promised";
  EXPECT_NE(problem(with(end + 4, 1, 2)), "") << "the second disk";
  EXPECT_NE(problem(with(end + 12, 1'000'000, 4)), "") << "a directory longer than the file";
  EXPECT_NE(problem(with(end + 16, bytes.size(), 4)), "") << "a directory behind the end";
  EXPECT_NE(problem(with(end + 16, 1, 4)), "") << "a directory that is none";
  EXPECT_NE(problem(with(directory + 28, 60000, 2)), "") << "a name longer than the directory";
  EXPECT_NE(problem(with(directory + 20, 4, 4)), "") << "stored with two sizes";
  EXPECT_NE(problem(with(directory + 20, 0xFFFFFFFF, 4)), "") << "ZIP64 numbers that are not there";
  EXPECT_NE(entry_problem(with(directory + 42, 3, 4), "a"), "") << "a header elsewhere";
  EXPECT_NE(entry_problem(with(directory + 42, 0xFFFFFFF0, 4), "a"), "") << "a header outside";
  EXPECT_NE(entry_problem(with(30, 'b', 1), "a"), "") << "another name in the header";
  EXPECT_NE(entry_problem(with(8, 8, 2), "a"), "") << "compressed, says the header";
  std::string longer = with(directory + 20, 1000, 4);
  longer.replace(directory + 24, 4, little_endian(1000, 4));
  EXPECT_NE(entry_problem(longer, "a").find("reaches beyond"), std::string::npos);
}

TEST(Zip, Zip64NumbersNearTheLargestAreNotAdded) {
  const std::string bytes = zip_of({{"a", "first"}}, true);
  const size_t locator = bytes.size() - 22 - 20, record = locator - 56;
  for (const size_t at : {record + 40, record + 48, locator + 8}) {
    for (const uint64_t number : {UINT64_MAX, UINT64_MAX - 55, uint64_t{1} << 63}) {
      std::string changed = bytes;
      changed.replace(at, 8, little_endian(number, 8));
      EXPECT_NE(problem(changed), "") << at << " " << number;
    }
  }
  const size_t extra = bytes.find(std::string("PK\x01\x02", 4)) + 46 + 1 + 4;
  for (const uint64_t number : {UINT64_MAX, UINT64_MAX - 30, uint64_t{1} << 63}) {
    std::string changed = bytes;
    changed.replace(extra + 16, 8, little_endian(number, 8));
    EXPECT_NE(entry_problem(changed, "a"), "") << "the header at " << number;
    changed = bytes;
    changed.replace(extra, 16, little_endian(number, 8) + little_endian(number, 8));
    EXPECT_NE(entry_problem(changed, "a"), "") << number << " bytes";
  }
}

TEST(Zip, TwoEntriesOfOneNameAreRefused) {
  EXPECT_NE(problem(zip_of({{"a", "1"}, {"a", "2"}})).find("two entries"), std::string::npos);
}

TEST(Zip, NamesInMessagesCannotReachTheTerminal) {
  const std::string message = problem(zip_of({{"\x1b[31m", "1"}, {"\x1b[31m", "2"}}));
  EXPECT_EQ(message.find('\x1b'), std::string::npos);
}

TEST(Zip, TheCrcIsTheOneOfTheStandard) {
  EXPECT_EQ(zip_crc("123456789"), 0xCBF43926u);
  EXPECT_EQ(zip_crc(""), 0u);
}

TEST(Zip, WhatIsWrittenIsAlignedAndHasItsCrc) {
  const tests::TemporaryFolder folder;
  const std::string path = folder.path() + "/x.zip";
  ASSERT_TRUE(write_zip(
      path, {{"a/one", "first"}, {"a/two", ""}, {"a/three", std::string_view("\0x", 2)}}));
  const std::string bytes = tests::TemporaryFolder::read(path);
  const auto archive = ZipArchive::read(bytes, path);
  ASSERT_TRUE(archive) << archive.error().message;
  ASSERT_EQ(archive->entries().size(), 3u);
  for (const auto& [name, entry] : archive->entries()) {
    const auto content = archive->stored(name);
    ASSERT_TRUE(content) << content.error().message;
    EXPECT_EQ((content->data() - bytes.data()) % 64, 0) << name;
    EXPECT_EQ(entry.crc, zip_crc(*content));
  }
  EXPECT_EQ(*archive->stored("a/three"), std::string_view("\0x", 2));
}

}  // namespace
}  // namespace berth::checkpoint
