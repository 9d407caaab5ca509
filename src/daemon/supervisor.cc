// SPDX-License-Identifier: Apache-2.0
#include "daemon/supervisor.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "base/fd.h"
#include "base/log.h"
#include "base/priority.h"
#include "daemon/allocator_hints.h"
#include "model/device_words.h"
#include "model/task_words.h"
#include "supervise/launch.h"

namespace berth::daemon {

namespace {

using supervise::Adoption;

constexpr base::Duration kLookAgain{20};
constexpr base::Duration kLauncherPause{10'000};
constexpr int kLastPatience = 1'000;  // ms
constexpr int kMostFailedLooks = 500;

// The originals' log shows the task's own words only; a command has no events, so its output is
// its log.
// Beside the attempt's other files, so that the next daemon knows it of a task that it adopts.
constexpr const char* kEnforcementFile = "/enforcement.json";
constexpr const char* kSpecificationFile = "/spec.json";

void write_enforcement(const std::string& directory, const model::Enforcement& enforcement,
                       std::size_t limits) {
  auto object = model::to_json(enforcement);
  object["limits"] = limits;
  // After a power cut there is no task left that it could be about.
  auto written = base::write_file(directory + kEnforcementFile, base::to_text(object) + "\n", 0600,
                                  base::Durability::kWhateverIsLeft);
  if (!written)
    base::log_warning("cannot note how a task is limited", {{"reason", written.error().message}});
}

std::string mps_pipes(const model::TaskRecord& record) {
  constexpr const char* kVariable = "CUDA_MPS_PIPE_DIRECTORY";
  const auto own = record.env.find(kVariable);
  if (own != record.env.end()) return own->second;
  const char* ours = std::getenv(kVariable);
  return ours != nullptr ? ours : "";
}

supervise::LogOptions log_options(const model::TaskRecord& record, base::Bytes limit) {
  const bool output = !record.request.builtin;
  return supervise::LogOptions{output, output, limit};
}

}  // namespace

std::string task_directory(const std::string& state_dir, const model::TaskId& id) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string name;
  for (const char c : id.value) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || (c == '.' && !name.empty());
    if (plain) {
      name += c;
    } else {
      name += '%';
      name += kHex[byte >> 4];
      name += kHex[byte & 15];
    }
  }
  // A long id in another script grows threefold; file names end at 255 bytes.
  if (name.size() > 200)
    name = name.substr(0, 180) + "%" + std::to_string(std::hash<std::string>{}(id.value));
  return state_dir + "/tasks/" + name;
}

std::string attempt_directory(const std::string& state_dir, const model::TaskId& id, int attempt) {
  return task_directory(state_dir, id) + "/" + std::to_string(attempt);
}

Supervisor::Supervisor(Loop& loop, Options options, Callbacks callbacks)
    : loop_(loop),
      options_(std::move(options)),
      callbacks_(std::move(callbacks)),
      cgroups_(
          supervise::Cgroups::detect(std::to_string(std::hash<std::string>{}(options_.state_dir)))),
      enforcer_(options_.enforcement, cgroups_),
      idle_(loop),
      self_(std::make_shared<Supervisor*>(this)) {
  logs_ = std::make_unique<supervise::LogThread>(
      [&loop, weak = std::weak_ptr<Supervisor*>(self_)](std::vector<supervise::LogNotice> notices) {
        loop.post([weak, notices = std::move(notices)] {
          const auto self = weak.lock();
          if (self == nullptr) return;
          for (const auto& notice : notices) (*self)->callbacks_.notice(notice);
        });
      });
  cgroups_.sweep();
  start_launcher();
}

Supervisor::~Supervisor() {
  self_.reset();
  let_go_of_the_last();
  running_.clear();
  idle_.clear();
  logs_.reset();
  cgroups_.release();
}

void Supervisor::reconfigure(base::Duration cancel_grace, base::Bytes max_output,
                             base::Bytes max_log) {
  options_.cancel_grace = cancel_grace;
  options_.max_output = max_output;
  options_.max_log = max_log;
}

