// SPDX-License-Identifier: Apache-2.0
#include "store/store.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <iterator>
#include <mutex>
#include <thread>

#include "base/fd.h"
#include "store/connection.h"

namespace berth::store {

namespace {

constexpr std::int64_t kVersion = 2;

// A daemon that was killed while it started a process leaves a copy of its descriptors, the lock's
// among them, in that process until its exec.
constexpr std::chrono::milliseconds kLockPatience{2'000};
constexpr std::chrono::milliseconds kLockPause{5};

bool take_lock(int fd) {
  const auto end = std::chrono::steady_clock::now() + kLockPatience;
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(kLockPause);
  }
  return true;
}

// Steps from one version of the file to the next; the version is PRAGMA user_version.
constexpr const char* kSteps[] = {
    "CREATE TABLE journal(seq INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, input TEXT NOT NULL, "
    "outcome TEXT NOT "
    "NULL);"
    "CREATE TABLE snapshot(one INTEGER PRIMARY KEY CHECK(one = 1), seq INTEGER NOT NULL, state "
    "TEXT NOT NULL);"
    "CREATE TABLE tasks(id TEXT PRIMARY KEY, seq INTEGER NOT NULL, record TEXT NOT NULL) WITHOUT "
    "ROWID;"
    "PRAGMA user_version = 1;",
    // By the order of creation: tasks that run at the same time share pages, and a commit writes
    // few of them.
    "CREATE TABLE tasks_by_seq(seq INTEGER PRIMARY KEY, id TEXT NOT NULL, record TEXT NOT NULL);"
    "INSERT INTO tasks_by_seq SELECT seq, id, record FROM tasks ORDER BY seq;"
    "DROP TABLE tasks;"
    "ALTER TABLE tasks_by_seq RENAME TO tasks;"
    "PRAGMA user_version = 2;",
};
static_assert(std::size(kSteps) == kVersion);

base::Status migrate(Connection& connection, const std::string& path) {
  auto version = connection.prepare("PRAGMA user_version");
  if (!version) return base::fail(version.error());
  const auto row = version->step();
  if (!row) return base::fail(row.error());
  const std::int64_t found = version->integer(0);
  version->reset();
  if (found == kVersion) return {};
  if (found > kVersion) {
    return base::fail(base::ErrorCode::kStoreError,
                      path + " was written by a newer Berth (version " + std::to_string(found) +
                          " of the file, this one knows " + std::to_string(kVersion) + ")");
  }
  std::string steps = "BEGIN IMMEDIATE;";
  for (auto step = static_cast<std::size_t>(found); step < std::size(kSteps); ++step)
    steps += kSteps[step];
  return connection.execute((steps + "COMMIT;").c_str());
}

struct Statements {
  Statement journal, task, removed, snapshot, trim;
};

base::Result<Statements> prepare(Connection& connection) {
  auto journal = connection.prepare(
      "INSERT INTO journal(seq, time_ms, input, outcome) VALUES(?1, ?2, ?3, ?4)");
  auto task =
      connection.prepare("INSERT OR REPLACE INTO tasks(seq, id, record) VALUES(?1, ?2, ?3)");
  auto removed = connection.prepare("DELETE FROM tasks WHERE seq = ?1");
  auto snapshot =
      connection.prepare("INSERT OR REPLACE INTO snapshot(one, seq, state) VALUES(1, ?1, ?2)");
  auto trim = connection.prepare("DELETE FROM journal WHERE seq <= ?1");
  for (const auto* statement : {&journal, &task, &removed, &snapshot, &trim}) {
    if (!*statement) return base::fail(statement->error());
  }
  return Statements{std::move(*journal), std::move(*task), std::move(*removed),
                    std::move(*snapshot), std::move(*trim)};
}

base::Status write(Statements& statements, const Batch& batch) {
  for (const auto& entry : batch.journal) {
    statements.journal.bind(1, entry.seq)
        .bind(2, entry.time_ms)
        .bind(3, entry.input)
        .bind(4, entry.outcome);
    if (auto status = statements.journal.run(); !status) return status;
  }
  for (const auto seq : batch.removed) {
    statements.removed.bind(1, seq);
    if (auto status = statements.removed.run(); !status) return status;
  }
  for (const auto& task : batch.tasks) {
    statements.task.bind(1, task.seq).bind(2, task.id).bind(3, task.record);
    if (auto status = statements.task.run(); !status) return status;
  }
  if (!batch.snapshot) return {};
  statements.snapshot.bind(1, batch.snapshot->seq).bind(2, batch.snapshot->state);
  if (auto status = statements.snapshot.run(); !status) return status;
  statements.trim.bind(1, batch.snapshot->seq);
  return statements.trim.run();
}

}  // namespace

class Store::Thread {
 public:
  Thread(base::Fd lock, std::unique_ptr<Connection> connection, Statements statements)
      : lock_(std::move(lock)),
        connection_(std::move(connection)),
        statements_(std::move(statements)) {}

