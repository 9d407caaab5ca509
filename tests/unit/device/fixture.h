// SPDX-License-Identifier: Apache-2.0
// A simulated machine of its own per test, foreign processes on it, trees of files, waiting without
// sleeping blindly.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "device/inventory.h"

namespace berth::device {

/// Polls until `condition` holds; false after ten seconds.
bool wait_until(const std::function<bool()>& condition);

/// A folder that goes away with the object.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }
  void write(const std::string& name, const std::string& content) const;

 private:
  std::string path_;
};

/// A child process that is killed and collected with the object.
class Child {
 public:
  explicit Child(const std::vector<std::string>& command);
  ~Child() { kill(); }
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  [[nodiscard]] pid_t pid() const { return pid_; }
  void kill();
  /// Waits for the end: the exit status, 128 + n for a signal.
  int wait();

 private:
  pid_t pid_ = -1;
};

class FakeMachine : public ::testing::Test {
 protected:
  FakeMachine();
  ~FakeMachine() override;

  /// fakegpu-ctl with these words; fails the test when it fails.
  static void ctl(const std::string& words);
  static std::string fake(const std::string& name) {
    return std::string(BERTH_FAKES_DIR) + '/' + name;
  }
  static Options options(const std::string& variant = "");
  [[nodiscard]] const Folder& folder() const { return folder_; }

 private:
  Folder folder_;
};

const model::Device* find_device(const model::Inventory& inventory, const std::string& name);
/// The sample of "cuda:1" and the like; fails the test when there is none.
const model::Sample& sample_of(const Readout& readout, const std::string& name);

inline constexpr const char* kGpu0 = "GPU-be000000-0000-4000-8000-000000000000";
inline constexpr const char* kGpu1 = "GPU-be000001-0000-4000-8000-000000000001";

}  // namespace berth::device