void Supervisor::open_log(const model::TaskId& id) {
  logs_->open(id, task_directory(options_.state_dir, id));
}

void Supervisor::append_log(const model::TaskId& id, base::json::object record, std::uint64_t key) {
  logs_->append(id, std::move(record), key);
}

void Supervisor::complete_log(const model::TaskRecord& record, int attempt) {
  if (attempt < 1) return;
  watch_log(record, attempt);
  logs_->finish(record.id(), attempt, {});
}

void Supervisor::close_log(const model::TaskId& id,
                           std::function<void(std::uint64_t kept)> closed) {
  logs_->forget(id, false, posted(std::move(closed)));
}

void Supervisor::delete_task(const model::TaskId& id, std::function<void()> deleted) {
  open_log(id);  // only a log that is known has a directory to remove
  logs_->forget(id, true, [done = posted(std::move(deleted))](std::uint64_t) { done(); });
}

base::Status Supervisor::write_specification(const model::TaskRecord& record, const Grant& grant) {
  const std::string directory = task_directory(options_.state_dir, record.id());
  if (auto status = base::make_directories(directory, supervise::kTaskDirectoryMode); !status)
    return status;
  return base::write_file(directory + kSpecificationFile,
                          base::to_text(worker_specification(record, grant)) + "\n", 0600,
                          base::Durability::kWhateverIsLeft);
}

void Supervisor::watch_log(const model::TaskRecord& record, int attempt) {
  logs_->watch(record.id(), task_directory(options_.state_dir, record.id()), attempt,
               attempt_directory(options_.state_dir, record.id(), attempt),
               log_options(record, options_.max_log));
}

supervise::Enforcer::Measures Supervisor::enforce(const model::TaskRecord& record,
                                                  const Grant& grant,
                                                  supervise::LaunchSpec& spec) const {
  spec.env = task_environment(record, grant);
  supervise::Enforcer::Task task;
  task.cgroup = spec.cgroup;
  if (record.placement) task.placement = *record.placement;
  task.given = grant.devices;
  task.withheld = grant.withheld;
  task.nvidia_driver = grant.nvidia_driver;
  task.mps_pipes = mps_pipes(record);
  task.user = spec.user ? spec.user->uid : ::geteuid();
  // The built-in workers cap their allocator at BERTH_MEMORY_LIMIT.
  task.hinted =
      record.request.builtin || !allocator_hints(task.placement, least_memory(grant)).empty();
  auto measures = enforcer_.prepare(task);
  for (const auto& [name, value] : measures.env) {
    std::erase_if(spec.env, [&](const auto& entry) { return entry.starts_with(name + "="); });
    spec.env.push_back(name + "=" + value);
  }
  spec.limits = measures.limits;
  spec.limits_program = measures.limits_program;
  return measures;
}

// As whom it runs. What Berth chose for its results is made for that user; it starts in the user's
// home, since nobody else may write into the attempt's directory.
base::Status Supervisor::prepare_user(const model::TaskRecord& record, const Grant& grant,
                                      supervise::LaunchSpec& spec) const {
  if (!record.run_as) return {};
  spec.user = supervise::LaunchSpec::User{};
  auto& user = *spec.user;
  user.uid = record.run_as->uid;
  user.gid = grant.account ? grant.account->gid : record.run_as->gid;
  user.groups = grant.account ? base::groups_of(*grant.account) : std::vector<gid_t>{user.gid};
  user.limits = record.run_as->limits;
  const auto give = [&](const std::string& path) -> base::Status {
    if (::chown(path.c_str(), user.uid, user.gid) == 0) return {};
    return base::fail(
        base::errno_error("cannot give " + path + " to the user " + record.request.user, errno));
  };
  if (record.request.builtin) {
    const auto file = task_directory(options_.state_dir, record.id()) + kSpecificationFile;
    if (auto status = give(file); !status) return status;
  }
  std::error_code ignored;
  if (spec.cwd.empty() && grant.account &&
      std::filesystem::is_directory(grant.account->home, ignored)) {
    spec.cwd = grant.account->home;
  }
  if (!record.save_path.starts_with(options_.state_dir + "/")) return {};
  if (auto status = base::make_directories(record.save_path, 0755); !status) return status;
  return give(record.save_path);
}

