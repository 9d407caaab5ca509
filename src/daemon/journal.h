// SPDX-License-Identifier: Apache-2.0
// Group commit: what happens while one transaction is being written goes into the next one, so
// that durability costs one fsync for many inputs. Loop thread only.
//
// A commit for which there is no room is kept and tried again until it succeeds; nothing overtakes
// it. Until then the journal is full(): deeds wait, and whoever wants an answer gets the error of
// the next try.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/loop.h"
#include "store/store.h"

namespace berth::daemon {

class Journal {
 public:
  struct Events {
    std::function<void(store::Batch&)> prepare;      // before a batch is handed over: may add to it
    std::function<void(const base::Error&)> broken;  // a commit failed: the daemon must stop
    std::function<void()> room;                      // full() changed
  };
  /// Runs once: good when the entry is durable, else kStorageFull, and then the entry stays in
  /// line.
  using Answer = std::function<void(const base::Status&)>;

  Journal(Loop& loop, store::Store& store, std::int64_t last_seq, Events events);

  /// `answer`, then `deed` run on the loop when the entry is durable.
  void append(base::Time now, std::string input, std::string outcome, std::function<void()> deed,
              Answer answer = {});
  /// For changes beside the journal, which prepare() adds. On a full disk a try is made at once.
  void flush(Answer answer = {});
  void remove_task(std::uint64_t sequence);

  [[nodiscard]] std::int64_t last_seq() const { return last_seq_; }
  [[nodiscard]] bool full() const { return full_; }

 private:
  struct Waiting {
    std::function<void()> deed;
    Answer answer;
  };
  void schedule();
  void write();
  void commit();
  void written(const base::Status& status);
  void refuse(const base::Error& error);

  Loop& loop_;
  store::Store& store_;
  std::int64_t last_seq_;
  Events events_;
  store::Batch pending_;
  std::vector<Waiting> waiting_;                   // for pending_
  std::shared_ptr<const store::Batch> in_flight_;  // handed over, or to be tried again
  std::vector<Waiting> in_flight_waiting_;
  bool writing_ = false;
  bool scheduled_ = false;
  bool full_ = false;
  Loop::Handle retry_;
};

}  // namespace berth::daemon
