// SPDX-License-Identifier: Apache-2.0
#include "base/fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

namespace berth::base {
namespace {

class Files : public ::testing::Test {
 protected:
  Files() {
    char name[] = "/tmp/berth-fd-XXXXXX";
    root_ = ::mkdtemp(name);
  }
  ~Files() override { std::filesystem::remove_all(root_); }
  [[nodiscard]] std::string path(const std::string& name) const { return root_ + "/" + name; }
  static unsigned mode_of(const std::string& path) {
    struct stat info{};
    EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
    return info.st_mode & 0777U;
  }
  [[nodiscard]] std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(root_), {}));
  }

 private:
  std::string root_;
};

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

TEST_F(Files, ReadsTheKernelsFilesInOneRead) {
  const auto status = read_kernel_file("/proc/self/status");
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_NE(status->find("\nPid:\t" + std::to_string(::getpid()) + '\n'), std::string::npos);
  EXPECT_TRUE(status->ends_with('\n'));
  EXPECT_EQ(read_kernel_file("/proc/self/status", 5), status->substr(0, 5));
  EXPECT_EQ(read_kernel_file(path("none")).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(read_kernel_file(path("")).error().code, ErrorCode::kIoError);  // a directory
}

TEST_F(Files, FdClosesOnce) {
  int raw = -1;
  {
    Fd fd(::open("/dev/null", O_RDONLY));
    raw = fd.get();
    Fd other(std::move(fd));
    EXPECT_FALSE(fd.valid());  // NOLINT(bugprone-use-after-move)
    EXPECT_TRUE(is_open(raw));
    other = Fd(::open("/dev/null", O_RDONLY));
    EXPECT_NE(other.get(), -1);
  }
  EXPECT_FALSE(is_open(raw));
  Fd fd(::open("/dev/null", O_RDONLY));
  raw = fd.release();
  EXPECT_FALSE(fd.valid());
  EXPECT_TRUE(is_open(raw));
  ::close(raw);
}

TEST_F(Files, WriteThenReadGivesTheSame) {
  const std::string content("a\0b\n\xFF", 5);
  ASSERT_TRUE(write_file(path("f"), content, 0600));
  EXPECT_EQ(*read_file(path("f")), content);
  EXPECT_EQ(mode_of(path("f")), 0600U);
  EXPECT_EQ(entries(), 1U);  // no temporary file stays
  ASSERT_TRUE(write_file(path("f"), ""));
  EXPECT_EQ(*read_file(path("f")), "");
}

TEST_F(Files, ReadSaysWhatIsWrong) {
  EXPECT_EQ(read_file(path("none")).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(read_file(path("")).error().code, ErrorCode::kIoError);  // a directory
  ASSERT_TRUE(write_file(path("f"), std::string(100'000, 'x')));
  EXPECT_EQ(read_file(path("f"), 99'999).error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(read_file(path("f"), 100'000)->size(), 100'000U);
}

TEST_F(Files, AFailedWriteLeavesTheOldContent) {
  ASSERT_TRUE(write_file(path("f"), "old"));
  // As on a full disk: the write itself fails, half way.
  struct rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  struct rlimit small = before;
  small.rlim_cur = 4096;
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto status = write_file(path("f"), std::string(100'000, 'x'));
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kIoError);
  EXPECT_NE(status.error().message.find(path("f")), std::string::npos);
  EXPECT_EQ(*read_file(path("f")), "old");
  EXPECT_EQ(entries(), 1U);
}

TEST_F(Files, AWriteOverADirectoryFailsAndCleansUp) {
  ASSERT_TRUE(make_directories(path("d")));
  EXPECT_FALSE(write_file(path("d"), "x"));
  EXPECT_EQ(entries(), 1U);
  EXPECT_FALSE(write_file(path("none/f"), "x"));
}

TEST_F(Files, AWriteTakesItsModeEvenWhenALeftoverLies) {
  ASSERT_TRUE(write_file(path("f.tmp"), "leftover of a crash", 0666));
  ::chmod(path("f.tmp").c_str(), 0666);
  ASSERT_TRUE(write_file(path("f"), "secret", 0600));
  EXPECT_EQ(mode_of(path("f")), 0600U);
}

TEST_F(Files, MakeDirectoriesMakesTheWholePath) {
  ASSERT_TRUE(make_directories(path("a/b/c"), 0700));
  EXPECT_EQ(mode_of(path("a/b/c")), 0700U);
  EXPECT_TRUE(make_directories(path("a/b/c"), 0700));  // again
  ASSERT_TRUE(make_directories(path("x/y/"), 0700));
  EXPECT_EQ(mode_of(path("x/y")), 0700U);
}

TEST_F(Files, MakeDirectoriesRefusesAFileInTheWay) {
  ASSERT_TRUE(write_file(path("f"), "x"));
  EXPECT_FALSE(make_directories(path("f")));
  EXPECT_FALSE(make_directories(path("f/g")));
}

}  // namespace
}  // namespace berth::base