base::Result<supervise::ShimCommand> Supervisor::begin(const model::TaskRecord& record, int attempt,
                                                       const Grant& grant,
                                                       const IdleShims::Shim* shim) {
  const model::TaskId& id = record.id();
  supervise::LaunchSpec spec;
  spec.task = id;
  spec.attempt = attempt;
  spec.directory = attempt_directory(options_.state_dir, id, attempt);
  spec.argv = record.argv;
  if (record.request.builtin) {
    if (auto status = write_specification(record, grant); !status)
      return base::fail(status.error());
    const auto [program, verb] = worker_for(record.type);
    spec.argv = {options_.worker_dir + "/" + std::string(program), std::string(verb), "--spec",
                 task_directory(options_.state_dir, id) + kSpecificationFile};
  }
  spec.cwd = record.cwd;
  spec.grace = options_.cancel_grace;
  spec.timeout = record.request.time_limit;
  spec.nice = base::usual_nice();
  spec.max_output = options_.max_output;
  // What is set up on a cgroup for a task stays there.
  spec.keep_cgroup = shim != nullptr && grant.withheld.empty() && cgroups_.available();
  if (!spec.keep_cgroup)
    spec.cgroup = cgroups_.path_for(id, attempt);
  else if (!shim->cgroup.empty())
    spec.cgroup = shim->cgroup;
  else
    spec.cgroup = cgroups_.path_for_shim(run_ + "." + std::to_string(++cgroup_count_));
  if (auto status = prepare_user(record, grant, spec); !status) return base::fail(status.error());
  const auto measures = enforce(record, grant, spec);
  auto command = supervise::prepare(options_.shim, spec);
  if (!command) {
    (void)supervise::remove_cgroup(spec.cgroup);
    return base::fail(command.error());
  }
  Running& running = running_[id];
  running.wait.reset();
  if (running.pidfd.valid() && running.attempt != attempt)
    set_aside(id, running.attempt, std::move(running.pidfd));
  running = Running{};
  running.attempt = attempt;
  running.cgroup = spec.cgroup;
  running.keeps_cgroup = spec.keep_cgroup;
  running.enforcement = measures.enforcement;
  running.limits = spec.limits.size();
  running.held = shim != nullptr ? Held::kWaiting : Held::kNot;
  // For most tasks of a machine without GPUs there is nothing to remember.
  if (!grant.withheld.empty() || running.enforcement != enforcer_.without_gpus() ||
      running.limits > 0)
    write_enforcement(spec.directory, running.enforcement, running.limits);
  return command;
}

void Supervisor::launch(const model::TaskRecord& record, int attempt, const Grant& grant) {
  const model::TaskId& id = record.id();
  const auto found = running_.find(id);
  if (found != running_.end() && found->second.attempt == attempt) {
    base::log_error("an attempt was to be launched a second time",
                    {{"task", id.value}, {"attempt", std::to_string(attempt)}});
    return;
  }
  auto command = begin(record, attempt, grant, nullptr);
  if (!command) return callbacks_.launch_failed(id, attempt, command.error().message);
  watch_log(record, attempt);
  const auto number = launcher_ ? launcher_->send(*command) : std::nullopt;
  if (number) {
    launching_.emplace(*number, Asked{id, attempt, false});
  } else {
    started(id, attempt, supervise::launch(std::move(*command)));
  }
}

void Supervisor::prepare(const model::TaskRecord& record, int attempt, const Grant& grant) {
  const model::TaskId& id = record.id();
  if (!launcher_ || !hold_ || running_.contains(id)) return;
  auto shim = idle_.take();
  const IdleShims::Shim fresh;
  const auto command = begin(record, attempt, grant, shim ? &*shim : &fresh);
  if (!command || !supervise::fits(*command)) {
    running_.erase(id);  // launch() can, or says why not
    if (shim) idle_.add(std::move(*shim));
    return;
  }
  for (; shim; shim = idle_.take()) {
    if (supervise::send_next(shim->process.channel, *command))
      return follow(id, attempt, std::move(shim->process));
    // Somebody killed it.
    if (shim->cgroup != running_.at(id).cgroup) (void)supervise::remove_cgroup(shim->cgroup);
  }
  if (const auto number = launcher_->send(*command, true)) {
    launching_.emplace(*number, Asked{id, attempt, true});
  } else {
    drop(id);
  }
}

