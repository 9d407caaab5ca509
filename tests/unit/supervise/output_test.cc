// SPDX-License-Identifier: Apache-2.0
// stdout and stderr of a task: order, rotation, a full disk.
#include <sys/mount.h>
#include <sys/stat.h>

#include "supervise/log_reader.h"
#include "supervise/testing.h"

namespace berth::supervise {
namespace {

using namespace testing;

std::string numbers(int from, int to) {
  std::string text;
  for (int i = from; i <= to; ++i) text += std::to_string(i) + "\n";
  return text;
}

TEST(Output, StreamsAreKeptApartByteForByte) {
  const TempDir dir;
  const LaunchSpec spec = script(dir, "printf 'a\\000b\\377\\n'; seq 1 20000; echo problem >&2");
  run(spec);
  EXPECT_EQ(content(spec.directory + "/stdout"), std::string("a\0b\377\n", 5) + numbers(1, 20000));
  EXPECT_EQ(content(spec.directory + "/stderr"), "problem\n");
}

TEST(Output, AChildThatStillWritesAfterTheMainProcessIsDrained) {
  const TempDir dir;
  const LaunchSpec spec = script(
      dir,
      "(trap '' TERM; touch on; seq 1 50000; echo last) & while [ ! -e on ]; do sleep 0.01; done");
  const Ended ended = run(spec);
  EXPECT_EQ(ended.exit.exit_code, 0);
  EXPECT_EQ(content(spec.directory + "/stdout"), numbers(1, 50000) + "last\n");
}

TEST(Output, ReadingByLogicalOffsetGoesAcrossRotations) {
  const TempDir dir;
  LaunchSpec spec = script(dir, "seq 1 1000");  // 3893 bytes
  spec.max_output = base::Bytes{1000};
  const Ended ended = run(spec);
  EXPECT_EQ(ended.dropped_output_bytes, 0);
  const std::string all = numbers(1, 1000);
  ASSERT_EQ(all.size(), 3893U);
  EXPECT_EQ(content(spec.directory + "/stdout"), all.substr(3000));
  EXPECT_EQ(content(spec.directory + "/stdout.1"), all.substr(2000, 1000));
  for (std::uint64_t offset = 0; offset <= all.size() + 1; offset += 7) {
    const auto chunk = read_output(spec.directory, OutputStream::kStdout, offset, 100);
    ASSERT_TRUE(chunk);
    const std::uint64_t first = std::max<std::uint64_t>(offset, 2000);  // older bytes are gone
    EXPECT_EQ(chunk->offset, first);
    const std::uint64_t generation_end = first < 3000 ? 3000 : all.size();
    const auto wanted =
        first < all.size() ? all.substr(first, std::min<std::uint64_t>(100, generation_end - first))
                           : "";
    EXPECT_EQ(chunk->bytes, wanted) << offset;
    EXPECT_EQ(chunk->next_offset, first + wanted.size());
  }
}

TEST(Output, AReaderThatKeepsUpSeesEveryByteOnce) {
  const TempDir dir;
  LaunchSpec spec = script(dir, "i=0; while [ $i -lt 3000 ]; do echo line-$i; i=$((i+1)); done");
  spec.max_output = base::Bytes{20'000};
  const Launched launched = start(spec);
  std::string seen;
  std::uint64_t offset = 0;
  EXPECT_TRUE(wait_until([&] {
    const bool ended = has_ended(launched.pidfd.get());
    for (;;) {
      const auto chunk = read_output(spec.directory, OutputStream::kStdout, offset, 4096);
      EXPECT_TRUE(chunk) << chunk.error().message;
      if (!chunk || chunk->bytes.empty()) break;
      EXPECT_EQ(chunk->offset, offset);
      seen += chunk->bytes;
      offset = chunk->next_offset;
    }
    return ended;
  }));
  wait_for_shim(launched);
  std::string all;
  for (int i = 0; i < 3000; ++i) all += "line-" + std::to_string(i) + "\n";
  EXPECT_EQ(seen, all);
}

TEST(Output, NothingThereYetIsEmpty) {
  const TempDir dir;
  const auto chunk = read_output(dir.path(), OutputStream::kStderr, 5, 100);
  ASSERT_TRUE(chunk);
  EXPECT_EQ(chunk->bytes, "");
  EXPECT_EQ(chunk->next_offset, 5U);
}

TEST(Output, ADirectoryRestoredFromACopyIsReadInItsOrder) {
  const TempDir dir;
  LaunchSpec spec = script(dir, "seq 1 1000");
  spec.max_output = base::Bytes{1000};
  run(spec);
  std::filesystem::copy(spec.directory, dir / "copy");
  const auto chunk = read_output(dir / "copy", OutputStream::kStdout, 2100, 10);
  ASSERT_TRUE(chunk);
  EXPECT_EQ(chunk->bytes, numbers(1, 1000).substr(2100, 10));
}

class FullDisk : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::getuid() != 0) GTEST_SKIP() << "needs root to mount a small tmpfs";
    if (::mount("tmpfs", dir_.path().c_str(), "tmpfs", 0, "size=256k") != 0)
      GTEST_SKIP() << "mount is not allowed here";
    mounted_ = true;
  }
  void TearDown() override {
    if (mounted_) ::umount2(dir_.path().c_str(), MNT_DETACH);
  }
  TempDir dir_;
  bool mounted_ = false;
};

TEST_F(FullDisk, NeitherHoldsUpTheTaskNorLosesItsExitStatus) {
  LaunchSpec spec = script(dir_, "head -c 2000000 /dev/zero; echo written > /dev/null; exit 3");
  const Ended ended = run(spec);
  EXPECT_EQ(ended.exit.exit_code, 3);
  EXPECT_EQ(ended.exit.cause, "exited");
  EXPECT_GT(ended.dropped_output_bytes, 1'000'000);
  EXPECT_NE(ended.message.find("could not be stored"), std::string::npos);
  const auto kept = static_cast<std::int64_t>(content(spec.directory + "/stdout").size());
  EXPECT_EQ(kept + ended.dropped_output_bytes, 2'000'000);
}

TEST_F(FullDisk, BeforeTheStartNothingIsClaimed) {
  ASSERT_TRUE(base::make_directories(dir_ / "attempt"));
  std::ofstream(dir_ / "filler") << std::string(1 << 20, 'x');
  const LaunchSpec spec = script(dir_, "true");
  EXPECT_EQ(wait_for_shim(start(spec)), 71);
  EXPECT_EQ(adopted(spec.directory).phase, Adoption::Phase::kNeverStarted);
  std::filesystem::remove(dir_ / "filler");
  EXPECT_EQ(run(spec).exit.exit_code, 0);
}

}  // namespace
}  // namespace berth::supervise
