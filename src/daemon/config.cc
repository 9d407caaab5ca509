// SPDX-License-Identifier: Apache-2.0
#include "daemon/config.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>

#include "base/fd.h"
#include "base/text.h"
#include "daemon/config_reader.h"

namespace berth::daemon {

namespace {

using base::ErrorCode;
using base::fail;

Reader text(std::string Config::* member) {
  return [member](const YAML::Node& node, Config& config) -> base::Status {
    config.*member = node.as<std::string>();
    return {};
  };
}

Reader list(std::vector<std::string> Config::* member) {
  return [member](const YAML::Node& node, Config& config) -> base::Status {
    config.*member = words(node);
    return {};
  };
}

Reader bytes(base::Bytes Config::* member) {
  return [member](const YAML::Node& node, Config& config) -> base::Status {
    const auto amount = base::parse_bytes(node.as<std::string>());
    if (!amount) return wrong(node, amount.error().message);
    config.*member = *amount;
    return {};
  };
}

// keep: {age: 30d, tasks: 10000, size: 10G}; 0 for no limit.
base::Status read_keep(const YAML::Node& node, Config& config) {
  static const Readers kKeys{
      {"age",
       [](const YAML::Node& value, Config& to) -> base::Status {
         const auto age = base::parse_duration(value.as<std::string>());
         if (!age) return wrong(value, "age must be a time such as 30d, or 0 for any");
         to.retention.age = *age;
         return {};
       }},
      {"tasks",
       [](const YAML::Node& value, Config& to) -> base::Status {
         to.retention.tasks = value.as<std::int64_t>();
         return to.retention.tasks < 0 ? wrong(value, "tasks must be at least 0") : base::Status();
       }},
      {"size",
       [](const YAML::Node& value, Config& to) -> base::Status {
         const auto size = base::parse_bytes(value.as<std::string>());
         if (!size) return wrong(value, size.error().message);
         to.retention.size = *size;
         return {};
       }},
  };
  return read_keys(node, kKeys, config);
}

const Readers& readers() {
  static const Readers kReaders = [] {
    Readers all{
        {"listen", list(&Config::listen)},
        {"state_dir", text(&Config::state_dir)},
        {"nvml_library", text(&Config::nvml_library)},
        {"level_zero_library", text(&Config::level_zero_library)},
        {"dcmi_library", text(&Config::dcmi_library)},
        {"amd_smi_library", text(&Config::amd_smi_library)},
        {"integrated_gpus",
         [](const YAML::Node& node, Config& config) -> base::Status {
           config.integrated_gpus = node.as<bool>();
           return {};
         }},
        {"sysfs_root", text(&Config::sysfs_root)},
        {"worker_dir", text(&Config::worker_dir)},
        {"lang", text(&Config::language)},
        {"data_roots", list(&Config::data_roots)},
        {"allowed_origins", list(&Config::allowed_origins)},
        {"host_names", list(&Config::host_names)},
        {"max_output", bytes(&Config::max_output)},
        {"max_log", bytes(&Config::max_log)},
        {"insecure",
         [](const YAML::Node& node, Config& config) -> base::Status {
           config.insecure = node.as<bool>();
           return {};
         }},
        {"fence_devices",
         [](const YAML::Node& node, Config& config) -> base::Status {
           config.fence_devices = node.as<bool>();
           return {};
         }},
        {"memory_watchdog",
         [](const YAML::Node& node, Config& config) -> base::Status {
           const auto mode = watchdog_mode_from_text(node.as<std::string>());
           if (!mode) return wrong(node, "memory_watchdog must be off, warn or enforce");
           config.memory_watchdog = *mode;
           return {};
         }},
        {"keep", read_keep},
        {"cancel_grace",
         [](const YAML::Node& node, Config& config) -> base::Status {
           const auto grace = base::parse_duration(node.as<std::string>());
           if (!grace) return wrong(node, "cancel_grace must be a duration such as 10s");
           config.cancel_grace = *grace;
           return {};
         }},
    };
    all.insert(scheduler_readers().begin(), scheduler_readers().end());
    all.insert(notice_readers().begin(), notice_readers().end());
    return all;
  }();
  return kReaders;
}

base::Status read_yaml(const YAML::Node& root, Config& config) {
  if (root.IsNull()) return {};
  if (!root.IsMap()) return wrong(root, "the configuration must be a map of keys");
  return read_keys(root, readers(), config);
}

base::Status read_file(const std::string& path, Config& config) {
  const auto content = base::read_file(path, 1U << 20);
  if (!content) return fail(content.error());
  try {
    auto status = read_yaml(YAML::Load(*content), config);
    if (!status) return fail(status.error().code, path + ": " + status.error().message);
  } catch (const YAML::Exception& error) {
    return fail(ErrorCode::kBadRequest,
                path + ": line " + std::to_string(error.mark.line + 1) + ": " + error.msg);
  }
  return {};
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

// Ours, and those of the originals.
base::Status read_environment(Config& config) {
  if (const auto value = environment("BERTH_LISTEN"); !value.empty())
    config.listen = base::split(value, ',');
  if (const auto value = environment("BERTH_STATE_DIR"); !value.empty()) config.state_dir = value;
  if (const auto value = environment("BERTH_NVML_LIBRARY"); !value.empty())
    config.nvml_library = value;
  if (const auto value = environment("BERTH_LEVEL_ZERO_LIBRARY"); !value.empty())
    config.level_zero_library = value;
  if (const auto value = environment("BERTH_DCMI_LIBRARY"); !value.empty())
    config.dcmi_library = value;
  if (const auto value = environment("BERTH_AMD_SMI_LIBRARY"); !value.empty())
    config.amd_smi_library = value;
  const struct {
    const char* name;
    int* number;
  } limits[] = {{"MAX_TRAINING_CONCURRENT_GPU", &config.scheduler.gpu_limits.training},
                {"MAX_INFERENCE_CONCURRENT_GPU", &config.scheduler.gpu_limits.inference},
                {"MAX_TRAINING_CONCURRENT_CPU", &config.scheduler.cpu_limits.training},
                {"MAX_INFERENCE_CONCURRENT_CPU", &config.scheduler.cpu_limits.inference}};
  for (const auto& limit : limits) {
    const auto value = environment(limit.name);
    if (value.empty()) continue;
    const auto number = base::parse_number(value);
    if (!number || *number > 1'000'000) {
      return fail(ErrorCode::kBadRequest,
                  std::string(limit.name) + "=" + value + ": it must be a whole number");
    }
    *limit.number = static_cast<int>(*number);
  }
  return {};
}

std::string default_state_dir() {
  if (::geteuid() == 0) return "/var/lib/berth";
  const auto state_home = environment("XDG_STATE_HOME");
  return (state_home.empty() ? environment("HOME") + "/.local/state" : state_home) + "/berth";
}

std::string default_language() {
  for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    const auto value = environment(name);
    if (!value.empty()) return value.rfind("zh", 0) == 0 ? "zh" : "en";
  }
  return "en";
}

struct Flags {
  Wanted wanted;
  std::string config_file;
  std::vector<std::string> listen;
  std::map<std::string, std::string> values;
};

base::Result<Flags> read_flags(const std::vector<std::string>& arguments) {
  Flags flags;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string name = arguments[i];
    if (name == "--help" || name == "-h") {
      flags.wanted.what = Wanted::What::kHelp;
      return flags;
    }
    if (name == "--version") {
      flags.wanted.what = Wanted::What::kVersion;
      return flags;
    }
    if (name == "--insecure") {
      flags.values[name] = "true";
      continue;
    }
    std::string value;
    const auto equals = name.find('=');
    const bool inside = equals != std::string::npos;
    if (inside) {
      value = name.substr(equals + 1);
      name.resize(equals);
    }
    bool known = false;
    for (const char* flag : {"--config", "--listen", "--state-dir", "--nvml-library",
                             "--sysfs-root", "--lang", "--worker-dir"}) {
      known = known || name == flag;
    }
    if (!known)
      return fail(ErrorCode::kBadRequest, "unknown argument \"" + arguments[i] + "\"\n" + usage());
    if (!inside) {
      if (i + 1 == arguments.size())
        return fail(ErrorCode::kBadRequest, name + " needs a value\n" + usage());
      value = arguments[++i];
    }
    if (name == "--listen") {
      flags.listen.push_back(value);
    } else {
      flags.values[name] = value;
    }
  }
  return flags;
}

}  // namespace