bool Supervisor::release(const model::TaskRecord& record, int attempt) {
  const auto found = running_.find(record.id());
  if (found == running_.end() || found->second.attempt != attempt ||
      found->second.held != Held::kWaiting) {
    return false;
  }
  if (found->second.channel.valid() && !supervise::say_go(found->second.channel))
    return !drop_held(record.id(), attempt);
  watch_log(record, attempt);
  found->second.held = Held::kReleased;
  return true;
}

// What is recorded as launched is to run while there is no daemon, too.
void Supervisor::let_go_of_the_last() {
  const auto waited_for = [this](const auto& entry) {
    const Asked& asked = entry.second;
    const auto found = running_.find(asked.id);
    return found != running_.end() && found->second.attempt == asked.attempt &&
           found->second.held != Held::kWaiting;
  };
  while (launcher_ && std::any_of(launching_.begin(), launching_.end(), waited_for)) {
    pollfd ready{launcher_->fd(), POLLIN, 0};
    const int got = ::poll(&ready, 1, kLastPatience);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    auto reply = launcher_->receive();
    if (!reply) return;
    if (!*reply) continue;
    const auto asked = launching_.find((*reply)->number);
    if (asked == launching_.end()) continue;
    if (waited_for(*asked) && (*reply)->launched && (*reply)->launched->channel.valid())
      (void)supervise::say_go((*reply)->launched->channel);
    launching_.erase(asked);
  }
}

void Supervisor::start_launcher() {
  auto launcher = supervise::Launcher::start(options_.shim);
  if (!launcher) return;  // then each is started as our own child, or that says why not
  launcher_.emplace(std::move(*launcher));
  launcher_wait_ = loop_.on_readable(launcher_->fd(), [this] { take_replies(); });
}

void Supervisor::take_replies() {
  while (launcher_) {
    auto reply = launcher_->receive();
    if (!reply) return launcher_gone();
    if (!*reply) return;
    const auto asked = launching_.extract((*reply)->number);
    if (asked.empty()) continue;
    const auto& [id, attempt, held] = asked.mapped();
    const auto found = running_.find(id);
    const bool current = found != running_.end() && found->second.attempt == attempt;
    if (held && !current) {
      // It ends when its channel is closed, which is now.
    } else if (held && !(*reply)->launched && found->second.held == Held::kWaiting) {
      drop(id);  // launch() does it all
    } else {
      started(id, attempt, std::move((*reply)->launched));
    }
  }
}

// Somebody killed it. What was asked of it may run or not.
void Supervisor::launcher_gone() {
  base::log_warning("the launcher of shims has ended: it is started anew in a while");
  launcher_.reset();
  launcher_wait_ = loop_.after(kLauncherPause, [this] { start_launcher(); });
  for (const auto& [number, asked] : std::exchange(launching_, {})) {
    const auto& [id, attempt, held] = asked;
    if (held && drop_held(id, attempt)) continue;
    const auto revoked = supervise::revoke(attempt_directory(options_.state_dir, id, attempt));
    const auto found = running_.find(id);
    if (!revoked || !*revoked || found == running_.end() || found->second.attempt != attempt) {
      look(id, attempt);
      continue;
    }
    drop(id);
    posted([this, id = id, attempt = attempt] { callbacks_.undone(id, attempt); })();
  }
}

void Supervisor::started(const model::TaskId& id, int attempt,
                         base::Result<supervise::Launched> launched) {
  const auto found = running_.find(id);
  const bool current = found != running_.end() && found->second.attempt == attempt;
  if (launched && current) return follow(id, attempt, std::move(*launched));
  if (launched) return set_aside(id, attempt, std::move(launched->pidfd));
  if (!current) {  // given up, and no process is left of it
    supervise::Ended ended;
    ended.exit.cause = "device_lost";
    posted([this, id, attempt, ended] { callbacks_.ended(id, attempt, ended); })();
    return;
  }
  drop(id);
  callbacks_.launch_failed(id, attempt, launched.error().message);
}

