// SPDX-License-Identifier: Apache-2.0
#include "cli/explain_text.h"

#include "cli/members.h"
#include "cli/table.h"
#include "cli/task_text.h"
#include "cli/width.h"
#include "cli/words.h"

namespace berth::cli {

namespace json = base::json;
using base::maybe_string;
using base::string_or;

namespace {

std::string refusal_text(const json::object& verdict) {
  const std::string code = string_or(verdict, "code");
  const std::string needed = string_or(verdict, "needed");
  const std::string available = string_or(verdict, "available");
  if (needed.empty()) return tr_code(code);
  if (available.empty()) return tr("{}: needs {}", {tr_code(code), needed});
  const bool amount = code == "memory" || code == "memory_unknown" || code == "too_small";
  return amount ? tr("{}: needs {}, has {}", {tr_code(code), needed, available})
                : tr("{}: needs {}; {}", {tr_code(code), needed, available});
}

// What keeps a task from every device alike.
bool is_the_tasks_own(std::string_view code) {
  return code == "on_hold" || code == "dependency" || code == "backoff" || code == "user_limit" ||
         code == "array_limit";
}

}  // namespace

std::string render_explanation(const json::object& explanation, const Screen& screen) {
  std::string text;
  const std::string state = string_or(explanation, "state");
  const std::string summary = string_or(explanation, "summary");
  const std::string word = tr(state);
  // Wrapped together with the state, which is coloured afterwards.
  const std::string line = state.empty()     ? printable(summary)
                           : summary.empty() ? word
                                             : tr("{}: {}", {word, printable(summary)});
  text += paint(word, state_tone(state), screen) +
          wrap(line, screen.width, "  ").substr(state.empty() ? 0 : word.size()) + "\n";
  // Of a task that does not wait the devices are nobody's question.
  const bool waits = state.empty() || state == "queued" || state == "pending";
  if (const json::array* devices = array_in(explanation, "devices");
      waits && devices != nullptr && !devices->empty()) {
    Table table({{tr("DEVICE")},
                 {tr("VERDICT")},
                 {tr("REASON"), false, 8},
                 {tr("NEEDED"), false, 8},
                 {tr("THERE IS"), false, 8}});
    for (const json::value& item : *devices) {
      if (!item.is_object()) continue;
      const json::object& device = item.as_object();
      const std::string verdict = string_or(device, "verdict");
      const Tone tone = verdict == "fits"   ? Tone::kGood
                        : verdict == "wait" ? Tone::kWarn
                                            : Tone::kBad;
      const std::string mark = verdict == "fits" ? "✓ " : verdict == "wait" ? "◷ " : "✗ ";
      const std::string code = string_or(device, "code");
      table.add({{string_or(device, "device"), Tone::kBold},
                 {mark + tr(verdict), tone},
                 {code == verdict ? "" : tr_code(code)},
                 {string_or(device, "needed")},
                 {string_or(device, "available")}});
    }
    text += "\n" + table.render(screen);
  }
  if (const json::array* remedies = array_in(explanation, "would_fit_if");
      waits && remedies != nullptr && !remedies->empty()) {
    const auto wanted = base::int_or(explanation, "devices_wanted", 1);
    const std::string title =
        wanted > 1 ? tr("It needs {} devices at once; it would fit if enough of these came true",
                        {std::to_string(wanted)})
                   : tr("It would fit if");
    text += "\n" + paint(title, Tone::kBold, screen) + "\n";
    for (const json::value& remedy : *remedies) {
      if (!remedy.is_string()) continue;
      text += "  - " +
              wrap(printable(std::string(remedy.as_string())),
                   screen.width > 0 ? screen.width - 4 : 0, "    ") +
              "\n";
    }
  }
  if (const auto start = maybe_string(explanation, "earliest_start"); start && !start->empty()) {
    text += "\n" + tr("Earliest start: {}", {printable(*start)}) + "\n";
  }
  return text;
}

std::string waiting_reason(const json::object& explanation) {
  const json::array* devices = array_in(explanation, "devices");
  const json::object* first = nullptr;
  int more = 0;
  for (std::size_t i = 0; devices != nullptr && i < devices->size(); ++i) {
    if (!(*devices)[i].is_object()) continue;
    const json::object& device = (*devices)[i].as_object();
    if (string_or(device, "verdict") != "wait") continue;
    if (is_the_tasks_own(string_or(device, "code"))) {
      return printable(
          tr("{} ({})", {string_or(device, "needed"), string_or(device, "available")}));
    }
    if (first == nullptr)
      first = &device;
    else
      ++more;
  }
  if (first == nullptr) return printable(string_or(explanation, "summary"));
  const std::string text = string_or(*first, "device") + " " + refusal_text(*first);
  if (more == 0) return printable(text);
  return printable(more == 1 ? tr("{} (and 1 more device)", {text})
                             : tr("{} (and {} more devices)", {text, std::to_string(more)}));
}

}  // namespace berth::cli
