// SPDX-License-Identifier: Apache-2.0
#include "cli/device_arguments.h"

#include <algorithm>

#include "cli/options.h"

namespace berth::cli {

namespace {

// As the API's.
constexpr base::Duration kLongestLease = std::chrono::hours(7 * 24);
constexpr Durations kLeaseTimes{base::Duration{1}, kLongestLease, "60s, 10m, 2h, at most 7d"};

void add_gpus(CLI::App& app, GpusOptions& to, Invocation& result) {
  CLI::App* verb =
      app.add_subcommand("gpus", "Devices, memory, load and processes. Works without the daemon.");
  verb->add_flag("--json", to.json, "as GET /api/v2/resources/gpu");
  verb->add_flag("--watch", to.watch, "again every second, until Ctrl-C");
  verb->add_flag("--processes", to.processes, "every process, not only those that hold most");
  verb->add_flag("--topology", to.topology,
                 "how near the GPUs are to each other, as nvidia-smi topo -m")
      ->excludes("--json", "--watch");
  verb->final_callback([&] { result.verb = [&to] { return gpus(to); }; });
}

void add_top(CLI::App& app, Invocation& result) {
  CLI::App* verb = app.add_subcommand(
      "top", "Devices, processes, tasks and the queue, live: sort, filter, cancel, read logs.");
  verb->final_callback([&] { result.verb = [] { return top(); }; });
}

void add_check(CLI::App& app, CheckOptions& to, Invocation& result) {
  CLI::App* verb = app.add_subcommand(
      "check", "GPU memory, processes and a recommendation. Status 1 with no GPU.");
  verb->add_flag("--auto", to.automatic, "what SENSEVOICE_DEVICE=auto looks at and takes, instead");
  verb->add_flag("--json", to.json, "as JSON");
  verb->final_callback([&] { result.verb = [&to] { return check(to); }; });
}

void add_hold_options(CLI::App* verb, PickOptions& to) {
  constexpr const char* kGroup = "Keeping it (a lease of the daemon's)";
  add_duration(
      verb, "--hold", kLeaseTimes, [&to](base::Duration time) { to.hold = time; },
      "nobody else gets it for so long, or as long as a program\n"
      "runs that --format env has prepared: 60s, 10m, 2h, 7d")
      ->group(kGroup);
  add_device(verb, &to.device, "one of these only: cuda, cuda:1, GPU-<uuid>, cuda:0,cuda:1")
      ->group(kGroup);
  verb->add_option("--pool", to.pool, "on devices of this pool of the configuration")
      ->group(kGroup)
      ->type_name("NAME");
  verb->add_flag("--exclusive", to.exclusive, "share the device with no task")->group(kGroup);
  verb->add_option("--pid", to.pid, "for this process, as long as it runs")
      ->check(range(1, 4'194'304))
      ->group(kGroup)
      ->type_name("N");
}

void add_pick(CLI::App& app, PickOptions& to, Invocation& result) {
  CLI::App* verb = app.add_subcommand(
      "pick",
      "Names the best device; with --policy as that policy would. Works without the daemon,\n"
      "but for --hold, which keeps the device for a program that is started by hand:\n"
      "  eval \"$(berth pick --hold 60s --format env)\"; python3 train.py");
  verb->add_option("--count", to.count, "how many devices")->check(range(1, 1024))->type_name("N");
  add_memory(
      verb, [&to](base::Bytes bytes) { to.memory = bytes; },
      "free on each of them: 8G, 512M; with --hold as much is kept,\n"
      "without it the whole device");
  add_policy(verb, &to.policy);
  verb->add_option("--gpu-type", to.gpu_type, "part of the model's name, such as A100")
      ->type_name("NAME");
  verb->add_option_function<std::string>(
          "--format",
          [&to](const std::string& word) {
            const std::vector<std::string> names{"device", "index", "uuid", "env", "json"};
            const auto found = std::find(names.begin(), names.end(), word);
            if (found == names.end())
              throw CLI::ValidationError(
                  "--format", "\"" + word + "\" is none of device, index, uuid, env, json");
            to.format = static_cast<PickFormat>(found - names.begin());
          },
          "device (cuda:0), index (0), uuid, env (variables for a\n"
          "command; with --hold as export lines) or json")
      ->type_name("FORMAT");
  add_hold_options(verb, to);
  verb->final_callback([&to, &result, verb] {
    for (const char* option : {"--device", "--pool", "--exclusive", "--pid"}) {
      if (verb->count(option) > 0 && !to.hold)
        throw CLI::ValidationError(option, "means nothing without --hold TIME");
    }
    result.verb = [&to] { return pick(to); };
  });
}

void add_leases(CLI::App& app, LeasesOptions& to, Invocation& result) {
  CLI::App* verb =
      app.add_subcommand("leases", "Devices that are kept for programs started outside of Berth.");
  verb->add_flag("--json", to.json, "as JSON");
  CLI::App* renew = verb->add_subcommand("renew", "Lets a lease go on from now.")->fallthrough();
  renew
      ->add_option_function<std::string>(
          "ID", [&to](const std::string& id) { to.ids = {id}; },
          "the lease, or the beginning of its id")
      ->required();
  add_duration(
      renew, "TIME", kLeaseTimes, [&to](base::Duration time) { to.time = time; },
      "for so long; by default as long as it was given for");
  renew->parse_complete_callback([&to] { to.change = LeaseChange::kRenew; });
  CLI::App* end = verb->add_subcommand(
      "end", "Gives devices back. A process that still uses them is not touched.");
  end->fallthrough();
  end->add_option("ID", to.ids, "leases, or the beginnings of their ids")->required();
  end->parse_complete_callback([&to] { to.change = LeaseChange::kEnd; });
  verb->footer("\"berth pick --hold TIME\" takes one.");
  verb->final_callback([&] { result.verb = [&to] { return leases(to); }; });
}

}  // namespace

void add_device_verbs(CLI::App& app, DeviceOptions& to, Invocation& result) {
  add_gpus(app, to.gpus, result);
  add_top(app, result);
  add_check(app, to.check, result);
  add_pick(app, to.pick, result);
  add_leases(app, to.leases, result);
}

}  // namespace berth::cli