void Supervisor::follow(const model::TaskId& id, int attempt, supervise::Launched shim) {
  Running& task = running_[id];
  task.attempt = attempt;
  task.wait.reset();
  task.shim_pid = shim.shim_pid;
  task.pidfd = std::move(shim.pidfd);
  task.channel = std::move(shim.channel);
  processes_.add(id, attempt, task.shim_pid);
  const int told_by = task.channel.valid() ? task.channel.get() : task.pidfd.get();
  task.wait = loop_.on_readable(told_by, [this, id, attempt] { ended_or_gone(id, attempt); });
  if (task.held == Held::kReleased && task.channel.valid()) (void)supervise::say_go(task.channel);
  if (task.stop_requested) stop(id, attempt, false);
}

void Supervisor::ended_or_gone(const model::TaskId& id, int attempt) {
  const auto found = running_.find(id);
  if (found == running_.end() || found->second.attempt != attempt) return;
  Running& task = found->second;
  if (task.channel.valid()) {
    const auto word = supervise::hear(task.channel);
    if (word == supervise::Word::kNothing) return;
    if (word == supervise::Word::kEnded) task.held = Held::kIdle;
  } else if (auto reaped = supervise::reap(task.pidfd.get()); !reaped) {
    // A zombie until its status is taken; one that we did not start has no status for us.
    base::log_warning("cannot take a shim's exit status",
                      {{"task", id.value}, {"reason", reaped.error().message}});
  }
  task.wait.reset();
  look(id, attempt);
}

// Not one that was sent a signal, which it may find when it has the next attempt.
void Supervisor::set_free(const model::TaskId& id, Running& task) {
  if (task.held != Held::kIdle || task.signalled) {
    // One that has been killed at the last moment could not remove it.
    if (task.keeps_cgroup && task.held != Held::kIdle) (void)supervise::remove_cgroup(task.cgroup);
    return;
  }
  processes_.remove(id);
  idle_.add({{task.shim_pid, std::move(task.pidfd), std::move(task.channel)},
             task.keeps_cgroup ? task.cgroup : std::string()});
}

// Of an attempt that has not run and that no shim will claim any more, all that was made for it;
// nothing when there is none.
void Supervisor::drop(const model::TaskId& id) {
  const auto found = running_.find(id);
  if (found == running_.end()) return;
  const Running& task = found->second;
  (void)supervise::remove_cgroup(task.cgroup);
  if (task.shim_pid > 0) {
    const auto directory = attempt_directory(options_.state_dir, id, task.attempt);
    ::unlink(supervise::unclaimed_path(directory, task.shim_pid).c_str());
  }
  running_.erase(found);
  processes_.remove(id);
}

// The shim of a prepared attempt is gone before it was let go: launch() starts another.
bool Supervisor::drop_held(const model::TaskId& id, int attempt) {
  const auto found = running_.find(id);
  if (found == running_.end() || found->second.attempt != attempt ||
      found->second.held != Held::kWaiting) {
    return false;
  }
  drop(id);
  return true;
}

