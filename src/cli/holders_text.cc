// SPDX-License-Identifier: Apache-2.0
#include "cli/holders_text.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "cli/lease_text.h"
#include "cli/members.h"
#include "cli/task_text.h"
#include "cli/width.h"
#include "cli/words.h"

namespace berth::cli {

namespace json = base::json;
using base::maybe_double;
using base::string_or;

std::string state_label(const std::string& state) {
  if (state == "orphan") return tr("orphan: what started it has ended");
  if (state == "zombie") return tr("zombie: it has ended, its memory is not free");
  if (state == "unseen") return tr("in another container, or just ended");
  return "";
}

namespace {

// The program without its directory: "/usr/bin/python3 train.py" -> "python3 train.py".
std::string short_command(const std::string& command) {
  const auto end = command.find(' ');
  const auto slash = command.rfind('/', end);
  return command.starts_with('/') && slash != std::string::npos ? command.substr(slash + 1)
                                                                : command;
}

struct Line {
  std::string memory, who, user, what, label, load;
};

std::vector<Line> lease_lines(const json::object& device, const json::array& leases,
                              base::Time now) {
  std::vector<Line> lines;
  for (const json::value& item : leases) {
    const json::object* lease = item.if_object();
    const json::array* shares = lease != nullptr ? array_in(*lease, "devices") : nullptr;
    for (std::size_t i = 0; shares != nullptr && i < shares->size(); ++i) {
      const json::object* share = (*shares)[i].if_object();
      if (share == nullptr || string_or(*share, "device") != string_or(device, "device_name"))
        continue;
      lines.push_back({memory_words(maybe_double(*share, "reserved_gb")), tr("lease"),
                       printable(string_or(*lease, "user")),
                       short_id(string_or(*lease, "lease_id")),
                       tr("until {}", {lease_end(*lease, now)})});
    }
  }
  return lines;
}

// A process that has adopted a lease is told apart from a task's by the lease's id.
std::string owner_label(const Process& process, const std::set<std::string>& leases) {
  constexpr int kMost = 16;  // an id of the user's own may be long
  if (!process.left_by.empty())
    return tr("left by task {}", {fit(short_id(process.left_by), kMost)});
  if (process.task.empty()) {
    const std::string state = state_label(process.state);
    return state.empty() && !process.container.empty()
               ? tr("container {}", {fit(process.container, kMost)})
               : state;
  }
  const std::string id = fit(short_id(process.task), kMost);
  return leases.contains(process.task) ? tr("lease {}", {id}) : tr("task {}", {id});
}

std::set<std::string> lease_ids(const json::array& leases) {
  std::set<std::string> ids;
  for (const json::value& lease : leases) {
    if (lease.is_object()) ids.insert(string_or(lease.as_object(), "lease_id"));
  }
  return ids;
}

}  // namespace

namespace {

std::optional<double> memory_of(const json::object& process) {
  if (const auto bytes = base::maybe_bytes(process, "used_memory_bytes")) return bytes->gib();
  return maybe_double(process, "used_memory_gb");
}

}  // namespace

std::vector<Process> processes_of(const json::object& device) {
  std::vector<Process> result;
  const json::array* list = array_in(device, "processes");
  if (list == nullptr) return result;
  for (const json::value& item : *list) {
    if (!item.is_object()) continue;
    const json::object& process = item.as_object();
    result.push_back(
        {base::int_or(process, "pid"), memory_of(process), printable(string_or(process, "user")),
         printable(string_or(process, "command")), printable(string_or(process, "task_id")),
         string_or(process, "state"), printable(string_or(process, "left_by")),
         printable(string_or(process, "container")), maybe_double(process, "utilization")});
  }
  std::stable_sort(result.begin(), result.end(), [](const Process& a, const Process& b) {
    return a.memory.value_or(0) > b.memory.value_or(0);
  });
  return result;
}

std::string memory_words(const std::optional<double>& gib) {
  return gib ? base::to_text(base::Bytes::from_gib(*gib)) : "n/a";
}

std::string holder_lines(const json::object& device, const json::array* leases, base::Time now,
                         int indent, const Screen& screen, std::size_t most) {
  const json::array& all_leases = leases != nullptr ? *leases : json::array{};
  std::vector<Line> lines = lease_lines(device, all_leases, now);
  const std::set<std::string> ids = lease_ids(all_leases);
  const std::vector<Process> all = processes_of(device);
  double rest = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Process& process = all[i];
    if (i >= most) {
      rest += process.memory.value_or(0);
      continue;
    }
    lines.push_back({memory_words(process.memory), std::to_string(process.pid), process.user,
                     process.command.empty() ? "?" : short_command(process.command),
                     owner_label(process, ids),
                     process.load ? std::to_string(static_cast<int>(*process.load)) + "%" : ""});
  }
  const bool loads =
      std::any_of(lines.begin(), lines.end(), [](const Line& line) { return !line.load.empty(); });
  const std::string margin(static_cast<std::size_t>(indent), ' ');
  const bool more = all.size() > most;
  std::string text;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const Line& line = lines[i];
    const std::string mark = i + 1 == lines.size() && !more ? "└ " : "├ ";
    const std::string left = pad_left(line.memory, 9) + "  " +
                             (loads ? pad_left(line.load, 4) + "  " : "") + pad_left(line.who, 7) +
                             "  " + pad_right(fit(line.user, 8), 8) + "  ";
    const std::string label = line.label.empty() ? "" : "  " + line.label;
    std::string what = line.what;
    if (screen.width > 0) {
      what = fit(what, std::max(8, screen.width - indent - 2 - display_width(left) -
                                       display_width(label)));
    }
    text += margin + paint(mark + left + what, Tone::kDim, screen) +
            paint(label, Tone::kAccent, screen) + "\n";
  }
  if (more) {
    text +=
        margin +
        paint("└ " + tr("and {} more, {}", {std::to_string(all.size() - most), memory_words(rest)}),
              Tone::kDim, screen) +
        "\n";
  }
  return text;
}

}  // namespace berth::cli
