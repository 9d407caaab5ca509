// SPDX-License-Identifier: Apache-2.0
// The worker program as the daemon runs it: specification in, exit status, events and files out.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <filesystem>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "pictures.h"
#include "temporary_folder.h"

namespace berth::tests {

using boost::json::object;

inline std::string text_of(const boost::json::value& value) { return value.as_string().c_str(); }

inline object parsed(const std::string& text) { return boost::json::parse(text).as_object(); }

/// The processes that `parent` has started and that still run, in order of their numbers.
inline std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> children;
  const std::string path = "/proc/" + std::to_string(parent) + "/task/" + std::to_string(parent);
  std::istringstream words(TemporaryFolder::read(path + "/children"));
  for (pid_t child = 0; words >> child;) children.push_back(child);
  return children;
}

/// One run of the worker in a folder of its own.
struct WorkerRun {
  TemporaryFolder folder;

  /// `prefix`: shell text in front of the program.
  pid_t start(const std::string& task, const object& spec, const std::string& prefix = "") {
    const std::string file = folder.write("spec.json", boost::json::serialize(spec));
    std::filesystem::remove(events_path());
    const std::string command = prefix + "exec " BERTH_WORKER " " + task + " --spec " + file +
                                " > " + folder.path() + "/out 2> " + folder.path() + "/err";
    const pid_t child = ::fork();
    if (child == 0) {
      ::setenv("BERTH_EVENTS", events_path().c_str(), 1);
      ::setenv("BERTH_THREADS", "2", 1);
      ::unsetenv("BERTH_DEVICE");
      ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
      ::_exit(127);
    }
    return child;
  }

  static int wait(pid_t child) {
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  int run(const std::string& task, const object& spec, const std::string& prefix = "") {
    return wait(start(task, spec, prefix));
  }

  std::string events_path() const { return folder.path() + "/events"; }

  std::vector<object> events(const std::string& kind) const {
    std::vector<object> all;
    std::istringstream lines(TemporaryFolder::read(events_path()));
    for (std::string line; std::getline(lines, line);) {
      object event = parsed(line);
      if (text_of(event.at("event")) == kind) all.push_back(std::move(event));
    }
    return all;
  }

  /// The failure event's code; empty unless there is exactly one.
  std::string failure() const {
    const auto failures = events("failure");
    return failures.size() == 1 ? std::string(failures[0].at("code").as_string()) : "";
  }

  object train_spec(int epochs) const {
    return {{"model", "resnet18"},
            {"num_classes", 2},
            {"train_path", folder.path() + "/train"},
            {"val_path", folder.path() + "/val"},
            {"save_path", folder.path() + "/out_model"},
            {"batch_size", 8},
            {"num_epochs", epochs},
            {"learning_rate", 0.001},
            {"image_size", 32},
            {"pretrained", true},
            {"device", "cpu"}};
  }

  std::string saved(const char* name) const { return folder.path() + "/out_model/" + name; }

  object infer_spec() const {
    return {{"cfg_path", nullptr},
            {"weight_path", saved("best_model.safetensors")},
            {"source_path", folder.path() + "/val"},
            {"save_path", folder.path() + "/results"},
            {"device", "cpu"}};
  }
};

}  // namespace berth::tests
