// SPDX-License-Identifier: Apache-2.0
// berthd. The order of initialisation, and why:
//   1. configuration           what is wrong with it is said before anything is touched
//   2. sampler process         drivers are slow; it looks at them while the store is read
//   3. state directory, store  the lock on it keeps a second daemon out
//   4. state and records       snapshot, journal
//   5. devices                 requests name them, so they come before the listeners; a driver that
//                              does not answer within a moment is not waited for
//   6. running tasks           taken over before anything new is placed
//   7. listeners               ready
#include <malloc.h>
#include <unistd.h>

#include <climits>
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "api/routes.h"
#include "api/texts.h"
#include "base/fd.h"
#include "base/id.h"
#include "base/log.h"
#include "base/priority.h"
#include "base/text.h"
#include "daemon/config.h"
#include "daemon/hardware_table.h"
#include "daemon/service.h"
#include "http/listener.h"
#include "http/server.h"
#include "store/store.h"

namespace berth::daemon {
namespace {

constexpr base::Duration kDevicePatience{2'000};

int refuse(const base::Error& error) {
  std::fprintf(stderr, "berthd: %s\n", error.message.c_str());
  return base::row(error.code).exit_status;
}

std::string own_program() {
  char buffer[PATH_MAX];
  const ssize_t size = ::readlink("/proc/self/exe", buffer, sizeof buffer);
  return size > 0 ? std::string(buffer, static_cast<std::size_t>(size)) : std::string("berthd");
}

base::Status check_listeners(const Config& config) {
  for (const auto& address : config.listen) {
    const auto local = http::stays_local(address);
    if (!local) return base::fail(local.error());
    if (*local || !config.data_roots.empty()) continue;
    return base::fail(base::ErrorCode::kBadRequest,
                      "the listener " + address +
                          " can be reached from other machines: name the directories that "
                          "requests may use as data_roots in the configuration");
  }
  return {};
}

base::Result<std::string> read_or_make_token(const std::string& path) {
  const auto found = base::read_file(path, 4096);
  if (found) {
    std::string token = *found;
    while (!token.empty() && (token.back() == '\n' || token.back() == ' ')) token.pop_back();
    if (!token.empty()) return token;
  }
  std::string token;
  for (int i = 0; i < 2; ++i) {
    for (const char c : base::random_uuid()) {
      if (c != '-') token += c;
    }
  }
  if (auto status = base::write_file(path, token + "\n", 0600); !status)
    return base::fail(status.error());
  return token;
}

// A key that a running daemon cannot follow.
std::vector<std::string> fixed_keys(const Config& a, const Config& b) {
  std::vector<std::string> keys;
  const auto compare = [&](const char* key, bool same) {
    if (!same) keys.emplace_back(key);
  };
  compare("listen", a.listen == b.listen);
  compare("state_dir", a.state_dir == b.state_dir);
  compare("nvml_library", a.nvml_library == b.nvml_library);
  compare("level_zero_library", a.level_zero_library == b.level_zero_library);
  compare("dcmi_library", a.dcmi_library == b.dcmi_library);
  compare("amd_smi_library", a.amd_smi_library == b.amd_smi_library);
  compare("integrated_gpus", a.integrated_gpus == b.integrated_gpus);
  compare("sysfs_root", a.sysfs_root == b.sysfs_root);
  compare("worker_dir", a.worker_dir == b.worker_dir);
  compare("lang", a.language == b.language);
  compare("allowed_origins", a.allowed_origins == b.allowed_origins);
  compare("host_names", a.host_names == b.host_names);
  compare("insecure", a.insecure == b.insecure);
  compare("fence_devices", a.fence_devices == b.fence_devices);
  return keys;
}

// SIGHUP. A configuration with a mistake changes nothing.
void reload(const std::vector<std::string>& arguments, const Config& current, Service& service) {
  const auto wanted = read_config(arguments);
  auto status = wanted ? check_listeners(wanted->config) : base::fail(wanted.error());
  if (!status) {
    base::log_error("the configuration cannot be used: going on with the one before",
                    {{"reason", status.error().message}});
    return;
  }
  service.reconfigure(wanted->config);
  base::log_info("the configuration was read again");
  const auto fixed = fixed_keys(current, wanted->config);
  if (!fixed.empty())
    base::log_warning("some keys count from the next start on",
                      {{"keys", base::join(fixed, ", ")}});
}

http::ServerOptions server_options(const Config& config, const std::string& token) {
  http::ServerOptions options;
  options.listen = config.listen;
  options.token = token;
  options.token_hint = "the token is in " + config.state_dir + "/token";
  options.insecure = config.insecure;
  options.host_names = config.host_names;
  options.allowed_origins = config.allowed_origins;
  return options;
}

int run(const Config& config, const std::vector<std::string>& arguments) {
  if (auto status = check_listeners(config); !status) return refuse(status.error());
  base::raise_priority();
  const std::string program = own_program();
  const std::string program_dir = program.substr(0, program.rfind('/'));

  Loop loop;
  int exit_status = 0;
  Service service(loop, config, program, program_dir, [&](const base::Error& error) {
    base::log_error("the store failed: stopping, running tasks go on", {{"reason", error.message}});
    exit_status = 1;
    loop.stop();
  });
  service.start_devices();

  if (auto status = base::make_directories(config.state_dir, 0711); !status)
    return refuse(status.error());
  if (auto status = base::make_directories(config.state_dir + "/tasks", 0711); !status)
    return refuse(status.error());
  auto store = store::Store::open(config.state_dir + "/berth.db");
  if (!store) return refuse(store.error());
  auto loaded = (*store)->load();
  if (!loaded) return refuse(loaded.error());
  if (auto status = service.restore(**store, std::move(*loaded)); !status)
    return refuse(status.error());
  const auto token = read_or_make_token(config.state_dir + "/token");
  if (!token) return refuse(token.error());

  bool impatient = false;
  auto patience = loop.after(kDevicePatience, [&] { impatient = true; });
  bool stopping = false;
  const auto signals = loop.on_signals({SIGTERM, SIGINT, SIGHUP}, [&](int signal) {
    if (stopping) return;
    if (signal == SIGHUP) return reload(arguments, config, service);
    stopping = true;
    base::log_info("stopping, running tasks go on");
    service.shut_down([&] { loop.stop(); });
  });
  loop.run_until([&] { return service.devices_known() || impatient || stopping; });
  patience.reset();
  service.go();
  std::fputs(hardware_table(service, config.language).c_str(), stdout);

  http::Router router;
  api::add_routes(router, service);
  auto options = server_options(config, *token);
  options.on_error = api::say_detail;
  options.trusted = [&service](uid_t uid) { return service.allows(uid); };
  auto server = http::Server::create(loop.context(), std::move(options), std::move(router));
  if (!server) return refuse(server.error());
  for (const auto& address : (*server)->bound_addresses()) {
    base::log_info("listening", {{"address", address}});
  }
  std::fflush(stdout);
  loop.run();
  return exit_status;
}

}  // namespace
}  // namespace berth::daemon

int main(int argc, char** argv) {
  using namespace berth;
  std::signal(SIGPIPE, SIG_IGN);
  // Three threads: memory of large requests goes back to the system instead of staying in arenas.
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_TRIM_THRESHOLD, 1 << 20);
  mallopt(M_MMAP_THRESHOLD, 256 << 10);
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (!arguments.empty() && arguments.front() == "--run-sampler") {
    const auto options = device::parse_sampler_arguments(arguments);
    return options ? device::run_sampler(*options, STDIN_FILENO, device::kSamplerFd)
                   : daemon::refuse(options.error());
  }
  const auto wanted = daemon::read_config(arguments);
  if (!wanted) return daemon::refuse(wanted.error());
  switch (wanted->what) {
    case daemon::Wanted::What::kHelp:
      std::fputs(daemon::usage().c_str(), stdout);
      return 0;
    case daemon::Wanted::What::kVersion:
      std::puts("berthd " BERTH_VERSION);
      return 0;
    case daemon::Wanted::What::kRun:
      break;
  }
  return daemon::run(wanted->config, arguments);
}
