// SPDX-License-Identifier: Apache-2.0
// Starting shims by a process of ours that does nothing else (shim/launcher.h): nobody waits for an
// execve(2), and a shim costs a fork, or nothing where one takes the next attempt. Never waits. One
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "supervise/launch.h"

namespace berth::supervise {

class Launcher {
 public:
  /// kIoError when it cannot be started.
  static base::Result<Launcher> start(const std::string& shim_path);

  Launcher(Launcher&& other) noexcept
      : socket_(std::move(other.socket_)),
        pid_(std::exchange(other.pid_, -1)),
        last_(other.last_),
        there_(other.there_) {}
  Launcher& operator=(Launcher&&) = delete;
  /// Ends it. Its shims go on.
  ~Launcher();

  /// Readable when there is something to receive; hung up when the launcher is gone.
  [[nodiscard]] int fd() const { return socket_.get(); }

  /// Asks for a shim; its number. std::nullopt for what it cannot take (too long, too many at a
  /// time, gone, not there yet): launch() can. One that is `held` claims and runs nothing before
  /// say_go().
  std::optional<std::uint32_t> send(const ShimCommand& command, bool held = false);

  struct Reply {
    std::uint32_t number = 0;  // 0: it is there, and nothing else
    base::Result<Launched> launched;
  };
  /// std::nullopt when there is nothing at the moment; kNotFound when it is gone: what was asked
  /// for may have been started or not.
  base::Result<std::optional<Reply>> receive();

 private:
  Launcher(base::Fd socket, pid_t pid) : socket_(std::move(socket)), pid_(pid) {}

  base::Fd socket_;
  pid_t pid_ = -1;
  std::uint32_t last_ = 0;
  bool there_ = false;
};

// ---- a held shim, by its channel ----

/// Lets it run its attempt. False when it is gone.
bool say_go(const base::Fd& channel);

/// Whether a launcher or a held shim can take the command: else it is too long or has too many
/// parts.
bool fits(const ShimCommand& command);

/// Its next attempt, which it holds as it did the first. To one that has said kEnded. False when it
/// is gone or cannot take the command.
bool send_next(const base::Fd& channel, const ShimCommand& command);

enum class Word : std::uint8_t {
  kNothing,  // at the moment
  kEnded,    // the attempt has ended, its exit record is there; the shim waits for the next one
  kGone,     // it will say nothing more
};
/// The channel is readable when there is something to hear.
Word hear(const base::Fd& channel);

}  // namespace berth::supervise
