// SPDX-License-Identifier: Apache-2.0
#include "protocol/output_file.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "checkpoint/safetensors.h"
#include "protocol/spec.h"
#include "protocol/termination.h"
#include "temporary_folder.h"

namespace berth::protocol {
namespace {

using tests::TemporaryFolder;

size_t entries(const std::string& path) {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(path)) ++count;
  return count;
}

TEST(OutputFile, AppearsOnlyWhenCommitted) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/x";
  {
    auto file = OutputFile::create(path, 3);
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->write("abc", 3));
    EXPECT_FALSE(std::filesystem::exists(path));
    ASSERT_TRUE(file->commit());
  }
  EXPECT_EQ(TemporaryFolder::read(path), "abc");
  EXPECT_EQ(entries(folder.path()), 1u);
}

TEST(OutputFile, AbandonedOnesLeaveTheOldContent) {
  const TemporaryFolder folder;
  const std::string path = folder.write("x", "old");
  {
    auto file = OutputFile::create(path, 3);
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->write("new", 3));
  }
  EXPECT_EQ(TemporaryFolder::read(path), "old");
  EXPECT_EQ(entries(folder.path()), 1u);
}

TEST(OutputFile, ASignalLeavesNoTemporaryFileWhateverTheOtherThreadsDo) {
  for (int round = 0; round < 30; ++round) {
    const TemporaryFolder folder;
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      install_termination();
      std::vector<std::thread> threads;
      for (int number = 0; number < 4; ++number) {
        threads.emplace_back([&folder, number] {
          const std::string path = folder.path() + "/" + std::to_string(number);
          while (write_file(path, "whole", Durability::kRenamed)) {
          }
        });
      }
      for (std::thread& thread : threads) thread.join();
      ::_exit(1);
    }
    while (entries(folder.path()) == 0) std::this_thread::yield();
    ::kill(child, SIGTERM);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 128 + SIGTERM);
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
      EXPECT_EQ(TemporaryFolder::read(entry.path()), "whole") << entry.path();
      EXPECT_NE(entry.path().extension(), ".part") << entry.path();
    }
  }
}

TEST(OutputFile, MissingFoldersAreNamed) {
  const auto file = OutputFile::create("/nonexistent/x", 3);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, ErrorCode::kIoError);
  EXPECT_EQ(file.error().file, "/nonexistent/x");
}

TEST(OutputFile, AFullDiskIsToldWithTheBytesNeeded) {
  if (::geteuid() != 0) GTEST_SKIP() << "mounting a small file system needs root";
  const TemporaryFolder folder;
  if (::unshare(CLONE_NEWNS) != 0 ||
      ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=256k") != 0) {
    GTEST_SKIP() << "file systems cannot be mounted here";
  }
  const std::string path = folder.path() + "/best.safetensors";
  const std::vector<uint8_t> megabyte(1 << 20);
  const auto big = checkpoint::write_safetensors(
      path, {{"w", checkpoint::Dtype::kU8, {1 << 20}, megabyte.data(), megabyte.size()}}, {});
  ASSERT_FALSE(big);
  EXPECT_EQ(big.error().code, ErrorCode::kNoSpace);
  EXPECT_EQ(big.error().file, path);
  EXPECT_NE(big.error().message.find("1048"), std::string::npos) << big.error().message;
  EXPECT_EQ(entries(folder.path()), 0u) << "nothing half-written stays";
  // One that only turns out to be too big while it is written.
  const std::string grown(1 << 19, 'x');
  auto file = OutputFile::create(path, 0);
  ASSERT_TRUE(file);
  const auto written = file->write(grown.data(), grown.size());
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::kNoSpace);
  ::umount2(folder.path().c_str(), MNT_DETACH);
}

TEST(ReadFile, RefusesFoldersAndFilesBeyondTheLimit) {
  const TemporaryFolder folder;
  EXPECT_FALSE(read_file(folder.path(), 100));
  const std::string path = folder.write("x", "12345");
  EXPECT_EQ(read_file(path, 5).value(), "12345");
  EXPECT_FALSE(read_file(path, 4));
}

TEST(Spec, TellsTheFirstWrongField) {
  Spec spec({{"batch_size", 0}, {"model", 5}, {"rate", -1}});
  EXPECT_EQ(spec.integer("batch_size", 8, 1, 100), 8);
  spec.text("model");
  spec.number("rate", 1, 0);
  const auto status = spec.status();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kBadRequest);
  EXPECT_NE(status.error().message.find("batch_size"), std::string::npos);
}

TEST(Spec, TakesNullForAbsentAndWholeDoublesForIntegers) {
  Spec spec({{"weight_path", nullptr}, {"epochs", 3.0}});
  EXPECT_FALSE(spec.text("weight_path"));
  EXPECT_EQ(spec.integer("epochs", 1, 1, 10), 3);
  EXPECT_TRUE(spec.boolean("shuffle", true));
  EXPECT_TRUE(spec.status());
}

}  // namespace
}  // namespace berth::protocol
