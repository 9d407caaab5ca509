// SPDX-License-Identifier: Apache-2.0
#include "cli/run_arguments.h"

#include <charconv>

#include "cli/array_text.h"
#include "cli/help_text.h"
#include "cli/options.h"
#include "model/request.h"

namespace berth::cli {

namespace {

// As the API's.
constexpr base::Duration kLongestTime = std::chrono::seconds(1'000'000'000);
constexpr int kMostRetries = 1000;

void add_queueing_options(CLI::App* verb, Queueing& to) {
  constexpr const char* kGroup = "When it starts";
  add_ids(verb, "--after", to.after, "once these tasks have completed; never if one of them fails")
      ->group(kGroup);
  add_ids(verb, "--after-any", to.after_any, "once these tasks have ended, however")->group(kGroup);
  verb->add_flag("--hold", to.hold, "not before \"berth release ID\"")->group(kGroup);
  verb->add_option("--pool", to.pool, "on devices of this pool of the configuration")
      ->group(kGroup)
      ->type_name("NAME");
  verb->add_flag("--group-by-kind", to.group_by_kind, "rather beside tasks of its kind than others")
      ->group(kGroup);
  verb->add_option_function<std::string>(
          "--fallback",
          [&to](const std::string& word) {
            if (word != "cpu")
              throw CLI::ValidationError("--fallback",
                                         "\"" + word + "\" is no fallback: only cpu is");
            if (!to.cpu_after) to.cpu_after = base::Duration{0};
          },
          "on the CPU when no GPU is free")
      ->group(kGroup)
      ->type_name("cpu");
  add_duration(
      verb, "--fallback-after", {{}, kLongestTime, "90s, 10m, 2h or 1d"},
      [&to](base::Duration time) { to.cpu_after = time; }, "only when none was free for so long")
      ->group(kGroup);

  constexpr const char* kAgain = "When it fails";
  verb->add_option("--retry", to.retry.max, "start it again, so often at most")
      ->check(range(0, kMostRetries))
      ->group(kAgain)
      ->type_name("N");
  add_duration(
      verb, "--retry-backoff", {{}, std::chrono::hours(1), "0s, 5s, 10m, at most 1h"},
      [&to](base::Duration pause) { to.retry.backoff = pause; },
      "pause before that, doubled each time; 5s by default")
      ->group(kAgain);
  add_parsed(
      verb, "--retry-on", parse_failures,
      [&to](const std::set<model::FailureKind>& kinds) { to.retry.on = kinds; },
      "only after exit, out_of_memory, timeout, device_lost,\n"
      "launch_failed, lost; by default after all but timeout")
      ->group(kAgain)
      ->type_name("WHAT,...");
  add_parsed(
      verb, "--retry-more-memory", parse_more_memory,
      [&to](int percent) { to.retry.more_memory_percent = percent; },
      "so much more memory after out_of_memory: 25%")
      ->group(kAgain)
      ->type_name("PERCENT");
}

// Options that mean nothing without another one, or that say the same thing twice.
void check_combinations(const CLI::App& verb) {
  const auto needs = [&](const char* option, const char* other, const char* as_typed) {
    if (verb.count(option) > 0 && verb.count(other) == 0)
      throw CLI::ValidationError(option, std::string("means nothing without ") + as_typed);
  };
  needs("--fallback-after", "--fallback", "--fallback cpu");
  for (const char* option : {"--retry-backoff", "--retry-on", "--retry-more-memory"})
    needs(option, "--retry", "--retry N");
  std::string size;
  for (const char* option : {"--memory", "--memory-fraction", "--memory-strategy"}) {
    if (verb.count(option) == 0) continue;
    if (!size.empty()) throw CLI::ValidationError(option, "stands instead of " + size);
    size = option;
  }
}

void add_memory_options(CLI::App* verb, RunOptions& to) {
  add_memory(
      verb, [&to](base::Bytes bytes) { to.memory = bytes; },
      "to reserve on each; without it a GPU is taken whole");
  const auto parse_fraction = [](const std::string& word) -> base::Result<double> {
    double fraction = 0;
    const char* end = word.data() + word.size();
    const auto read = std::from_chars(word.data(), end, fraction);
    if (read.ec == std::errc() && read.ptr == end && fraction > 0 && fraction <= 1) return fraction;
    return base::fail(base::ErrorCode::kSchemaViolation,
                      "\"" + word + "\" is no part of a whole: write 0.5 for half of the memory");
  };
  add_parsed(
      verb, "--memory-fraction", parse_fraction, [&to](double part) { to.memory_fraction = part; },
      "this part of each one's memory: 0.5")
      ->type_name("F");
  verb->add_option_function<std::string>(
          "--memory-strategy",
          [&to](const std::string& word) {
            if (word != "conservative" && word != "aggressive" && word != "dynamic")
              throw CLI::ValidationError(
                  "--memory-strategy",
                  "\"" + word + "\" is none of conservative, aggressive, dynamic");
            to.memory_strategy = word;
          },
          "conservative (0.8 of each), aggressive (0.95) or dynamic\n"
          "(what tasks like it needed)")
      ->type_name("STRATEGY");
}

}  // namespace

void add_run(CLI::App& app, RunOptions& to, Invocation& result) {
  CLI::App* verb = app.add_subcommand("run",
                                      "Runs a command on the best device and follows it; Ctrl-C "
                                      "cancels it, a second one does not wait for its end.");
  verb->prefix_command();
  verb->footer(kRunStatus);
  add_device(verb, &to.device, "auto, cuda, cuda:1, cpu, GPU-<uuid>, cuda:0,cuda:1");
  verb->add_option("--gpus", to.gpus, "how many GPUs")->check(range(1, 1024))->type_name("N");
  add_memory_options(verb, to);
  verb->add_option("--gpu-type", to.gpu_type, "part of the model's name, such as A100")
      ->type_name("NAME");
  verb->add_flag("--exclusive", to.exclusive, "share the device with no other task");
  verb->add_option_function<std::string>(
          "--kind",
          [&](const std::string& word) {
            if (!model::kind_from_text(word))
              throw CLI::ValidationError(
                  "--kind", "\"" + word + "\" is none of command, training, inference");
            to.kind = word;
          },
          "command, training or inference: what limits count it as")
      ->type_name("KIND");
  add_policy(verb, &to.policy);
  verb->add_option("--priority", to.priority, "1 (most urgent) to 10")
      ->check(range(1, 10))
      ->type_name("P");
  verb->add_option("--name", to.name, "shown in listings")->type_name("NAME");
  verb->add_option("--id", to.task_id, "the task's id, instead of a random one")->type_name("ID");
  add_duration(
      verb, "--timeout", {base::Duration{1}, kLongestTime, "30, 90s, 5m, 2h or 1d"},
      [&](base::Duration time) { to.timeout = time; }, "end it after so long: 90s, 5m, 2h, 1d");
  verb->add_option_function<std::vector<std::string>>(
          "--env",
          [&](const std::vector<std::string>& words) {
            for (const std::string& word : words) {
              const auto equals = word.find('=');
              if (equals == std::string::npos || equals == 0)
                throw CLI::ValidationError("--env", "\"" + word + "\" is not NAME=VALUE");
              to.env.emplace_back(word.substr(0, equals), word.substr(equals + 1));
            }
          },
          "over the caller's own environment, which is sent along")
      ->allow_extra_args(false)
      ->type_name("NAME=VALUE");
  verb->add_option("--cwd", to.cwd, "directory to run in; here by default")->type_name("DIR");
  add_parsed(
      verb, "--array", parse_array, [&to](const std::string& indices) { to.array = indices; },
      "a task for each index, which it finds in BERTH_ARRAY_INDEX:\n"
      "0-9, 1,3,5-7, 0-99:10; with %4 at most 4 at a time")
      ->type_name("INDICES");
  verb->add_flag("--detach", to.detach, "print the task's id and go");
  add_queueing_options(verb, to.queueing);
  verb->final_callback([&to, &result, verb] {
    check_combinations(*verb);
    result.verb = [&to] { return run(to); };
  });
}

}  // namespace berth::cli