base::Status wrong(const YAML::Node& node, const std::string& message) {
  return fail(ErrorCode::kBadRequest,
              "line " + std::to_string(node.Mark().line + 1) + ": " + message);
}

std::vector<std::string> words(const YAML::Node& node) {
  if (node.IsScalar()) return {node.as<std::string>()};
  return node.as<std::vector<std::string>>();
}

base::Status read_keys(const YAML::Node& node, const Readers& readers, Config& config) {
  for (const auto& entry : node) {
    const auto key = entry.first.as<std::string>();
    const auto reader = readers.find(key);
    if (reader == readers.end()) {
      std::vector<std::string> known;
      for (const auto& [name, read] : readers) known.push_back(name);
      return wrong(entry.first,
                   "unknown key \"" + key + "\"; known are " + base::join(known, ", "));
    }
    if (auto status = reader->second(entry.second, config); !status) return status;
  }
  return {};
}

std::string usage() {
  return "usage: berthd [--config FILE] [--listen ADDRESS]... [--state-dir DIR] [--nvml-library "
         "FILE]\n"
         "              [--sysfs-root DIR] [--worker-dir DIR] [--lang en|zh] [--insecure] "
         "[--version]\n"
         "ADDRESS is 127.0.0.1:8000 (the default), [::1]:8000 or unix:/run/berth/berth.sock.\n";
}

