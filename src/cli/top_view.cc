// SPDX-License-Identifier: Apache-2.0
#include "cli/top_view.h"

#include <algorithm>

#include "base/text.h"
#include "cli/device_table.h"
#include "cli/gpus_text.h"
#include "cli/members.h"
#include "cli/table.h"
#include "cli/task_text.h"
#include "cli/when.h"
#include "cli/width.h"
#include "cli/words.h"

namespace berth::cli {

namespace {

namespace json = base::json;
using base::string_or;
using Lines = std::vector<std::string>;

Lines lines_of(const std::string& text) {
  Lines lines = base::split(text, '\n');
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

std::string rule(int columns) {
  std::string text;
  for (int i = 0; i < columns; ++i) text += "─";
  return text;
}

// The table of `berth gpus` without who holds what: that is in the panes below.
Lines device_lines(const TopData& data, const Screen& screen) {
  Lines lines = lines_of(render_device_table(data.report, screen, std::nullopt));
  return lines.empty() ? lines_of(render_gpus(data.report, data.source, screen)) : lines;
}

std::string counts(const TopData& data) {
  int running = 0, waiting = 0;
  for (const json::value& item : data.tasks) {
    if (!item.is_object()) continue;
    const std::string state = string_or(item.as_object(), "status");
    running += state == "running" ? 1 : 0;
    waiting += state == "queued" || state == "pending" ? 1 : 0;
  }
  if (!data.has_daemon) return "";
  return tr("{} running, {} waiting", {std::to_string(running), std::to_string(waiting)});
}

std::string head_line(const TopData& data, const Screen& screen) {
  const std::string clock = local_time(data.now, data.now);
  std::string text = "berth top · " + data.source;
  if (const std::string tasks = counts(data); !tasks.empty()) text += " · " + tasks;
  const int room = screen.columns() - display_width(clock) - 2;
  return paint(pad_right(fit(printable(text), room), room), Tone::kBold, screen) + "  " +
         paint(clock, Tone::kDim, screen);
}

std::string sort_name(Pane pane, int sort) {
  static constexpr std::array<std::array<const char*, 4>, 2> kNames{
      {{"state", "age", "user", "device"}, {"memory use", "load", "user", "device"}}};
  const std::string name =
      kNames.at(static_cast<std::size_t>(pane)).at(static_cast<std::size_t>(sort));
  return tr(name);
}

std::string pane_title(const TopState& state, std::size_t rows, const Screen& screen) {
  const bool tasks = state.pane == Pane::kTasks;
  const auto which = static_cast<std::size_t>(state.pane);
  std::string text =
      tasks ? tr("Tasks: {}", {std::to_string(rows)}) : tr("Processes: {}", {std::to_string(rows)});
  text += " · " + tr("by {}", {sort_name(state.pane, state.sort[which])}) +
          (state.reverse[which] ? " ↑" : "");
  if (!state.filter.empty() || state.typing_filter) {
    text += " · " + tr("filter: {}", {state.filter}) + (state.typing_filter ? "▏" : "");
  }
  text = fit(printable(text), screen.columns());
  const int left = screen.columns() - display_width(text) - 1;
  return paint(text, Tone::kAccent, screen) +
         (left > 0 ? " " + paint(rule(left), Tone::kDim, screen) : "");
}

Table table_for(Pane pane) {
  if (pane == Pane::kTasks) {
    return Table({{"ID"},
                  {tr("STATE")},
                  {tr("KIND"), false, 4},
                  {tr("DEVICE"), false, 6},
                  {tr("PRI"), true},
                  {tr("USER"), false, 4},
                  {tr("TIME"), true},
                  {tr("DETAIL"), false, 8, true},
                  {tr("TASK"), false, 8}});
  }
  return Table({{"PID", true},
                {tr("DEVICE"), false, 6},
                {tr("MEMORY"), true},
                {tr("LOAD"), true},
                {tr("USER"), false, 4},
                {tr("TASK")},
                {tr("CONTAINER"), false, 8},
                {tr("COMMAND"), false, 8, true}});
}

// A marker, since a terminal may have no colour.
std::string marked(const std::string& line, bool selected, const Screen& screen) {
  if (!selected) return "  " + line;
  if (!screen.color) return "> " + line;
  return "\x1b[7m> " + pad_right(line, screen.columns() - 2) + "\x1b[0m";
}

Lines row_lines(const std::vector<TopRow>& rows, const TopState& state, const Screen& screen) {
  Table table = table_for(state.pane);
  for (const TopRow& row : rows) {
    std::vector<Cell> cells;
    for (const std::string& cell : row.cells) cells.push_back({cell});
    table.add(std::move(cells));
  }
  Screen narrow = screen;
  narrow.width = screen.columns() - 2;
  narrow.color = false;  // the selected row is shown in reverse
  Lines lines = lines_of(table.render(narrow));
  return lines;
}

Lines help_lines() {
  return {tr("↑ ↓ PgUp PgDn   move (also j k g G)"),
          tr("Tab, t, p       tasks, processes"),
          tr("s, r            sort by the next column, the other way round"),
          tr("/               show only what contains a text; Esc shows all"),
          tr("Enter, l        the log of the task"),
          tr("c               cancel the task"),
          tr("q, Ctrl-C       leave")};
}

std::string foot_line(const TopData& data, const TopState& state, const Screen& screen) {
  if (!state.asked.empty()) {
    return paint(
        fit(tr("cancel task {}? y / n", {printable(short_id(state.asked))}), screen.columns()),
        Tone::kWarn, screen);
  }
  if (!state.message.empty())
    return paint(fit(printable(state.message), screen.columns()), Tone::kWarn, screen);
  if (!data.problem.empty())
    return paint(fit(printable(data.problem), screen.columns()), Tone::kBad, screen);
  const std::string keys =
      !state.log_task.empty()
          ? tr("Esc back · ↑ ↓ scroll")
          : tr("q leave · Tab tasks/processes · / filter · s sort · c cancel · l log · ? help");
  return paint(fit(keys, screen.columns()), Tone::kDim, screen);
}

// Those that there is no room for are counted.
void cut(Lines* lines, std::size_t most, const Screen& screen) {
  if (lines->size() <= most) return;
  const std::size_t kept = most > 0 ? most - 1 : 0;
  const std::string more = tr("... and {} more lines", {std::to_string(lines->size() - kept)});
  lines->resize(kept);
  if (most > 0) lines->push_back(paint(fit(more, screen.columns()), Tone::kDim, screen));
}

Lines log_lines(TopState& state, std::size_t room, const Screen& screen) {
  Lines lines{
      paint(fit(tr("Log of task {}", {printable(short_id(state.log_task))}), screen.columns()),
            Tone::kAccent, screen)};
  room = room > 1 ? room - 1 : 0;
  const std::size_t most_back = state.log.size() > room ? state.log.size() - room : 0;
  state.log_back = std::min(state.log_back, most_back);
  const std::size_t end = state.log.size() - state.log_back;
  for (std::size_t i = end > room ? end - room : 0; i < end; ++i)
    lines.push_back(fit(printable(state.log[i]), screen.columns()));
  return lines;
}

Lines pane_lines(const TopData& data, TopState& state, const Screen& screen, std::size_t room,
                 std::size_t* page) {
  const std::vector<TopRow> rows = top_rows(data, state);
  Lines lines{pane_title(state, rows.size(), screen)};
  *page = room > 2 ? room - 2 : 1;
  if (rows.empty()) {
    const std::string why = !state.filter.empty() ? tr("nothing contains {}", {state.filter})
                            : state.pane == Pane::kProcesses
                                ? tr("no process holds memory of a device")
                            : data.has_daemon ? tr("no tasks: berth run -- COMMAND starts one")
                                              : tr("no daemon, so no tasks: berthd starts one");
    lines.push_back("  " + paint(fit(printable(why), screen.columns() - 2), Tone::kDim, screen));
    return lines;
  }
  std::size_t place = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].key == state.selected) place = i;
  }
  state.selected = rows[place].key;
  const std::size_t most = rows.size() > *page ? rows.size() - *page : 0;
  state.first = std::min({state.first, place, most});
  if (place >= state.first + *page) state.first = place - *page + 1;
  const Lines all = row_lines(rows, state, screen);
  if (room > 2) lines.push_back("  " + paint(all.front(), Tone::kDim, screen));
  for (std::size_t i = state.first; i < rows.size() && i < state.first + *page; ++i)
    lines.push_back(marked(all[i + 1], i == place, screen));
  return lines;
}

}  // namespace

