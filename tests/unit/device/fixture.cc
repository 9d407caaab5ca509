// SPDX-License-Identifier: Apache-2.0
#include "device/fixture.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

namespace berth::device {

bool wait_until(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < end) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return condition();
}

Folder::Folder() {
  std::string name = (std::filesystem::temp_directory_path() / "berth-device-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
  path_ = name;
}

Folder::~Folder() {
  std::error_code code;
  std::filesystem::remove_all(path_, code);
}

void Folder::write(const std::string& name, const std::string& content) const {
  const std::filesystem::path file = path_ + '/' + name;
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << content;
}

Child::Child(const std::vector<std::string>& command) {
  std::vector<char*> argv;
  for (const auto& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  const int code = ::posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (code != 0) throw std::runtime_error("cannot start " + command.front());
}

void Child::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  wait();
}

int Child::wait() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

FakeMachine::FakeMachine() {
  ::setenv("BERTH_FAKE_NVML_LEDGER", (folder_.path() + "/ledger").c_str(), 1);
}
FakeMachine::~FakeMachine() { ::unsetenv("BERTH_FAKE_NVML_LEDGER"); }

void FakeMachine::ctl(const std::string& words) {
  ASSERT_EQ(std::system((fake("fakegpu-ctl ") + words).c_str()), 0) << words;
}

Options FakeMachine::options(const std::string& variant) {
  Options options;
  options.nvml_library = fake(variant + "libnvidia-ml.so.1");
  return options;
}

const model::Device* find_device(const model::Inventory& inventory, const std::string& name) {
  for (const auto& device : inventory.devices) {
    if (device.name == name) return &device;
  }
  return nullptr;
}

const model::Sample& sample_of(const Readout& readout, const std::string& name) {
  static const model::Sample none;
  for (std::size_t i = 0; i < readout.samples.size(); ++i) {
    if (readout.inventory.devices[i].name == name) return readout.samples[i];
  }
  ADD_FAILURE() << "no device " << name;
  return none;
}

}  // namespace berth::device
