// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.h"

#include <algorithm>
#include <memory>

#include "base/text.h"
#include "cli/builtin_arguments.h"
#include "cli/data_arguments.h"
#include "cli/device_arguments.h"
#include "cli/help_text.h"
#include "cli/nearest.h"
#include "cli/options.h"
#include "cli/run_arguments.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "cli/width.h"
#include "cli/words.h"

namespace berth::cli {

namespace {

const std::vector<std::string> kVerbs{
    "run",     "train",    "infer",  "benchmark", "data",   "gpus", "top",     "pick",   "leases",
    "check",   "ps",       "show",   "logs",      "why",    "wait", "cancel",  "rm",     "hold",
    "release", "priority", "limits", "drain",     "resume", "info", "version", "doctor", "notify"};
// "berth split" will do.
const std::vector<std::string> kOfData{"split",     "augment",    "crop", "spectrogram",
                                       "waterfall", "iq-dataset", "snr",  "awgn"};
const std::vector<std::string> kLater{"detect"};

struct AllOptions {
  DeviceOptions devices;
  RunOptions run;
  PsOptions ps;
  ShowOptions show;
  LogsOptions logs;
  std::vector<std::string> ids;
  int priority = 5;
  LimitsOptions limits;
  DrainOptions drain;
  bool list_drains = false;
  std::vector<std::string> limit_words;
  TrainOptions train;
  InferOptions infer;
  DataOptions data;
  InfoOptions info;
};

Invocation wrong(const std::string& what, const std::string& hint) {
  Invocation result;
  result.status = kWrongUsage;
  result.err = "berth: " + what + "\n" + (hint.empty() ? "" : "  " + hint + "\n");
  return result;
}

void add_task_verbs(CLI::App& app, AllOptions& all, Invocation& result) {
  CLI::App* ps_verb = app.add_subcommand("ps", "Tasks that wait and run, newest first.");
  ps_verb->add_flag("-a,--all", all.ps.all, "those that have ended too");
  ps_verb->add_option("--limit", all.ps.limit, "at most so many; 100 by default")
      ->check(range(1, 1000))
      ->type_name("N");
  ps_verb->add_option("--user", all.ps.user, "only those of this user")->type_name("NAME");
  ps_verb->add_option("TEXT", all.ps.text,
                      "only those with this in their id, name, user, device or command");
  ps_verb->add_flag("--json", all.ps.json, "as JSON");
  ps_verb->final_callback([&] { result.verb = [&all] { return ps(all.ps); }; });

  const auto one_task = [&](const char* name, const char* text, int (*act)(const ShowOptions&)) {
    CLI::App* verb = app.add_subcommand(name, text);
    verb->add_option("ID", all.show.id, "the task, or the beginning of its id")->required();
    verb->add_flag("--json", all.show.json, "as JSON");
    verb->final_callback(
        [&all, &result, act] { result.verb = [&all, act] { return act(all.show); }; });
  };
  one_task("show", "Everything about one task.", show);
  one_task("why", "Why a task waits: a verdict for each device, and what would have to change.",
           why);

  const auto tasks = [&](const char* name, const char* text,
                         int (*act)(const std::vector<std::string>&)) {
    CLI::App* verb = app.add_subcommand(name, text);
    verb->add_option("ID", all.ids, "tasks, or the beginnings of their ids")->required();
    verb->final_callback(
        [&all, &result, act] { result.verb = [&all, act] { return act(all.ids); }; });
    return verb;
  };
  tasks("wait",
        "Waits until tasks end; status of the first of them, in the order given, that is not 0.",
        wait)
      ->footer(kWaitStatus);
  tasks("cancel", "Cancels tasks that wait or run.", cancel);
  tasks("rm", "Removes the records of tasks that have ended.", rm);
  tasks("hold", "Keeps tasks that wait from starting; they keep their place in the queue.", hold);
  tasks("release", "Lets tasks on hold go.", release);
  CLI::App* priority_verb = app.add_subcommand(
      "priority", "Gives tasks that wait another priority: their place in the queue follows.");
  priority_verb->add_option("P", all.priority, "1 (most urgent) to 10")
      ->required()
      ->check(range(1, 10));
  priority_verb->add_option("ID", all.ids, "tasks, or the beginnings of their ids")->required();
  priority_verb->final_callback(
      [&] { result.verb = [&all] { return set_priority(all.ids, all.priority); }; });

  CLI::App* logs_verb =
      app.add_subcommand("logs", "The output of a command; the records of a built-in task.");
  logs_verb->add_option("ID", all.logs.id, "the task, or the beginning of its id")->required();
  logs_verb->add_flag("-f,--follow", all.logs.follow, "until the task ends");
  CLI::Option* out = logs_verb->add_flag("--stdout", all.logs.out, "only its standard output");
  logs_verb->add_flag("--stderr", all.logs.err, "only its standard error, to our standard output")
      ->excludes(out);
  logs_verb->add_flag("--records", all.logs.records,
                      "what Berth wrote down: states, epochs, metrics");
  logs_verb->add_flag("--json", all.logs.json, "the records as JSON lines");
  logs_verb->final_callback([&] { result.verb = [&all] { return logs(all.logs); }; });
}

void parse_limits(AllOptions& all) {
  std::string device;
  for (const std::string& word : all.limit_words) {
    const auto equals = word.find('=');
    if (equals == std::string::npos) {
      device = word;
      continue;
    }
    const std::string kind = word.substr(0, equals);
    const auto limit = base::parse_number(std::string_view(word).substr(equals + 1));
    if (device.empty())
      throw CLI::ValidationError(
          "limits set",
          "\"" + word + "\" comes before any device: berth limits set cuda:0 training=2");
    if (kind != "training" && kind != "inference")
      throw CLI::ValidationError("limits set",
                                 "\"" + kind + "\" has no limit: training and inference have");
    if (!limit || *limit > 1'000'000)
      throw CLI::ValidationError("limits set",
                                 "\"" + word + "\": the limit must be a whole number from 0");
    all.limits.changes.push_back(LimitChange{device, kind, static_cast<int>(*limit)});
  }
  if (all.limits.changes.empty())
    throw CLI::ValidationError("limits set",
                               "nothing to set: berth limits set cuda:0 training=2 inference=4");
}

void add_daemon_verbs(CLI::App& app, AllOptions& all, Invocation& result) {
  CLI::App* limits_verb =
      app.add_subcommand("limits", "How many tasks of a kind each device takes, and how many run.");
  limits_verb->add_flag("--json", all.limits.json, "as JSON");
  CLI::App* set = limits_verb->add_subcommand(
      "set", "Changes limits: berth limits set cuda:0 training=2 inference=4");
  set->add_option("DEVICE KIND=N", all.limit_words, "a device and its new limits; may repeat")
      ->required();
  set->parse_complete_callback([&] { parse_limits(all); });
  limits_verb->final_callback([&] { result.verb = [&all] { return limits(all.limits); }; });

  CLI::App* info_verb =
      app.add_subcommand("info", "The daemon: where, which version, which models.");
  info_verb->add_flag("--json", all.info.json, "as JSON");
  info_verb->final_callback([&] { result.verb = [&all] { return info(all.info); }; });
  app.add_subcommand("version", "Versions of the command line and of the daemon.")
      ->final_callback([&] { result.verb = version; });
  CLI::App* doctor_verb =
      app.add_subcommand("doctor", "What is installed, what is missing, what to do about it.");
  doctor_verb->add_flag("--json", all.info.json, "as JSON");
  doctor_verb->final_callback([&] { result.verb = [&all] { return doctor(all.info); }; });

  CLI::App* notify_verb =
      app.add_subcommand("notify", "The webhooks and commands of the daemon's notifications.");
  CLI::App* test = notify_verb->add_subcommand(
      "test", "Sends each of them a test, once. Status 1 when one did not take it.");
  test->add_flag("--json", all.info.json, "as JSON");
  notify_verb->require_subcommand(1);
  notify_verb->final_callback([&] { result.verb = [&all] { return notify_test(all.info); }; });
}

void add_drain_verbs(CLI::App& app, AllOptions& all, Invocation& result) {
  const auto add = [&](const char* name, const char* text, const char* devices,
                       DrainChange change) {
    CLI::App* verb = app.add_subcommand(name, text);
    verb->add_option("DEVICE", all.drain.devices, devices)->delimiter(',');
    verb->add_flag("--json", all.drain.json, "what then is drained, as JSON");
    verb->final_callback([&all, &result, change] {
      if (all.list_drains && (!all.drain.devices.empty() || !all.drain.reason.empty()))
        throw CLI::ValidationError("--list", "stands alone: it shows all that is drained");
      all.drain.change = all.list_drains ? DrainChange::kNone : change;
      result.verb = [&all] { return drain(all.drain); };
    });
    return verb;
  };
  CLI::App* drain_verb = add(
      "drain", "Starts nothing new on devices, or on the whole machine, until \"berth resume\".",
      "names or UUIDs; without any the whole machine", DrainChange::kDrain);
  drain_verb->add_option("--reason", all.drain.reason, "shown to whoever waits")->type_name("TEXT");
  drain_verb->add_flag("--list", all.list_drains, "change nothing, show what is drained");
  drain_verb->footer("What runs goes on, what waits stays in the queue; kept over restarts.");
  add("resume", "Takes new tasks again where \"berth drain\" has ended that.",
      "names or UUIDs; without any everything", DrainChange::kResume);
}

std::vector<std::string> long_options(const CLI::App& verb) {
  std::vector<std::string> names;
  for (const CLI::Option* option : verb.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

Invocation unknown_word(const std::string& word, const CLI::App* verb) {
  const std::string name = verb != nullptr ? verb->get_name() : "";
  const std::string help = name.empty() ? "\"berth --help\" lists the verbs"
                                        : "\"berth " + name + " --help\" lists the options";
  if (word.starts_with("-")) {
    const std::string meant =
        verb != nullptr ? nearest(word.substr(0, word.find('=')), long_options(*verb)) : "";
    return wrong((name.empty() ? "" : name + ": ") + "there is no option " + word,
                 meant.empty() ? help : "did you mean " + meant + "? " + help);
  }
  return wrong((name.empty() ? "" : name + ": ") + "\"" + word + "\" is one word too many", help);
}

Invocation check_verb_name(const std::string& word) {
  if (std::find(kLater.begin(), kLater.end(), word) != kLater.end()) {
    return wrong("\"" + word + "\" is not in this version yet",
                 "\"berth --help\" lists what there is");
  }
  const std::string meant = nearest(word, kVerbs);
  return wrong("there is no verb \"" + word + "\"",
               (meant.empty() ? "" : "did you mean \"berth " + meant + "\"? ") +
                   "\"berth --help\" lists the verbs");
}

}  // namespace

Invocation parse_arguments(const std::vector<std::string>& arguments) {
  Invocation result;
  if (arguments.empty()) {
    result.status = kWrongUsage;
    result.err = kHelp;
    return result;
  }
  const std::string& first = arguments.front();
  // The command of "run" has its own word for that.
  const auto ours_end = std::find(arguments.begin(), arguments.end(), "--");
  const auto odd = std::find_if(arguments.begin(), ours_end, [](const std::string& word) {
    return base::to_utf8(word) != word;
  });
  if (odd != ours_end) return wrong(tr("an argument is not UTF-8: {}", {printable(*odd)}), "");
  if (first == "--help" || first == "-h" || (first == "help" && arguments.size() == 1)) {
    result.out = kHelp;
    return result;
  }
  if (first == "--version" || first == "-V") {
    result.out = "berth " BERTH_VERSION "\n";
    return result;
  }
  if (std::find(kOfData.begin(), kOfData.end(), first) != kOfData.end()) {
    std::vector<std::string> whole{"data"};
    whole.insert(whole.end(), arguments.begin(), arguments.end());
    return parse_arguments(whole);
  }
  if (first == "help") return parse_arguments({arguments[1], "--help"});
  if (first == "weights") {
    const std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
    result.verb = [rest] { return weights(rest); };
    return result;
  }
  if (std::find(kVerbs.begin(), kVerbs.end(), first) == kVerbs.end()) {
    return first.starts_with("-") ? unknown_word(first, nullptr) : check_verb_name(first);
  }

  // The options outlive this function inside the verb.
  auto all = std::make_shared<AllOptions>();
  CLI::App app("", "berth");
  app.require_subcommand(1);
  if (first == "run")
    add_run(app, all->run, result);
  else if (first == "train")
    add_train(app, all->train, result);
  else if (first == "infer")
    add_infer(app, all->infer, result);
  else if (first == "benchmark")
    add_benchmark(app, all->infer, result);
  else if (first == "data")
    add_data(app, all->data, result);
  else if (first == "gpus" || first == "top" || first == "pick" || first == "check" ||
           first == "leases")
    add_device_verbs(app, all->devices, result);
  else if (first == "drain" || first == "resume")
    add_drain_verbs(app, *all, result);
  else if (first == "limits" || first == "info" || first == "version" || first == "doctor" ||
           first == "notify")
    add_daemon_verbs(app, *all, result);
  else
    add_task_verbs(app, *all, result);
  CLI::App* verb = app.get_subcommand(first);

  // What follows "--" in `berth run` is the command's and not looked at by CLI11.
  std::vector<std::string> ours = arguments;
  if (first == "run") {
    const auto dashes = std::find(ours.begin(), ours.end(), "--");
    if (dashes != ours.end()) {
      all->run.command.assign(dashes + 1, ours.end());
      ours.erase(dashes, ours.end());
    }
  }
  try {
    std::reverse(ours.begin(), ours.end());  // as CLI11 wants it
    app.parse(ours);
  } catch (const CLI::CallForHelp&) {
    result.verb = nullptr;
    const auto chosen = verb->get_subcommands();
    result.out = chosen.empty() ? verb->help("berth") : chosen.front()->help("berth " + first);
    if (const auto end = result.out.find("[OPTIONS]"); first == "run" && end != std::string::npos) {
      result.out.insert(end + 9, " -- COMMAND...");
    }
    return result;
  } catch (const CLI::ExtrasError&) {
    const auto extra = verb->remaining(true);
    // "berth data" takes no options itself: those that there are belong to its parts.
    const auto parts = verb->get_subcommands();
    return unknown_word(extra.empty() ? app.remaining(true).front() : extra.front(),
                        first == "data" && !parts.empty() ? parts.front() : verb);
  } catch (const CLI::ParseError& error) {
    return wrong(first + ": " + error.what(), "\"berth " + first + " --help\" tells more");
  }
  if (first == "run") {
    const auto extra = verb->remaining();
    if (!extra.empty() && extra.front().starts_with("-")) return unknown_word(extra.front(), verb);
    if (!extra.empty() && !all->run.command.empty()) {
      // "berth run python -- x": the first word that is no option begins the command.
      all->run.command.insert(all->run.command.begin(), "--");
    }
    all->run.command.insert(all->run.command.begin(), extra.begin(), extra.end());
    if (all->run.command.empty())
      return wrong(
          "run: no command to run",
          "berth run [OPTIONS] -- COMMAND..., such as: berth run --memory 8G -- python3 train.py");
  }
  auto asked = verb->get_subcommands();
  asked.push_back(verb);
  result.for_programs = std::any_of(asked.begin(), asked.end(), [](const CLI::App* part) {
    const CLI::Option* json = part->get_option_no_throw("--json");
    return json != nullptr && json->count() > 0;
  });
  result.verb = [all, act = std::move(result.verb)] { return act(); };
  return result;
}

}  // namespace berth::cli
