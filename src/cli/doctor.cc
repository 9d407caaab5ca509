// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <filesystem>
#include <optional>

#include "base/fd.h"
#include "base/text.h"
#include "cli/devices.h"
#include "cli/members.h"
#include "cli/screen.h"
#include "cli/verbs.h"
#include "cli/width.h"
#include "cli/words.h"

namespace berth::cli {

namespace json = base::json;

namespace {

enum class Finding { kGood, kWarning, kBad };

struct Check {
  Finding finding;
  std::string subject, text;
  std::string remedy;  // empty when nothing is to be done
};

// Where a program of ours is: beside this one, else on PATH.
std::string program(const std::string& name) {
  std::error_code code;
  std::vector<std::string> places;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", code);
  if (!code) places.push_back(self.parent_path().string());
  if (const char* path = std::getenv("PATH")) {
    for (const std::string& place : base::split(path, ':')) places.push_back(place);
  }
  for (const std::string& place : places) {
    const std::string full = place + "/" + name;
    if (access(full.c_str(), X_OK) == 0) return full;
  }
  return {};
}

Check check_program(const std::string& name, const std::string& without) {
  const std::string where = program(name);
  if (!where.empty()) return {Finding::kGood, name, where, ""};
  return {Finding::kWarning, name, tr("not found beside berth nor on PATH"), without};
}

// How tasks are held together, as the daemon says it in health. Without one: what a daemon would
// find first here.
Check check_supervision(const json::object* health) {
  constexpr std::string_view kGroupsOnly = "process groups only: ";
  const json::object* parts = health != nullptr ? object_in(*health, "parts") : nullptr;
  std::string text = parts != nullptr ? base::string_or(*parts, "supervision") : "";
  if (text.empty()) {
    const auto mounts = base::read_file("/proc/self/mountinfo");
    const bool mounted = mounts && mounts->find(" - cgroup2 ") != std::string::npos;
    text = mounted ? "cgroup v2" : std::string(kGroupsOnly) + "no cgroup v2 is mounted";
  }
  if (text == "cgroup v2") return {Finding::kGood, tr("supervision"), text, ""};
  if (text.starts_with(kGroupsOnly)) {
    const std::string why = text.substr(kGroupsOnly.size());
    text = tr("process groups only: {}", {tr(why)});
  }
  return {Finding::kWarning, tr("supervision"), text,
          tr("a process that leaves its session may outlive its task; normal in containers, else "
             "boot with systemd.unified_cgroup_hierarchy=1")};
}

// Whether new work is taken: not while the state directory has no room.
std::optional<Check> check_store(const json::object& health) {
  const json::object* parts = object_in(health, "parts");
  const std::string text = parts != nullptr ? base::string_or(*parts, "store", "ok") : "ok";
  if (text == "ok") return std::nullopt;
  return Check{Finding::kBad, tr("store"), tr("the state directory is full"),
               tr("nothing new is taken: remove tasks that have ended (berth rm) or make room")};
}

// The daemon's health, when there is one that tells it.
std::optional<json::object> check_daemon(std::vector<Check>& checks) {
  auto session = Session::open();
  if (!session) {
    checks.push_back({Finding::kBad, tr("daemon"), session.error().message, ""});
    return std::nullopt;
  }
  const auto about = session->object("/api/v1/info");
  if (!about) {
    checks.push_back({Finding::kBad, tr("daemon"), about.error().message,
                      tr("see whether berthd is what listens at {}", {daemon_url()})});
    return std::nullopt;
  }
  checks.push_back({Finding::kGood, tr("daemon"),
                    tr("version {} at {}", {base::string_or(*about, "version"), daemon_url()}),
                    ""});
  if (daemon_token().empty()) {
    checks.push_back({Finding::kWarning, tr("token"),
                      tr("none found: \"berth run\" will be refused"),
                      tr("set BERTH_TOKEN, or BERTH_STATE_DIR to the daemon's state directory")});
  } else {
    checks.push_back({Finding::kGood, tr("token"), tr("found"), ""});
  }
  const auto health = session->object("/api/v1/health");
  return health ? std::optional(*health) : std::nullopt;
}

void check_gpus(std::vector<Check>& checks) {
  DeviceSource source;
  const auto report = source.read();
  if (!report) {
    checks.push_back({Finding::kBad, "GPU", report.error().message, ""});
    return;
  }
  const std::int64_t count = base::int_or(*report, "count");
  std::vector<std::string> hints;
  if (const json::value* list = report->if_contains("hints"); list != nullptr && list->is_array()) {
    for (const json::value& hint : list->as_array()) {
      if (hint.is_string()) hints.push_back(tr_reason(hint.as_string()));
    }
  }
  const std::string number = std::to_string(count);
  std::vector<std::string> facts{count == 0   ? tr("none: tasks run on the CPU")
                                 : count == 1 ? tr("{} device", {number})
                                              : tr("{} devices", {number})};
  if (const std::string driver = base::string_or(*report, "driver_version"); !driver.empty())
    facts.push_back(tr("driver {}", {driver}));
  if (const std::string cuda = base::string_or(*report, "cuda_version"); !cuda.empty())
    facts.push_back("CUDA " + cuda);
  checks.push_back({hints.empty() && count > 0 ? Finding::kGood : Finding::kWarning, "GPU",
                    base::join(facts, tr(", ")), base::join(hints, tr("; "))});
  if (const json::value* devices = report->if_contains("devices");
      devices != nullptr && devices->is_array()) {
    for (const json::value& device : devices->as_array()) {
      const std::string health = base::string_or(device.as_object(), "health", "healthy");
      if (health == "healthy") continue;
      checks.push_back(
          {Finding::kBad, base::string_or(device.as_object(), "device_name"),
           tr("{}: {}",
              {tr(health), tr_reason(base::string_or(device.as_object(), "health_reason"))}),
           tr("look at the kernel's log (dmesg); a reset or a restart of the machine may help")});
    }
  }
}

}  // namespace

int doctor(const InfoOptions& options) {
  std::vector<Check> checks;
  const auto health = check_daemon(checks);
  check_gpus(checks);
  checks.push_back(
      check_program("berthd", tr("install the package berth, or build it: make build")));
  checks.push_back(check_program("berth-shim", tr("tasks cannot start without it: make build")));
  checks.push_back(check_program("berth-worker-vision",
                                 tr("berth train, infer and benchmark need it: make build")));
  checks.push_back(check_program("berth-worker-prepare", tr("berth data needs it: make build")));
  checks.push_back(
      check_program("berth-worker-signal",
                    tr("berth data needs it for recordings of radio signals: make build")));
  checks.push_back(check_supervision(health ? &*health : nullptr));
  if (auto store = health ? check_store(*health) : std::nullopt) checks.push_back(*store);

  const Screen screen = screen_of(1);
  json::array list;
  std::string text;
  bool bad = false;
  for (const Check& check : checks) {
    bad = bad || check.finding == Finding::kBad;
    const char* word = check.finding == Finding::kGood      ? "ok"
                       : check.finding == Finding::kWarning ? "warning"
                                                            : "problem";
    list.push_back(json::object{{"finding", word},
                                {"subject", check.subject},
                                {"text", check.text},
                                {"remedy", check.remedy}});
    const Tone tone = check.finding == Finding::kGood      ? Tone::kGood
                      : check.finding == Finding::kWarning ? Tone::kWarn
                                                           : Tone::kBad;
    const char* mark = check.finding == Finding::kGood      ? "✓"
                       : check.finding == Finding::kWarning ? "!"
                                                            : "✗";
    const int room = screen.width > 0 ? std::max(20, screen.width - 23) : 0;
    const std::string indent(23, ' ');
    text += paint(mark, tone, screen) + " " + pad_right(check.subject, 19) + "  " +
            wrap(printable(check.text), room, indent) + "\n";
    if (!check.remedy.empty())
      text += indent +
              paint(wrap("→ " + printable(check.remedy), room, indent + "  "), Tone::kDim, screen) +
              "\n";
  }
  print(options.json ? base::to_text(list) + "\n" : text);
  return bad ? 1 : kDone;
}

}  // namespace berth::cli
