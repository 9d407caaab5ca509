// SPDX-License-Identifier: Apache-2.0
#include "daemon/config.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace berth::daemon {
namespace {

class ConfigTest : public testing::Test {
 protected:
  ConfigTest() {
    char name[] = "/tmp/berth-config-XXXXXX";
    directory_ = mkdtemp(name);
    for (const char* variable :
         {"BERTH_LISTEN", "BERTH_STATE_DIR", "BERTH_NVML_LIBRARY", "BERTH_CONFIG",
          "MAX_TRAINING_CONCURRENT_GPU", "LC_ALL", "LC_MESSAGES", "LANG"}) {
      unsetenv(variable);
    }
  }
  ~ConfigTest() override { std::filesystem::remove_all(directory_); }

  std::string file(const std::string& content) {
    const std::string path = directory_ + "/berth.yaml";
    std::ofstream(path) << content;
    return path;
  }

  base::Result<Wanted> read(const std::string& content, std::vector<std::string> flags = {}) {
    flags.insert(flags.begin(), {"--config", file(content), "--state-dir", directory_});
    return read_config(flags);
  }

  std::string directory_;
};

TEST_F(ConfigTest, theDefaultListensOnLoopback) {
  const auto wanted = read("");
  ASSERT_TRUE(wanted) << wanted.error().message;
  EXPECT_EQ(wanted->config.listen, std::vector<std::string>{"127.0.0.1:8000"});
  EXPECT_EQ(wanted->config.language, "en");
  EXPECT_EQ(wanted->config.scheduler.gpu_limits.training, 1);
  EXPECT_EQ(wanted->config.scheduler.gpu_limits.inference, 3);
}

TEST_F(ConfigTest, theSchedulersKeysAreRead) {
  const auto wanted = read(
      "pools:\n"
      "  train: {devices: [CUDA:0, GPU-1234], kinds: [training], users: ann, limits: {training: "
      "2}}\n"
      "  large: {gpu_type: A100, min_memory: 40G}\n"
      "users: {allow: [ann, '@lab'], running: 4, waiting: 100}\n"
      "fair_share: {half_life: 7d, weight: 0.5}\n"
      "policy: pack\ngroup_by_kind: true\naging: 30m\nhung_device: 90s\n");
  ASSERT_TRUE(wanted) << wanted.error().message;
  const auto& scheduler = wanted->config.scheduler;
  ASSERT_EQ(scheduler.pools.size(), 2U);
  const auto& train = scheduler.pools.at("train");
  EXPECT_EQ(train.devices, (std::set<std::string>{"cuda:0", "gpu-1234"}));
  EXPECT_EQ(train.kinds, std::set<model::Kind>{model::Kind::kTraining});
  EXPECT_EQ(train.users, std::set<std::string>{"ann"});
  EXPECT_EQ(train.kind_limits, (core::KindLimits{2, 3}));
  EXPECT_EQ(scheduler.pools.at("large").gpu_type, "A100");
  EXPECT_EQ(scheduler.pools.at("large").min_memory, base::Bytes{40LL << 30});
  EXPECT_EQ(wanted->config.allowed_users, (std::vector<std::string>{"ann", "@lab"}));
  EXPECT_EQ(scheduler.user_running, 4);
  EXPECT_EQ(scheduler.user_waiting, 100);
  EXPECT_TRUE(scheduler.fair_share.on);
  EXPECT_EQ(scheduler.fair_share.half_life, base::Duration{7 * 86'400'000LL});
  EXPECT_EQ(scheduler.fair_share.weight_percent, 50);
  EXPECT_EQ(scheduler.policy, model::Policy::kPack);
  EXPECT_TRUE(scheduler.group_by_kind);
  EXPECT_EQ(scheduler.aging, base::Duration{1'800'000});
  EXPECT_EQ(scheduler.hung_device, base::Duration{90'000});
}

TEST_F(ConfigTest, mistakesOfTheSchedulersKeysAreNamed) {
  const std::pair<const char*, const char*> mistakes[] = {
      {"pools: {a: {kinds: [training]}}", "has no devices"},
      {"pools: {a: {device: cuda}}", "unknown key \"device\" of the pool \"a\""},
      {"pools: {a: {devices: [x], kinds: [train]}}", "unknown kind \"train\""},
      {"pools: {a: [x]}", "must be a map"},
      {"users: {running: -1}", "running must be between 0 and"},
      {"users: {allowed: [x]}", "unknown key \"allowed\""},
      {"fair_share: {half_life: soon}", "half_life must be a time"},
      {"fair_share: {weight: -1}", "weight must be between"},
      {"policy: best", "policy must be balanced"},
      {"hung_device: 1ms", "hung_device must be a time of at least 1000 ms"},
  };
  for (const auto& [content, words] : mistakes) {
    const auto wanted = read(content);
    ASSERT_FALSE(wanted) << content;
    EXPECT_NE(wanted.error().message.find(words), std::string::npos) << wanted.error().message;
    EXPECT_NE(wanted.error().message.find("line 1"), std::string::npos) << content;
  }
}

TEST_F(ConfigTest, keysAreRead) {
  const auto wanted = read(
      "listen: [127.0.0.1:8000, 'unix:/run/berth.sock']\n"
      "data_roots: /data\n"
      "cancel_grace: 3s\n"
      "max_output: 1M\n"
      "queue_size: 7\n"
      "memory_watchdog: off\n"
      "fence_devices: false\n"
      "limits:\n  gpu: {training: 2}\n  cpu: {inference: 9}\n");
  ASSERT_TRUE(wanted) << wanted.error().message;
  const Config& config = wanted->config;
  EXPECT_EQ(config.listen.size(), 2U);
  EXPECT_EQ(config.data_roots, std::vector<std::string>{"/data"});
  EXPECT_EQ(config.cancel_grace, base::Duration{3000});
  EXPECT_EQ(config.max_output.value, 1 << 20);
  EXPECT_EQ(config.scheduler.queue_size, 7);
  EXPECT_EQ(config.memory_watchdog, WatchdogMode::kOff);
  EXPECT_FALSE(config.fence_devices);
  EXPECT_EQ(config.scheduler.gpu_limits, (core::KindLimits{2, 3}));
  EXPECT_EQ(config.scheduler.cpu_limits, (core::KindLimits{2, 9}));
}

TEST_F(ConfigTest, anUnknownKeyIsAnErrorWithItsLine) {
  const auto wanted = read("lang: en\nlisten_on: 127.0.0.1:1\n");
  ASSERT_FALSE(wanted);
  EXPECT_NE(wanted.error().message.find("line 2"), std::string::npos) << wanted.error().message;
  EXPECT_NE(wanted.error().message.find("listen_on"), std::string::npos);
}

TEST_F(ConfigTest, aWrongValueIsAnErrorWithItsLine) {
  for (const char* text :
       {"queue_size: many", "\nlimits: {gpu: {training: -1}}", "cancel_grace: soon",
        "limits: {tpu: {training: 1}}", "limits: {gpu: {painting: 1}}", "[1, 2",
        "insecure: perhaps", "memory_watchdog: kill", "fence_devices: maybe"}) {
    const auto wanted = read(text);
    ASSERT_FALSE(wanted) << text;
    EXPECT_NE(wanted.error().message.find("line"), std::string::npos) << wanted.error().message;
  }
}

TEST_F(ConfigTest, theEnvironmentOverridesTheFileAndFlagsOverrideBoth) {
  setenv("BERTH_LISTEN", "127.0.0.1:2,127.0.0.1:3", 1);
  setenv("MAX_TRAINING_CONCURRENT_GPU", "5", 1);
  const auto from_environment = read("listen: 127.0.0.1:1\n");
  ASSERT_TRUE(from_environment);
  EXPECT_EQ(from_environment->config.listen.size(), 2U);
  EXPECT_EQ(from_environment->config.scheduler.gpu_limits.training, 5);
  const auto from_flags = read("", {"--listen=127.0.0.1:4"});
  ASSERT_TRUE(from_flags);
  EXPECT_EQ(from_flags->config.listen, std::vector<std::string>{"127.0.0.1:4"});
  setenv("MAX_TRAINING_CONCURRENT_GPU", "lots", 1);
  EXPECT_FALSE(read(""));
  unsetenv("MAX_TRAINING_CONCURRENT_GPU");
  unsetenv("BERTH_LISTEN");
}

TEST_F(ConfigTest, unknownAndIncompleteFlagsAreRefused) {
  EXPECT_FALSE(read_config({"--prot", "1"}));
  EXPECT_FALSE(read_config({"--listen"}));
  EXPECT_FALSE(read("", {"--lang", "fr"}));
  const auto help = read_config({"--help"});
  ASSERT_TRUE(help);
  EXPECT_EQ(help->what, Wanted::What::kHelp);
}

TEST_F(ConfigTest, NotificationsAndThresholdsAreRead) {
  const auto wanted = read(
      "notifications:\n"
      "  - {url: 'https://chat.example/hook', on: [task_failed, device_failed], users: ann}\n"
      "  - {command: [logger, -t, berth], kinds: training}\n"
      "thresholds: {temperature: 85, power: 612.5, idle_holder: 30m}\n");
  ASSERT_TRUE(wanted) << wanted.error().message;
  const Config& config = wanted->config;
  ASSERT_EQ(config.notifications.size(), 2U);
  EXPECT_EQ(config.notifications[0].url, "https://chat.example/hook");
  EXPECT_EQ(config.notifications[0].on,
            (std::set{Happening::kTaskFailed, Happening::kDeviceFailed}));
  EXPECT_EQ(config.notifications[1].command, (std::vector<std::string>{"logger", "-t", "berth"}));
  EXPECT_EQ(config.thresholds.temperature_c, 85);
  EXPECT_EQ(config.thresholds.power_w, 612.5);
  EXPECT_EQ(config.thresholds.idle_holder, std::chrono::minutes(30));
}

TEST_F(ConfigTest, ANotificationThatCannotBeIsRefusedWithItsLine) {
  const auto message = [&](const std::string& text) {
    const auto wanted = read(text);
    return wanted ? std::string() : wanted.error().message;
  };
  EXPECT_NE(message("notifications:\n  - {on: [task_failed]}\n").find("line 2"), std::string::npos);
  EXPECT_NE(message("notifications: [{url: x}]\n").find("http://"), std::string::npos);
  EXPECT_NE(message("notifications: [{url: 'http://x', command: y}]\n").find("not both"),
            std::string::npos);
  EXPECT_NE(message("notifications: [{url: 'http://x', on: boom}]\n").find("known are task_"),
            std::string::npos);
  EXPECT_NE(message("notifications: [{url: 'http://x', colour: y}]\n").find("colour"),
            std::string::npos);
  EXPECT_NE(message("notifications: 'http://x'\n").find("list"), std::string::npos);
  EXPECT_NE(message("thresholds: {temperature: -1}\n").find("more than 0"), std::string::npos);
  EXPECT_NE(message("thresholds: {idle_holder: never}\n").find("30m"), std::string::npos);
}

}  // namespace
}  // namespace berth::daemon