base::Result<Wanted> read_config(const std::vector<std::string>& arguments) {
  auto flags = read_flags(arguments);
  if (!flags) return fail(flags.error());
  Wanted wanted = flags->wanted;
  if (wanted.what != Wanted::What::kRun) return wanted;
  Config& config = wanted.config;
  constexpr const char* kSystemConfig = "/etc/berth/berth.yaml";
  std::string file = flags->values["--config"];
  if (file.empty()) file = environment("BERTH_CONFIG");
  if (file.empty() && ::access(kSystemConfig, R_OK) == 0) file = kSystemConfig;
  if (!file.empty()) {
    if (auto status = read_file(file, config); !status) return fail(status.error());
  }
  if (auto status = read_environment(config); !status) return fail(status.error());
  const auto take = [&](const char* name, std::string& target) {
    if (!flags->values[name].empty()) target = flags->values[name];
  };
  take("--state-dir", config.state_dir);
  take("--nvml-library", config.nvml_library);
  take("--sysfs-root", config.sysfs_root);
  take("--worker-dir", config.worker_dir);
  take("--lang", config.language);
  if (!flags->values["--insecure"].empty()) config.insecure = true;
  if (!flags->listen.empty()) config.listen = flags->listen;
  if (config.listen.empty()) config.listen = {"127.0.0.1:8000"};
  if (config.state_dir.empty()) config.state_dir = default_state_dir();
  config.state_dir = std::filesystem::absolute(config.state_dir).lexically_normal().string();
  if (config.state_dir.size() > 1 && config.state_dir.back() == '/') config.state_dir.pop_back();
  if (config.language.empty()) config.language = default_language();
  if (config.language != "en" && config.language != "zh") {
    return fail(ErrorCode::kBadRequest,
                "the language \"" + config.language + "\" is not known: write en or zh");
  }
  return wanted;
}

}  // namespace berth::daemon
