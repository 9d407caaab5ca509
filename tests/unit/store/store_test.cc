// SPDX-License-Identifier: Apache-2.0
#include "store/store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>

#include "base/fd.h"
#include "store/connection.h"

namespace berth::store {
namespace {

class StoreTest : public testing::Test {
 protected:
  StoreTest() {
    char name[] = "/tmp/berth-store-XXXXXX";
    directory_ = mkdtemp(name);
    path_ = directory_ + "/berth.db";
  }
  ~StoreTest() override { std::filesystem::remove_all(directory_); }

  base::Status commit(Store& store, Batch batch) {
    std::promise<base::Status> done;
    auto future = done.get_future();
    store.commit(std::make_shared<const Batch>(std::move(batch)),
                 [&](base::Status status) { done.set_value(std::move(status)); });
    return future.get();
  }

  std::string directory_;
  std::string path_;
};

TEST_F(StoreTest, anEmptyStoreHasNothing) {
  auto store = Store::open(path_);
  ASSERT_TRUE(store) << store.error().message;
  const auto loaded = (*store)->load();
  ASSERT_TRUE(loaded);
  EXPECT_FALSE(loaded->snapshot);
  EXPECT_TRUE(loaded->journal.empty());
  EXPECT_TRUE(loaded->tasks.empty());
}

TEST_F(StoreTest, whatWasCommittedIsThereAfterReopening) {
  {
    auto store = Store::open(path_);
    ASSERT_TRUE(store);
    (*store)->start();
    Batch batch;
    batch.journal = {{1, 100, "in1", "out1"}, {2, 200, "in2", "out2"}};
    batch.tasks = {{"b", 2, "record b"}, {"a", 1, "record a"}};
    ASSERT_TRUE(commit(**store, std::move(batch)));
  }
  auto store = Store::open(path_);
  ASSERT_TRUE(store);
  const auto loaded = (*store)->load();
  ASSERT_TRUE(loaded);
  ASSERT_EQ(loaded->journal.size(), 2U);
  EXPECT_EQ(loaded->journal[1].seq, 2);
  EXPECT_EQ(loaded->journal[1].time_ms, 200);
  EXPECT_EQ(loaded->journal[1].input, "in2");
  EXPECT_EQ(loaded->journal[1].outcome, "out2");
  ASSERT_EQ(loaded->tasks.size(), 2U);
  EXPECT_EQ(loaded->tasks[0].id, "a");  // in order of creation
  EXPECT_EQ(loaded->tasks[1].record, "record b");
}

TEST_F(StoreTest, aSnapshotTrimsTheJournalBeforeIt) {
  auto store = Store::open(path_);
  ASSERT_TRUE(store);
  (*store)->start();
  Batch first;
  first.journal = {{1, 1, "a", ""}, {2, 2, "b", ""}, {3, 3, "c", ""}};
  ASSERT_TRUE(commit(**store, std::move(first)));
  Batch second;
  second.snapshot = Snapshot{2, "state"};
  ASSERT_TRUE(commit(**store, std::move(second)));
  store->reset();
  auto again = Store::open(path_);
  ASSERT_TRUE(again);
  const auto loaded = (*again)->load();
  ASSERT_TRUE(loaded);
  ASSERT_TRUE(loaded->snapshot);
  EXPECT_EQ(loaded->snapshot->seq, 2);
  EXPECT_EQ(loaded->snapshot->state, "state");
  ASSERT_EQ(loaded->journal.size(), 1U);
  EXPECT_EQ(loaded->journal[0].input, "c");
}

TEST_F(StoreTest, recordsAreReplacedAndRemoved) {
  auto store = Store::open(path_);
  ASSERT_TRUE(store);
  (*store)->start();
  Batch first;
  first.tasks = {{"a", 1, "old"}, {"b", 2, "kept"}};
  ASSERT_TRUE(commit(**store, std::move(first)));
  Batch second;
  second.tasks = {{"a", 1, "new"}};
  ASSERT_TRUE(commit(**store, std::move(second)));
  Batch third;
  third.removed = {2};
  ASSERT_TRUE(commit(**store, std::move(third)));
  store->reset();
  auto again = Store::open(path_);
  ASSERT_TRUE(again);
  const auto loaded = (*again)->load();
  ASSERT_TRUE(loaded);
  ASSERT_EQ(loaded->tasks.size(), 1U);
  EXPECT_EQ(loaded->tasks[0].record, "new");
}

TEST_F(StoreTest, aFileOfTheFirstVersionIsTakenOver) {
  {
    auto old = Connection::open(path_);
    ASSERT_TRUE(old);
    ASSERT_TRUE((*old)->execute(
        "CREATE TABLE journal(seq INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, input TEXT NOT "
        "NULL, outcome TEXT NOT NULL);"
        "CREATE TABLE snapshot(one INTEGER PRIMARY KEY CHECK(one = 1), seq INTEGER NOT NULL, state "
        "TEXT NOT NULL);"
        "CREATE TABLE tasks(id TEXT PRIMARY KEY, seq INTEGER NOT NULL, record TEXT NOT NULL) "
        "WITHOUT ROWID;"
        "INSERT INTO journal VALUES(7, 70, 'in', 'out');"
        "INSERT INTO tasks VALUES('z', 1, 'first'), ('a', 2, 'second'), ('m', 9, 'third');"
        "PRAGMA user_version = 1;"));
  }
  for (int i = 0; i < 2; ++i) {
    auto store = Store::open(path_);
    ASSERT_TRUE(store) << store.error().message;
    const auto loaded = (*store)->load();
    ASSERT_TRUE(loaded);
    ASSERT_EQ(loaded->journal.size(), 1U);
    EXPECT_EQ(loaded->journal[0].outcome, "out");
    ASSERT_EQ(loaded->tasks.size(), i == 0 ? 3U : 2U);
    EXPECT_EQ(loaded->tasks[0].id, "z");
    EXPECT_EQ(loaded->tasks.back().id, "m");
    EXPECT_EQ(loaded->tasks.back().seq, 9);
    EXPECT_EQ(loaded->tasks.back().record, "third");
    (*store)->start();
    Batch batch;
    batch.removed = {2};
    ASSERT_TRUE(commit(**store, std::move(batch)));
  }
}

TEST_F(StoreTest, aBatchIsWrittenWhollyOrNotAtAllAndNothingAfterAFailure) {
  {
    auto store = Store::open(path_);
    ASSERT_TRUE(store);
    (*store)->start();
    Batch first;
    first.journal = {{1, 1, "a", ""}};
    ASSERT_TRUE(commit(**store, std::move(first)));
    Batch twice;  // the second entry's number is taken: the whole batch must go
    twice.tasks = {{"t", 1, "record"}};
    twice.journal = {{2, 2, "b", ""}, {1, 2, "again", ""}};
    EXPECT_FALSE(commit(**store, std::move(twice)));
    Batch after;
    after.journal = {{3, 3, "c", ""}};
    EXPECT_FALSE(commit(**store, std::move(after)));
  }
  auto store = Store::open(path_);
  ASSERT_TRUE(store);
  const auto loaded = (*store)->load();
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->journal.size(), 1U);
  EXPECT_TRUE(loaded->tasks.empty());
}

TEST_F(StoreTest, aSecondDaemonIsKeptOut) {
  auto store = Store::open(path_);
  ASSERT_TRUE(store);
  const auto second = Store::open(path_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, base::ErrorCode::kStoreError);
}

// A daemon that was killed in the middle of starting a process holds the lock until that process
// has come to its program.
TEST_F(StoreTest, aLockThatIsAboutToGoIsWaitedFor) {
  {
    ASSERT_TRUE(Store::open(path_));
  }
  const base::Fd held(::open((path_ + ".lock").c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_EQ(::flock(held.get(), LOCK_EX | LOCK_NB), 0);
  auto opened = std::async(std::launch::async, [&] { return bool(Store::open(path_)); });
  EXPECT_NE(opened.wait_for(std::chrono::milliseconds(100)), std::future_status::ready);
  ::flock(held.get(), LOCK_UN);
  EXPECT_TRUE(opened.get());
}

TEST_F(StoreTest, aFileOfANewerVersionIsRefused) {
  {
    auto connection = Connection::open(path_);
    ASSERT_TRUE(connection);
    ASSERT_TRUE((*connection)->execute("PRAGMA user_version = 99"));
  }
  const auto store = Store::open(path_);
  ASSERT_FALSE(store);
  EXPECT_NE(store.error().message.find("99"), std::string::npos);
}

TEST_F(StoreTest, aFileThatIsNoDatabaseIsRefused) {
  std::ofstream(path_) << std::string(4096, 'x');
  EXPECT_FALSE(Store::open(path_));
}

}  // namespace
}  // namespace berth::store
