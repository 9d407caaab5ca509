// SPDX-License-Identifier: Apache-2.0
#include "supervise/task_log.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <deque>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

#include "base/fd.h"
#include "base/log.h"
#include "base/priority.h"
#include "supervise/launch.h"
#include "supervise/log_file.h"
#include "supervise/log_reader.h"
#include "supervise/log_source.h"

namespace berth::supervise {

namespace json = base::json;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kBatch{20};         // a chatty task is read this often, not at every write
constexpr milliseconds kPollPause{100};    // for attempts that inotify does not watch
constexpr milliseconds kRetryPause{1000};  // after a write failed
constexpr milliseconds kSafety{2000};      // look anyway, in case an inotify event got lost
constexpr std::size_t kReadBytes = 1U << 20;  // of one source before the next one's turn
constexpr std::uint32_t kInotifyMask = IN_MODIFY | IN_CREATE | IN_MOVED_TO;

struct Attempt {
  int number = 1;
  std::string directory;
  LogOptions options;
  int watch = -1;                     // inotify's; -1: polled
  std::optional<EventSource> events;  // once the log is recovered
  std::optional<OutputSource> out, err;
};

struct TaskLog {
  TaskLog(model::TaskId id, const std::string& task_directory)
      : task(std::move(id)), directory(task_directory), file(log_path(task_directory)) {}

  model::TaskId task;
  std::string directory;
  LogFile file;
  bool recovered = false;
  bool failed = false;  // the last write or recovery; said once
  std::uint64_t reported_size = 0;
  bool reported = false;
  std::map<int, Attempt> attempts;
  std::uint64_t output = 0;                                    // bytes of attempts that have ended
  std::deque<std::pair<json::object, std::uint64_t>> waiting;  // daemon records, until recovered
};

base::Fd wake_descriptor() { return base::Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

}  // namespace

class LogThread::Thread {
 public:
  explicit Thread(NoticeCallback on_notices) : on_notices_(std::move(on_notices)) {
    // Signals are the main thread's business.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  ~Thread() {
    post([this] { stopping_ = true; });
    thread_.join();
  }

  void post(std::function<void()> command) {
    {
      const std::lock_guard lock(mutex_);
      commands_.push_back(std::move(command));
      if (commands_.size() > 1) return;  // it has been woken and has not come to them yet
    }
    const std::uint64_t one = 1;
    if (::write(wake_.get(), &one, sizeof one) < 0) {
      // Full counter: it is awake anyway.
    }
  }

  // Below: on the thread only.

  TaskLog& open(const model::TaskId& task, const std::string& directory);
  void watch(const model::TaskId& task, const std::string& directory, Attempt attempt);
  void append(const model::TaskId& task, json::object record, std::uint64_t key);
  void finish(const model::TaskId& task, int attempt, const DoneCallback& done);
  void forget(const model::TaskId& task, bool delete_directory, const ForgottenCallback& done);

 private:
  void run();
  void take_commands();
  void wait(Clock::time_point next_look);
  void read_inotify();
  [[nodiscard]] milliseconds pause() const;
  void look_at_dirty();
  bool look(TaskLog& log);
  bool prepare(TaskLog& log);
  void prepare_attempt(TaskLog& log, Attempt& attempt);
  bool read(TaskLog& log, Attempt& attempt, const std::string& now);
  void report_events(TaskLog& log, Attempt& attempt, std::vector<TaskEvent> events);
  void add_daemon_record(TaskLog& log, json::object record, std::uint64_t key);
  bool flush(TaskLog& log);
  void report_size(TaskLog& log);
  void write_appended(const model::TaskId& task);
  void settle(const TaskLog& log);
  void deliver();
  void watch_directory(const model::TaskId& task, Attempt& attempt);
  void unwatch(Attempt& attempt);

  const NoticeCallback on_notices_;
  std::mutex mutex_;
  std::vector<std::function<void()>> commands_;  // guarded by mutex_
  const base::Fd wake_ = wake_descriptor();

