// SPDX-License-Identifier: Apache-2.0
#include "sim/options.h"

#include <cstdlib>
#include <functional>
#include <map>

#include "base/text.h"

namespace berth::sim {

namespace {

using base::ErrorCode;
using base::fail;
using Reader = std::function<base::Status(const std::string&, Options&)>;

base::Result<std::int64_t> whole(const std::string& text, std::int64_t least, std::int64_t most) {
  const auto number = base::parse_number(text);
  if (number && *number >= least && *number <= most) return *number;
  return fail(ErrorCode::kBadRequest, "it must be a whole number between " + std::to_string(least) +
                                          " and " + std::to_string(most));
}

Reader integer(std::int64_t least, std::int64_t most,
               std::function<void(Options&, std::int64_t)> set) {
  return [=](const std::string& text, Options& options) -> base::Status {
    const auto number = whole(text, least, most);
    if (!number) return fail(number.error());
    set(options, *number);
    return {};
  };
}

Reader real(double least, double most, std::function<double&(Options&)> member) {
  return [=](const std::string& text, Options& options) -> base::Status {
    char* end = nullptr;
    const double number = std::strtod(text.c_str(), &end);
    if (text.empty() || *end != '\0' || !(number >= least && number <= most)) {
      char range[64];
      std::snprintf(range, sizeof range, "it must be a number between %g and %g", least, most);
      return fail(ErrorCode::kBadRequest, range);
    }
    member(options) = number;
    return {};
  };
}

Reader duration(std::function<void(Options&, base::Duration)> set) {
  return [=](const std::string& text, Options& options) -> base::Status {
    const auto parsed = base::parse_duration(text);
    if (!parsed || parsed->count() <= 0)
      return fail(ErrorCode::kBadRequest, "it must be a duration such as 30s, 5m, 2h, 1d");
    set(options, *parsed);
    return {};
  };
}

base::Status read_policies(const std::string& text, Options& options) {
  options.policies.clear();
  if (text == "all") {
    for (int i = 0; i <= static_cast<int>(model::Policy::kFastest); ++i)
      options.policies.push_back(static_cast<model::Policy>(i));
    return {};
  }
  for (const auto& name : base::split(text, ',')) {
    const auto policy = model::policy_from_text(name);
    if (!policy) {
      return fail(ErrorCode::kBadRequest,
                  "unknown policy \"" + name +
                      "\": write all, or some of balanced, most_free, least_loaded, pack, spread, "
                      "fastest with commas between them");
    }
    options.policies.push_back(*policy);
  }
  return {};
}

const std::map<std::string, Reader>& readers() {
  static const std::map<std::string, Reader> kReaders{
      {"--fleet",
       [](const std::string& text, Options& options) -> base::Status {
         options.fleet = text;
         return {};
       }},
      {"--devices",
       integer(1, 10'000, [](Options& o, std::int64_t n) { o.devices = static_cast<int>(n); })},
      {"--tasks", integer(0, 100'000'000, [](Options& o, std::int64_t n) { o.demand.tasks = n; })},
      {"--profile",
       [](const std::string& text, Options& options) -> base::Status {
         options.profile = text;
         const auto found = find_profile(text);
         return found ? base::Status() : base::Status(fail(found.error()));
       }},
      {"--largest",
       integer(1, 10'000,
               [](Options& o, std::int64_t n) { o.demand.largest = static_cast<int>(n); })},
      {"--load", real(0.01, 10, [](Options& o) -> double& { return o.demand.load; })},
      {"--cycle", real(0, 1, [](Options& o) -> double& { return o.demand.cycle; })},
      {"--seed", integer(0, INT64_MAX,
                         [](Options& o, std::int64_t n) {
                           o.demand.seed = static_cast<std::uint64_t>(n);
                           o.conditions.seed = o.demand.seed;
                         })},
      {"--policy", read_policies},
      {"--foreign", real(0, 0.99, [](Options& o) -> double& { return o.conditions.foreign; })},
      {"--failure-every",
       duration([](Options& o, base::Duration d) { o.conditions.mean_time_to_failure = d; })},
      {"--repair", duration([](Options& o, base::Duration d) { o.conditions.repair = d; })},
      {"--warm-up", duration([](Options& o, base::Duration d) { o.conditions.warm_up = d; })},
      {"--sample", duration([](Options& o, base::Duration d) { o.conditions.sample = d; })},
      {"--starved-after", duration([](Options& o, base::Duration d) { o.starved_after = d; })},
      {"--snapshot",
       [](const std::string& text, Options& options) -> base::Status {
         options.snapshot = text;
         return {};
       }},
      {"--duration", duration([](Options& o, base::Duration d) { o.each = d; })},
      {"--jobs", integer(1, 64, [](Options& o, std::int64_t n) { o.jobs = static_cast<int>(n); })},
  };
  return kReaders;
}

}  // namespace

base::Result<Options> read_options(const std::vector<std::string>& arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string name = arguments[i];
    if (name == "--help" || name == "-h") {
      options.what = Options::What::kHelp;
      return options;
    }
    if (name == "--version") {
      options.what = Options::What::kVersion;
      return options;
    }
    if (name == "--json" || name == "--timing") {
      (name == "--json" ? options.json : options.timing) = true;
      continue;
    }
    std::optional<std::string> value;
    if (const auto equals = name.find('='); equals != std::string::npos) {
      value = name.substr(equals + 1);
      name.resize(equals);
    }
    const auto reader = readers().find(name);
    if (reader == readers().end())
      return fail(ErrorCode::kBadRequest, "unknown option " + name + ": see berth-sim --help");
    if (!value) {
      if (++i == arguments.size()) return fail(ErrorCode::kBadRequest, name + " needs a value");
      value = arguments[i];
    }
    if (auto status = reader->second(*value, options); !status)
      return fail(status.error().code, name + " " + *value + ": " + status.error().message);
  }
  return options;
}

std::string usage() {
  return R"(berth-sim: what would the scheduler do? A fleet and tasks that do not exist, on a virtual clock.

Usage: berth-sim [OPTIONS]

The fleet
  --fleet SPEC          a100, v100, v100-16, p100, t4, k80; pai (a mixture of old and new models);
                        or a list such as 6xa100,2xt4      [a100]
  --devices N           1 to 10000; not with a list        [64]
  --foreign PART        part of the time that a device has somebody else's process on it  [0]
  --failure-every TIME  mean time between failures of one device; 0 failures when left out
  --repair TIME         until a failed device is back      [1h]

The tasks
  --profile NAME        helios, philly, pai: which published trace they resemble  [helios]
  --tasks N             how many                           [10000]
  --largest N           most GPUs that a task gets; an eighth of the fleet (4 at least) when left out
  --load X              device time that they ask for / device time that is there  [0.85]
  --cycle X             daily cycle of arrivals: 0 none, 1 nobody comes at the quietest hour  [0.5]
  --seed N              same seed, same tasks, same result [1]
  --snapshot FILE       begin with a daemon's state instead; tasks are those in it
  --duration TIME       how long a task of the snapshot lasts; else as --profile has it

The scheduler
  --policy NAMES        balanced, most_free, least_loaded, pack, spread, fastest, several with
                        commas, or all                     [balanced]
  --sample TIME         between two samples of the devices [250ms]
  --warm-up TIME        until a task has taken its memory  [30s]

The result
  --starved-after TIME  a task that waits longer counts as starved  [1d]
  --json                JSON instead of a table
  --timing              say on standard error how long each run took
  --jobs N              runs at a time; one per core when left out
  -h, --help            this text
  --version             the version

docs/scheduling.md says what the figures mean.
)";
}

}  // namespace berth::sim