  ~Thread() {
    if (!worker_.joinable()) return;
    {
      const std::lock_guard guard(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    worker_.join();
  }

  base::Result<Loaded> load() {
    Loaded loaded;
    auto snapshot = connection_->prepare("SELECT seq, state FROM snapshot");
    if (!snapshot) return base::fail(snapshot.error());
    auto row = snapshot->step();
    if (!row) return base::fail(row.error());
    if (*row) loaded.snapshot = Snapshot{snapshot->integer(0), snapshot->text(1)};
    auto journal = connection_->prepare(
        "SELECT seq, time_ms, input, outcome FROM journal WHERE seq > ?1 ORDER BY seq");
    if (!journal) return base::fail(journal.error());
    journal->bind(1, loaded.snapshot ? loaded.snapshot->seq : 0);
    for (row = journal->step(); row && *row; row = journal->step()) {
      loaded.journal.push_back(
          {journal->integer(0), journal->integer(1), journal->text(2), journal->text(3)});
    }
    if (!row) return base::fail(row.error());
    auto tasks = connection_->prepare("SELECT id, seq, record FROM tasks ORDER BY seq");
    if (!tasks) return base::fail(tasks.error());
    for (row = tasks->step(); row && *row; row = tasks->step()) {
      loaded.tasks.push_back({tasks->text(0), tasks->integer(1), tasks->text(2)});
    }
    if (!row) return base::fail(row.error());
    return loaded;
  }

  void start() {
    worker_ = std::thread([this] {
      pthread_setname_np(pthread_self(), "store");
      run();
    });
  }

  void commit(std::shared_ptr<const Batch> batch, std::function<void(base::Status)> done) {
    {
      const std::lock_guard guard(mutex_);
      jobs_.push_back({std::move(batch), std::move(done)});
    }
    wake_.notify_one();
  }

 private:
  struct Job {
    std::shared_ptr<const Batch> batch;
    std::function<void(base::Status)> done;
  };

  void run() {
    std::optional<base::Error> broken;
    for (;;) {
      Job job;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
        if (jobs_.empty()) return;
        job = std::move(jobs_.front());
        jobs_.pop_front();
      }
      base::Status status = broken ? base::Status(base::fail(*broken)) : transact(*job.batch);
      if (!status && !broken && status.error().code != base::ErrorCode::kStorageFull)
        broken = status.error();
      job.done(std::move(status));
    }
  }

  base::Status transact(const Batch& batch) {
    if (auto status = connection_->execute("BEGIN IMMEDIATE"); !status) return status;
    auto status = write(statements_, batch);
    if (status) status = connection_->execute("COMMIT");
    if (!status) {
      // The first error is the one to report, whatever the rollback says.
      [[maybe_unused]] const auto rolled_back = connection_->execute("ROLLBACK");
    }
    return status;
  }

  base::Fd lock_;
  std::unique_ptr<Connection> connection_;
  Statements statements_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  bool stopping_ = false;
  std::thread worker_;
};

base::Result<std::unique_ptr<Store>> Store::open(const std::string& path) {
  // The kernel drops this lock with the process, however that ends.
  const std::string lock_path = path + ".lock";
  base::Fd lock(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.valid()) return base::fail(base::errno_error("cannot open " + lock_path, errno));
  if (!take_lock(lock.get())) {
    return base::fail(base::ErrorCode::kStoreError,
                      path +
                          " is in use by another berthd: stop that one, or give "
                          "this one a --state-dir of its own");
  }
  // Records hold the environment of commands: nobody else's to read. SQLite gives its other files
  // the mode of this one.
  const base::Fd database(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!database.valid()) return base::fail(base::errno_error("cannot open " + path, errno));
  if (::fchmod(database.get(), 0600) != 0) {
    return base::fail(base::errno_error("cannot protect " + path, errno));
  }
  auto connection = Connection::open(path);
  if (!connection) return base::fail(connection.error());
  if (auto status = migrate(**connection, path); !status) return base::fail(status.error());
  auto statements = prepare(**connection);
  if (!statements) return base::fail(statements.error());
  return std::unique_ptr<Store>(new Store(
      std::make_unique<Thread>(std::move(lock), std::move(*connection), std::move(*statements))));
}

Store::Store(std::unique_ptr<Thread> thread) : thread_(std::move(thread)) {}
Store::~Store() = default;
base::Result<Loaded> Store::load() { return thread_->load(); }
void Store::start() { thread_->start(); }
void Store::commit(std::shared_ptr<const Batch> batch, std::function<void(base::Status)> done) {
  thread_->commit(std::move(batch), std::move(done));
}

}  // namespace berth::store
