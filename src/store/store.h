// SPDX-License-Identifier: Apache-2.0
// What survives a restart: the journal of the scheduler's inputs, its newest snapshot and the task
// records. One SQLite file, one read-write connection, owned by the thread "store".
//
// Tables: journal(seq, time_ms, input, outcome), snapshot(seq, state), tasks(id, seq, record).
// A batch is one transaction; what it removes goes before what it inserts. A commit that failed
// with kStorageFull left nothing behind and may be asked for again. After any other failure
// nothing more is attempted: the caller must stop.
//
// load() before start(); commit() from any thread; callbacks run on the thread "store".
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace berth::store {

struct JournalEntry {
  std::int64_t seq = 0;
  std::int64_t time_ms = 0;
  std::string input;    // JSON
  std::string outcome;  // JSON
};

struct StoredTask {
  std::string id;
  std::int64_t seq = 0;  // order of creation; of no two tasks the same
  std::string record;    // JSON
};

struct Snapshot {
  std::int64_t seq = 0;  // of the last journal entry that is in it
  std::string state;     // JSON
};

struct Batch {
  std::vector<JournalEntry> journal;
  std::vector<StoredTask> tasks;      // inserted or replaced
  std::vector<std::int64_t> removed;  // StoredTask::seq
  std::optional<Snapshot> snapshot;   // replaces the old one; older journal entries go
  [[nodiscard]] bool empty() const {
    return journal.empty() && tasks.empty() && removed.empty() && !snapshot;
  }
};

struct Loaded {
  std::optional<Snapshot> snapshot;
  std::vector<JournalEntry> journal;  // after the snapshot
  std::vector<StoredTask> tasks;      // in order of creation
};

class Store {
 public:
  /// Opens or makes <path>. kStoreError when the file is damaged, of a newer version or in use by
  /// another daemon (found out after two seconds: one that was killed may take a moment to go).
  static base::Result<std::unique_ptr<Store>> open(const std::string& path);
  ~Store();  // commits what was asked for, joins
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  base::Result<Loaded> load();
  void start();
  void commit(std::shared_ptr<const Batch> batch, std::function<void(base::Status)> done);

 private:
  class Thread;
  explicit Store(std::unique_ptr<Thread> thread);
  std::unique_ptr<Thread> thread_;
};

}  // namespace berth::store