// What has become of the attempt, after its shim ended or when it is being taken over.
void Supervisor::look(const model::TaskId& id, int attempt) {
  auto found = running_.find(id);
  if (found == running_.end() || found->second.attempt != attempt) return;
  if (drop_held(id, attempt)) return;
  auto adoption = supervise::adopt(attempt_directory(options_.state_dir, id, attempt));
  if (!adoption && ++found->second.failed_looks < kMostFailedLooks) {
    // Out of descriptors, say: the record will still be there.
    idle_.clear();
    found->second.retry = loop_.after(kLookAgain, [this, id, attempt] { look(id, attempt); });
    return;
  }
  if (!adoption) {
    base::log_error("cannot read an attempt's directory",
                    {{"task", id.value}, {"reason", adoption.error().message}});
    supervise::Ended lost;
    lost.exit.cause = "lost";
    lost.message = adoption.error().message;
    return finish(id, attempt, std::move(lost));
  }
  switch (adoption->phase) {
    case Adoption::Phase::kRunning:
      return follow(id, attempt, {adoption->shim.pid, std::move(adoption->pidfd), {}});
    case Adoption::Phase::kStarting:
      found->second.retry = loop_.after(kLookAgain, [this, id, attempt] { look(id, attempt); });
      return;
    case Adoption::Phase::kEnded:
      set_free(id, found->second);
      return finish(id, attempt, std::move(adoption->ended));
    case Adoption::Phase::kNeverStarted: {
      // Only after a launch of ours whose shim could not even claim: nothing ran. One that an
      // earlier run of the daemon started could yet.
      const auto revoked = supervise::revoke(attempt_directory(options_.state_dir, id, attempt));
      if (revoked && !*revoked) return look(id, attempt);
      const bool was_held = found->second.held == Held::kReleased;
      const bool signalled = found->second.signalled;
      drop(id);
      if (was_held) {
        // It went with the launcher, or could not get what it needs: without holding, for a while,
        // the next one will say which.
        // Not one that was told to end.
        if (!signalled) {
          hold_ = false;
          hold_again_ = loop_.after(kLauncherPause, [this] { hold_ = true; });
        }
        return posted([this, id, attempt] { callbacks_.undone(id, attempt); })();
      }
      return callbacks_.launch_failed(id, attempt, std::string(model::words::kShimEndedEarly));
    }
    case Adoption::Phase::kRevoked:
      drop(id);
      return posted([this, id, attempt] { callbacks_.undone(id, attempt); })();
    case Adoption::Phase::kVanished:
      break;
  }
  if (auto killed = supervise::kill_strays(id, attempt); !killed) {
    base::log_warning("cannot look for strays of a lost task", {{"task", id.value}});
  }
  if (auto status = supervise::remove_cgroup(adoption->cgroup); !status) {
    base::log_warning("cannot remove a cgroup",
                      {{"task", id.value}, {"reason", status.error().message}});
  }
  finish(id, attempt, std::move(adoption->ended));
}

void Supervisor::finish(const model::TaskId& id, int attempt, supervise::Ended ended) {
  auto report = posted([this, id, attempt, ended = std::move(ended)] {
    const auto found = running_.find(id);
    if (found != running_.end() && found->second.attempt == attempt) {
      running_.erase(found);
      processes_.remove(id);
    }
    callbacks_.ended(id, attempt, ended);
  });
  // What the task has said in its events belongs to its end. Where it has said nothing the log can
  // be completed meanwhile: what is appended later comes behind it all the same.
  struct stat events{};
  const auto path = supervise::events_path(attempt_directory(options_.state_dir, id, attempt));
  const bool silent = ::stat(path.c_str(), &events) == 0 ? events.st_size == 0 : errno == ENOENT;
  if (silent) {
    logs_->finish(id, attempt, {});
    report();
  } else {
    logs_->finish(id, attempt, std::move(report));
  }
}

// Its process could not be killed with its device. When it is gone the device can be used again.
void Supervisor::set_aside(const model::TaskId& id, int attempt, base::Fd pidfd) {
  Fenced& fenced = fenced_[{id, attempt}];
  fenced.pidfd = std::move(pidfd);
  fenced.wait = loop_.on_readable(fenced.pidfd.get(), [this, id, attempt] {
    const auto found = fenced_.find({id, attempt});
    if (found == fenced_.end()) return;
    (void)supervise::reap(found->second.pidfd.get());  // one that we did not start has no status
    found->second.wait.reset();
    fenced_.erase(found);
    supervise::Ended ended;
    ended.exit.cause = "device_lost";
    callbacks_.ended(id, attempt, ended);
  });
}