std::vector<std::string> render_top(const TopData& data, TopState& state, const Screen& screen,
                                    int height, std::size_t* page) {
  *page = 1;
  if (height < 3 || screen.columns() < 20)
    return {fit(tr("this terminal is too small"), screen.columns())};
  const auto most = static_cast<std::size_t>(height);
  Lines lines{head_line(data, screen)};
  Lines devices = device_lines(data, screen);
  cut(&devices, std::max<std::size_t>(most / 2, 2) - 1, screen);
  lines.insert(lines.end(), devices.begin(), devices.end());
  const std::size_t room = most - std::min(most, lines.size() + 1);
  Lines body;
  if (state.help) {
    body = help_lines();
    for (std::string& line : body) line = fit(line, screen.columns());
  } else if (!state.log_task.empty()) {
    *page = room > 1 ? room - 1 : 1;
    body = log_lines(state, room, screen);
  } else {
    body = pane_lines(data, state, screen, room, page);
  }
  if (body.size() > room) body.resize(room);
  lines.insert(lines.end(), body.begin(), body.end());
  while (lines.size() + 1 < most) lines.emplace_back();
  lines.push_back(foot_line(data, state, screen));
  // Where columns may not shrink any further.
  for (std::string& line : lines) line = fit_painted(line, screen.columns());
  return lines;
}

}  // namespace berth::cli