  bool stopping_ = false;
  const base::Fd inotify_{::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
  std::map<int, model::TaskId> watched_;  // by inotify's descriptor
  std::map<model::TaskId, TaskLog> logs_;
  std::set<model::TaskId> active_;    // with attempts, or with something that could not be written
  std::set<model::TaskId> dirty_;     // to be looked at
  std::set<model::TaskId> appended_;  // have records that are not written yet
  std::vector<LogNotice> notices_;
  std::thread thread_;  // last: it uses all of the above
};

void LogThread::Thread::run() {
  pthread_setname_np(pthread_self(), "logs");
  base::usual_priority();
  Clock::time_point next_look = Clock::now();
  Clock::time_point next_full_look = next_look + kSafety;
  while (!stopping_) {
    wait(next_look);
    take_commands();
    read_inotify();
    const auto now = Clock::now();
    if (now >= next_full_look) {
      dirty_.insert(active_.begin(), active_.end());
      next_full_look = now + pause();
    } else {
      next_full_look = std::min(next_full_look, now + pause());
    }
    if (now >= next_look && !dirty_.empty()) {
      look_at_dirty();
      next_look = Clock::now() + kBatch;
    }
    deliver();
  }
  for (auto& [task, log] : logs_) flush(log);
  deliver();
}

// How long until attempts are looked at without having been announced.
milliseconds LogThread::Thread::pause() const {
  milliseconds pause = kSafety;
  for (const auto& task : active_) {
    const TaskLog& log = logs_.at(task);
    if (log.failed) pause = std::min(pause, kRetryPause);
    for (const auto& [number, attempt] : log.attempts) {
      if (attempt.watch < 0) pause = std::min(pause, kPollPause);
    }
  }
  return pause;
}

void LogThread::Thread::wait(Clock::time_point next_look) {
  // Until the next look is due, news from inotify can wait; commands cannot.
  const auto now = Clock::now();
  const bool early = now < next_look;
  milliseconds timeout = pause();
  if (early)
    timeout = std::chrono::ceil<milliseconds>(next_look - now);
  else if (!dirty_.empty())
    timeout = milliseconds{0};
  const bool idle = dirty_.empty() && active_.empty();
  pollfd fds[] = {{wake_.get(), POLLIN, 0}, {early ? -1 : inotify_.get(), POLLIN, 0}};
  ::poll(fds, 2, idle && !early ? -1 : static_cast<int>(timeout.count()));
  std::uint64_t count = 0;
  if (::read(wake_.get(), &count, sizeof count) < 0) {
    // Nothing was posted.
  }
}

void LogThread::Thread::take_commands() {
  std::vector<std::function<void()>> commands;
  {
    const std::lock_guard lock(mutex_);
    commands.swap(commands_);
  }
  for (const auto& command : commands) command();
  for (const auto& task : std::exchange(appended_, {})) write_appended(task);
}

void LogThread::Thread::write_appended(const model::TaskId& task) {
  const auto log = logs_.find(task);
  if (log == logs_.end()) return;
  flush(log->second);
  report_size(log->second);
  settle(log->second);
}

void LogThread::Thread::read_inotify() {
  alignas(inotify_event) char buffer[16384];
  for (;;) {
    const ssize_t got = ::read(inotify_.get(), buffer, sizeof buffer);
    if (got <= 0) return;
    for (ssize_t at = 0; at < got;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      if ((event->mask & IN_Q_OVERFLOW) != 0) {
        dirty_.insert(active_.begin(), active_.end());
      } else if (const auto watched = watched_.find(event->wd); watched != watched_.end()) {
        dirty_.insert(watched->second);
      }
    }
  }
}

void LogThread::Thread::look_at_dirty() {
  std::set<model::TaskId> now;
  now.swap(dirty_);
  for (const auto& task : now) {
    const auto log = logs_.find(task);
    if (log == logs_.end()) continue;
    if (look(log->second)) dirty_.insert(task);
    settle(log->second);
  }
}

// Reads a part of every source; true when there is more to read at once.
bool LogThread::Thread::look(TaskLog& log) {
  if (!prepare(log)) return false;
  // With records that could not be written, reading on would only fill memory: the files keep it.
  if (!flush(log)) return false;
  const std::string now = base::iso8601(base::now());
  bool more = false;
  for (auto& [number, attempt] : log.attempts) {
    if (attempt.watch < 0) watch_directory(log.task, attempt);
    more = read(log, attempt, now) || more;
  }
  const bool flushed = flush(log);
  report_size(log);
  return more && flushed;
}

bool LogThread::Thread::read(TaskLog& log, Attempt& attempt, const std::string& now) {
  prepare_attempt(log, attempt);
  std::vector<TaskEvent> events;
  bool more = attempt.events->read(kReadBytes, now, log.file, events);
  report_events(log, attempt, std::move(events));
  if (attempt.out) more = attempt.out->read(kReadBytes, now, log.file) || more;
  if (attempt.err) more = attempt.err->read(kReadBytes, now, log.file) || more;
  return more;
}

void LogThread::Thread::report_events(TaskLog& log, Attempt& attempt,
                                      std::vector<TaskEvent> events) {
  if (auto replay = attempt.events->take_replay(); !replay.empty()) {
    notices_.push_back({log.task, log.file.size(), std::move(replay), true});
  }
  if (!events.empty()) notices_.push_back({log.task, log.file.size(), std::move(events), false});
}

bool LogThread::Thread::prepare(TaskLog& log) {
  if (log.recovered) return true;
  if (auto recovered = log.file.recover(); !recovered) {
    if (!std::exchange(log.failed, true)) {
      base::log_error("a task's log cannot be opened",
                      {{"task", log.task.value}, {"why", recovered.error().message}});
    }
    return false;
  }
  log.recovered = true;
  log.failed = false;
  for (auto& [record, key] : log.waiting) add_daemon_record(log, std::move(record), key);
  log.waiting.clear();
  return true;
}

void LogThread::Thread::prepare_attempt(TaskLog& log, Attempt& attempt) {
  if (attempt.events) return;
  const int number = attempt.number;
  attempt.events.emplace(attempt.directory, number,
                         log.file.last_offset(event_source_name(number)));
  const auto source = [&](OutputStream stream) {
    return OutputSource(attempt.directory, stream, number,
                        log.file.last_offset(OutputSource::source_name(stream, number)));
  };
  if (attempt.options.standard_output) attempt.out.emplace(source(OutputStream::kStdout));
  if (attempt.options.standard_error) attempt.err.emplace(source(OutputStream::kStderr));
}

void LogThread::Thread::add_daemon_record(TaskLog& log, json::object record, std::uint64_t key) {
  const std::string now = base::iso8601(base::now());
  if (!record.contains("timestamp")) record["timestamp"] = now;
  log.file.add(kDaemonSource, key > 0 ? key : log.file.last_offset(kDaemonSource) + 1, record, now);
}

bool LogThread::Thread::flush(TaskLog& log) {
  if (!log.recovered) return false;
  auto flushed = log.file.flush();
  if (!flushed && !log.failed) {
    base::log_error("a task's log cannot be written",
                    {{"task", log.task.value}, {"why", flushed.error().message}});
  }
  log.failed = !flushed;
  return !log.failed;
}

void LogThread::Thread::report_size(TaskLog& log) {
  if (log.reported && log.reported_size == log.file.size()) return;
  log.reported = true;
  log.reported_size = log.file.size();
  notices_.push_back({log.task, log.reported_size, {}, false});
}

void LogThread::Thread::settle(const TaskLog& log) {
  if (log.attempts.empty() && !log.failed)
    active_.erase(log.task);
  else
    active_.insert(log.task);
}

void LogThread::Thread::deliver() {
  if (notices_.empty()) return;
  std::vector<LogNotice> notices;
  notices.swap(notices_);
  // One per task is enough: sizes and events of neighbours are joined.
  std::vector<LogNotice> joined;
  for (auto& notice : notices) {
    if (!joined.empty() && joined.back().task == notice.task &&
        joined.back().replayed == notice.replayed) {
      LogNotice& last = joined.back();
      last.end_offset = std::max(last.end_offset, notice.end_offset);
      std::move(notice.events.begin(), notice.events.end(), std::back_inserter(last.events));
    } else {
      joined.push_back(std::move(notice));
    }
  }
  on_notices_(std::move(joined));
}

void LogThread::Thread::watch_directory(const model::TaskId& task, Attempt& attempt) {
  attempt.watch = ::inotify_add_watch(inotify_.get(), attempt.directory.c_str(), kInotifyMask);
  if (attempt.watch >= 0) watched_[attempt.watch] = task;
}

void LogThread::Thread::unwatch(Attempt& attempt) {
  if (attempt.watch < 0) return;
  ::inotify_rm_watch(inotify_.get(), attempt.watch);
  watched_.erase(attempt.watch);
  attempt.watch = -1;
}

TaskLog& LogThread::Thread::open(const model::TaskId& task, const std::string& directory) {
  const auto [entry, fresh] = logs_.try_emplace(task, task, directory);
  TaskLog& log = entry->second;
  if (fresh) {
    if (auto made = base::make_directories(directory, kTaskDirectoryMode); !made) {
      base::log_error("a task's directory cannot be made",
                      {{"task", task.value}, {"why", made.error().message}});
    }
    if (prepare(log)) report_size(log);
    settle(log);
  }
  return log;
}

void LogThread::Thread::watch(const model::TaskId& task, const std::string& directory,
                              Attempt attempt) {
  TaskLog& log = open(task, directory);
  log.file.set_limit(attempt.options.limit);
  const int number = attempt.number;
  log.attempts.try_emplace(number, std::move(attempt));
  // Announced by inotify from the first look on: most short tasks are over by then.
  dirty_.insert(task);
  settle(log);
}

void LogThread::Thread::append(const model::TaskId& task, json::object record, std::uint64_t key) {
  const auto entry = logs_.find(task);
  if (entry == logs_.end()) {
    base::log_error("a record for a task whose log is not open is dropped", {{"task", task.value}});
    return;
  }
  TaskLog& log = entry->second;
  if (!prepare(log)) {
    log.waiting.emplace_back(std::move(record), key);
    return;
  }
  add_daemon_record(log, std::move(record), key);
  appended_.insert(task);  // written together with what else is there for it
}

void LogThread::Thread::finish(const model::TaskId& task, int attempt, const DoneCallback& done) {
  if (appended_.erase(task) > 0) write_appended(task);
  const auto entry = logs_.find(task);
  if (entry != logs_.end()) {
    TaskLog& log = entry->second;
    const auto found = log.attempts.find(attempt);
    if (found != log.attempts.end()) {
      prepare(log);
      const std::string now = base::iso8601(base::now());
      while (read(log, found->second, now))
        flush(log);  // on a full disk the log's limit bounds this
      std::vector<TaskEvent> events;
      found->second.events->end(now, log.file, events);
      report_events(log, found->second, std::move(events));
      if (found->second.out) found->second.out->end(now, log.file);
      if (found->second.err) found->second.err->end(now, log.file);
      for (const auto* source : {&found->second.out, &found->second.err})
        log.output += *source ? (*source)->offset() : 0;
      unwatch(found->second);
      log.attempts.erase(found);
      flush(log);
      report_size(log);
      settle(log);
    }
  }
  deliver();
  if (done) done();
}

void LogThread::Thread::forget(const model::TaskId& task, bool delete_directory,
                               const ForgottenCallback& done) {
  std::uint64_t kept = 0;
  const auto entry = logs_.find(task);
  if (entry != logs_.end()) {
    TaskLog& log = entry->second;
    for (auto& [number, attempt] : log.attempts) unwatch(attempt);
    if (!delete_directory) flush(log);
    kept = log.file.size() + log.output;
    const std::string directory = log.directory;
    logs_.erase(entry);
    dirty_.erase(task);
    active_.erase(task);
    std::erase_if(notices_, [&](const LogNotice& notice) { return notice.task == task; });
    std::error_code code;
    if (delete_directory) std::filesystem::remove_all(directory, code);
    if (code) {
      base::log_warning("a task's directory cannot be removed",
                        {{"directory", directory}, {"why", code.message()}});
    }
  }
  if (done) done(kept);
}

LogThread::LogThread(NoticeCallback on_notices)
    : thread_(std::make_unique<Thread>(std::move(on_notices))) {}
LogThread::~LogThread() = default;

void LogThread::open(model::TaskId task, std::string task_directory) {
  thread_->post([thread = thread_.get(), task = std::move(task),
                 directory = std::move(task_directory)] { thread->open(task, directory); });
}

void LogThread::watch(model::TaskId task, std::string task_directory, int attempt,
                      std::string attempt_directory, LogOptions options) {
  thread_->post([thread = thread_.get(), task = std::move(task),
                 directory = std::move(task_directory), attempt,
                 attempt_directory = std::move(attempt_directory), options] {
    Attempt followed;
    followed.number = attempt;
    followed.directory = attempt_directory;
    followed.options = options;
    thread->watch(task, directory, std::move(followed));
  });
}

void LogThread::append(model::TaskId task, json::object record, std::uint64_t key) {
  thread_->post([thread = thread_.get(), task = std::move(task), record = std::move(record), key] {
    thread->append(task, record, key);
  });
}

void LogThread::finish(model::TaskId task, int attempt, DoneCallback done) {
  thread_->post([thread = thread_.get(), task = std::move(task), attempt, done = std::move(done)] {
    thread->finish(task, attempt, done);
  });
}

void LogThread::forget(model::TaskId task, bool delete_directory, ForgottenCallback done) {
  thread_->post([thread = thread_.get(), task = std::move(task), delete_directory,
                 done = std::move(done)] { thread->forget(task, delete_directory, done); });
}

}  // namespace berth::supervise