void Supervisor::give_up(const model::TaskId& id, int attempt) {
  const auto found = running_.find(id);
  if (found == running_.end() || found->second.attempt != attempt) return;
  found->second.wait.reset();
  base::Fd pidfd = std::move(found->second.pidfd);
  running_.erase(found);
  processes_.remove(id);
  const bool on_its_way = std::any_of(launching_.begin(), launching_.end(), [&](const auto& asked) {
    return asked.second.id == id && asked.second.attempt == attempt;
  });
  if (pidfd.valid()) {
    set_aside(id, attempt, std::move(pidfd));
  } else if (!on_its_way) {
    follow_fenced(id, attempt);
  }
}

void Supervisor::follow_fenced(const model::TaskId& id, int attempt) {
  auto adoption = supervise::adopt(attempt_directory(options_.state_dir, id, attempt));
  if (adoption && adoption->phase == Adoption::Phase::kRunning) {
    set_aside(id, attempt, std::move(adoption->pidfd));
    return;
  }
  supervise::Ended ended;
  ended.exit.cause = "device_lost";
  loop_.post([this, id, attempt, ended] { callbacks_.ended(id, attempt, ended); });
}

void Supervisor::stop(const model::TaskId& id, int attempt, bool now) {
  const auto found = running_.find(id);
  if (found == running_.end() || found->second.attempt != attempt) return;
  found->second.stop_requested = true;
  found->second.kill_requested = found->second.kill_requested || now;
  signal(id, found->second,
         found->second.kill_requested ? supervise::kKillSignal : supervise::kCancelSignal);
}

void Supervisor::end_for_memory(const model::TaskId& id, int attempt) {
  const auto found = running_.find(id);
  if (found == running_.end() || found->second.attempt != attempt) return;
  signal(id, found->second, supervise::kMemorySignal);  // asked again in a second
}

void Supervisor::signal(const model::TaskId& id, Running& task, int signal) {
  if (!task.pidfd.valid()) return;
  task.signalled = true;
  const auto status = supervise::send_signal(task.pidfd.get(), signal);
  if (!status && status.error().code != base::ErrorCode::kNotFound) {
    base::log_warning("cannot signal a task",
                      {{"task", id.value}, {"reason", status.error().message}});
  }
}

std::optional<model::Enforcement> Supervisor::enforcement(const model::TaskId& id) const {
  const auto found = running_.find(id);
  if (found == running_.end()) return std::nullopt;
  const Running& task = found->second;
  if (task.limits == 0) return task.enforcement;
  const auto hold =
      supervise::limits_hold(attempt_directory(options_.state_dir, id, task.attempt), task.limits);
  if (!hold || !*hold) return task.enforcement;
  auto with_limits = task.enforcement;
  with_limits.rung = model::Rung::kKernel;
  with_limits.by = std::string(model::words::kNvidiaLimits);
  return with_limits;
}

bool Supervisor::revoke(const model::TaskRecord& record) {
  const auto revoked =
      supervise::revoke(attempt_directory(options_.state_dir, record.id(), record.attempt));
  if (revoked) return *revoked || !adopt(record);
  base::log_warning("cannot revoke an attempt",
                    {{"task", record.id().value}, {"reason", revoked.error().message}});
  return true;
}

bool Supervisor::adopt(const model::TaskRecord& record) {
  const model::TaskId& id = record.id();
  const int attempt = record.attempt;
  auto adoption = supervise::adopt(attempt_directory(options_.state_dir, id, attempt));
  if (adoption && adoption->phase == Adoption::Phase::kNeverStarted) return false;
  Running& running = running_[id];
  running.wait.reset();
  running = Running{};
  running.attempt = attempt;
  running.stop_requested = record.cancelling;
  running.enforcement = enforcer_.without_gpus();
  const auto known =
      base::read_file(attempt_directory(options_.state_dir, id, attempt) + kEnforcementFile, 4096);
  const auto parsed = known ? base::parse_json(*known) : base::fail(known.error());
  if (parsed && parsed->is_object()) {
    running.enforcement = model::enforcement_from_json(parsed->as_object());
    running.limits = static_cast<std::size_t>(base::int_or(parsed->as_object(), "limits"));
  }
  watch_log(record, attempt);
  look(id, attempt);
  return true;
}

}  // namespace berth::daemon
