// SPDX-License-Identifier: Apache-2.0
// What the tests of supervise/ share: a directory of their own, waiting with a deadline, and a
// shell script run through the real shim.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/text.h"
#include "supervise/adopt.h"
#include "supervise/launch.h"
#include "supervise/process.h"

namespace berth::supervise::testing {

inline constexpr std::chrono::seconds kDeadline{30};

/// Asks until `condition` holds; false after the deadline.
inline bool wait_until(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + kDeadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    ::poll(nullptr, 0, 2);
  }
  return true;
}

class TempDir {
 public:
  TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "berth-test-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string operator/(std::string_view name) const {
    return path_ + "/" + std::string(name);
  }

 private:
  std::string path_;
};

inline std::string content(const std::string& path) {
  auto text = base::read_file(path, 1U << 30);
  return text ? *text : std::string();
}

inline void append_to(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::app | std::ios::binary) << text;
}

/// Writes a file, making the folders above it.
inline void put(const std::string& path, std::string_view text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

inline LaunchSpec script(const TempDir& dir, const std::string& text,
                         const std::string& task = "t1") {
  LaunchSpec spec;
  spec.task = model::TaskId(task);
  spec.directory = dir / "attempt";
  spec.argv = {"/bin/sh", "-c", text};
  spec.env = {"PATH=/usr/bin:/bin"};
  spec.cwd = dir.path();
  return spec;
}

inline Launched start(const LaunchSpec& spec) {
  auto launched = launch(BERTH_SHIM, spec);
  EXPECT_TRUE(launched) << (launched ? "" : launched.error().message);
  return launched ? std::move(*launched) : Launched{};
}

/// The shim's own exit status, waited for.
inline int wait_for_shim(const Launched& launched) {
  EXPECT_TRUE(wait_until([&] { return has_ended(launched.pidfd.get()); }));
  const auto status = reap(launched.pidfd.get());
  EXPECT_TRUE(status && *status);
  return status && *status ? **status : -1;
}

inline Adoption adopted(const std::string& directory) {
  auto adoption = adopt(directory);
  EXPECT_TRUE(adoption) << (adoption ? "" : adoption.error().message);
  return adoption ? std::move(*adoption) : Adoption{};
}

/// Runs to the end and reads the exit record.
inline Ended run(const LaunchSpec& spec) {
  const Launched launched = start(spec);
  EXPECT_EQ(wait_for_shim(launched), 0);
  Adoption adoption = adopted(spec.directory);
  EXPECT_EQ(adoption.phase, Adoption::Phase::kEnded);
  return adoption.ended;
}

inline bool exists(const std::string& path) { return std::filesystem::exists(path); }

/// True when no living process (zombies count as dead) has this number.
inline bool is_gone(int pid) {
  const std::string stat = content("/proc/" + std::to_string(pid) + "/stat");
  const auto behind_name = stat.rfind(')');
  return behind_name == std::string::npos || stat[behind_name + 2] == 'Z' ||
         stat[behind_name + 2] == 'X';
}

inline int pid_in(const std::string& path) { return std::atoi(content(path).c_str()); }

/// Waits until the file holds a whole line, then reads the number in it.
inline int wait_for_pid(const std::string& path) {
  EXPECT_TRUE(wait_until([&] { return content(path).ends_with('\n'); })) << path;
  return pid_in(path);
}

}  // namespace berth::supervise::testing
