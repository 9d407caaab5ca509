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
Lines device_lines(const TopData& data, bool titles, const Screen& screen) {
  Lines lines = lines_of(render_device_table(data.report, screen, std::nullopt));
  if (lines.empty()) return lines_of(render_gpus(data.report, data.source, screen));
  if (!titles) lines.erase(lines.begin());
  return lines;
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

// As much as there is room for; the counts say most, the clock least.
std::string head_line(const TopData& data, const Screen& screen) {
  const std::string clock = local_time(data.now, data.now);
  const std::string tasks = counts(data);
  const std::string least = printable(tasks.empty() ? data.source : tasks);
  const int room = screen.columns() - display_width(clock) - 2;
  for (const std::string& text :
       {printable("berth top · " + data.source) + (tasks.empty() ? "" : " · " + tasks),
        "berth top · " + least, least}) {
    if (display_width(text) <= room)
      return paint(pad_right(text, room), Tone::kBold, screen) + "  " +
             paint(clock, Tone::kDim, screen);
  }
  return paint(fit(least, screen.columns()), Tone::kBold, screen);
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
  const std::string count =
      tasks ? tr("Tasks: {}", {std::to_string(rows)}) : tr("Processes: {}", {std::to_string(rows)});
  const std::string order = " · " + tr("by {}", {sort_name(state.pane, state.sort[which])}) +
                            (state.reverse[which] ? " ↑" : "");
  std::string filter;
  if (!state.filter.empty() || state.typing_filter)
    filter = " · " + tr("filter: {}", {state.filter}) + (state.typing_filter ? "▏" : "");
  std::string text = count + order + filter;
  if (display_width(printable(text)) > screen.columns()) text = count + filter;
  text = fit(printable(text), screen.columns());
  const int left = screen.columns() - display_width(text) - 1;
  return paint(text, Tone::kAccent, screen) +
         (left > 0 ? " " + paint(rule(left), Tone::kDim, screen) : "");
}

constexpr int kNarrow = 60;  // columns: below it ids are cut

Table table_for(Pane pane, bool narrow) {
  if (pane == Pane::kTasks) {
    return Table({{"ID", false, narrow ? 8 : 0},
                  {tr("STATE")},
                  {tr("KIND"), false, 4, false, 7},
                  {tr("DEVICE"), false, 6, false, 1},
                  {tr("PRI"), true, 0, false, 6},
                  {tr("USER"), false, 4, false, 5},
                  {tr("TIME"), true, 0, false, 3},
                  {tr("DETAIL"), false, 8, true, 4},
                  {tr("TASK"), false, 8, false, 2}});
  }
  return Table({{"PID", true, 0, false, 1},
                {tr("DEVICE"), false, 6},
                {tr("MEMORY"), true},
                {tr("LOAD"), true, 0, false, 4},
                {tr("USER"), false, 4, false, 3},
                {tr("TASK"), false, narrow ? 8 : 0, false, 5},
                {tr("CONTAINER"), false, 8, false, 6},
                {tr("COMMAND"), false, 8, true, 2}});
}

// A marker, since a terminal may have no colour.
std::string marked(const std::string& line, bool selected, const Screen& screen) {
  if (!selected) return "  " + line;
  if (!screen.color) return "> " + line;
  return "\x1b[7m> " + pad_right(line, screen.columns() - 2) + "\x1b[0m";
}

// "c1b33…_5": of an array's tasks the index is what differs.
std::string cut_id(const std::string& id) {
  constexpr int kRoom = 8;
  const auto index = id.rfind('_');
  if (index == std::string::npos || display_width(id) <= kRoom) return id;
  const std::string end = id.substr(index);
  return fit(id.substr(0, index), kRoom - display_width(end)) + end;
}

Lines row_lines(const std::vector<TopRow>& rows, const TopState& state, const Screen& screen) {
  const bool is_narrow = screen.columns() < kNarrow;
  Table table = table_for(state.pane, is_narrow);
  for (const TopRow& row : rows) {
    std::vector<Cell> cells;
    for (const std::string& cell : row.cells) cells.push_back({cell});
    if (is_narrow && state.pane == Pane::kTasks) cells.front().text = cut_id(row.cells.front());
    table.add(std::move(cells));
  }
  Screen narrow = screen;
  narrow.width = screen.columns() - 2;
  narrow.color = false;  // the selected row is shown in reverse
  Lines lines = lines_of(table.render(narrow));
  return lines;
}

// In two columns; where they are too wide, the keys directly before what they do.
Lines help_lines(const Screen& screen) {
  const Lines whole{tr("↑ ↓ PgUp PgDn   move (also j k g G)"),
                    tr("Tab, t, p       tasks, processes"),
                    tr("s, r            sort by the next column, the other way round"),
                    tr("/               show only what contains a text; Esc shows all"),
                    tr("Enter, l        the log of the task"),
                    tr("c               cancel the task"),
                    tr("q, Ctrl-C       leave")};
  const int columns = screen.columns();
  if (std::all_of(whole.begin(), whole.end(),
                  [&](const std::string& line) { return display_width(line) <= columns; }))
    return whole;
  Lines lines;
  for (const std::string& line : whole) {
    const auto gap = line.find("  ");
    const std::string text =
        line.substr(0, gap) + "  " + line.substr(line.find_first_not_of(' ', gap));
    const int room = display_width(text) <= columns ? 0 : columns - 2;
    for (std::string& piece : lines_of(wrap(text, room, "  "))) lines.push_back(std::move(piece));
  }
  return lines;
}

// Those that there is room for. How to leave and how to learn the others always stay.
std::string key_names(int columns) {
  struct Name {
    std::string text;
    int leave;  // the highest first
  };
  std::vector<Name> names{{tr("q leave"), 0},  {tr("Tab tasks/processes"), 3},
                          {tr("/ filter"), 4}, {tr("s sort"), 5},
                          {tr("c cancel"), 1}, {tr("l log"), 2},
                          {tr("? help"), 0}};
  const auto joined = [&] {
    Lines texts;
    for (const Name& name : names) texts.push_back(name.text);
    return base::join(texts, " · ");
  };
  if (display_width(joined()) <= columns) return joined();
  names[1].text = tr("Tab panes");
  for (int next = 5; next > 0 && display_width(joined()) > columns; --next)
    std::erase_if(names, [&](const Name& name) { return name.leave == next; });
  return joined();
}

std::string foot_line(const TopData& data, const TopState& state, const Screen& screen) {
  if (!state.asked.empty()) {
    // The id gives way: what may be typed has to be seen.
    const int room = screen.columns() - display_width(tr("cancel task {}? y / n", {""}));
    const std::string id = fit(printable(short_id(state.asked)), std::max(1, room));
    return paint(fit(tr("cancel task {}? y / n", {id}), screen.columns()), Tone::kWarn, screen);
  }
  if (!state.message.empty())
    return paint(fit(printable(state.message), screen.columns()), Tone::kWarn, screen);
  if (!data.problem.empty())
    return paint(fit(printable(data.problem), screen.columns()), Tone::kBad, screen);
  const std::string keys =
      !state.log_task.empty() ? tr("Esc back · ↑ ↓ scroll") : key_names(screen.columns());
  return paint(fit(keys, screen.columns()), Tone::kDim, screen);
}

// Those that there is no room for are counted, where a line can be spared for that.
void cut(Lines* lines, std::size_t most, const Screen& screen) {
  if (lines->size() <= most) return;
  const std::size_t kept = most > 2 ? most - 1 : most;
  const std::string more = tr("... and {} more lines", {std::to_string(lines->size() - kept)});
  lines->resize(kept);
  if (kept < most) lines->push_back(paint(fit(more, screen.columns()), Tone::kDim, screen));
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
                 bool titles, std::size_t* page) {
  const std::vector<TopRow> rows = top_rows(data, state);
  Lines lines{pane_title(state, rows.size(), screen)};
  const std::size_t above = titles ? 2 : 1;
  *page = room > above ? room - above : 1;
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
  if (titles && room > above) lines.push_back("  " + paint(all.front(), Tone::kDim, screen));
  for (std::size_t i = state.first; i < rows.size() && i < state.first + *page; ++i)
    lines.push_back(marked(all[i + 1], i == place, screen));
  return lines;
}

}  // namespace

std::vector<std::string> render_top(const TopData& data, TopState& state, const Screen& screen,
                                    int height, std::size_t* page) {
  constexpr int kLow = 10;      // lines: below it the tables have no titles
  constexpr int kRoomFor = 16;  // lines that it takes for devices beside the help or a log
  *page = 1;
  if (height < 3 || screen.columns() < 20)
    return {fit(tr("this terminal is too small"), screen.columns())};
  const auto most = static_cast<std::size_t>(height);
  const bool titles = height >= kLow;
  const bool log = !state.log_task.empty();
  Lines lines{head_line(data, screen)};
  if (height >= kRoomFor || (!state.help && !log)) {
    Lines devices = device_lines(data, titles, screen);
    cut(&devices, std::max<std::size_t>(most / 2, 2) - 1, screen);
    lines.insert(lines.end(), devices.begin(), devices.end());
  }
  const std::size_t room = most - std::min(most, lines.size() + 1);
  Lines body;
  if (state.help) {
    body = help_lines(screen);
  } else if (log) {
    *page = room > 1 ? room - 1 : 1;
    body = log_lines(state, room, screen);
  } else {
    body = pane_lines(data, state, screen, room, titles, page);
  }
  cut(&body, room, screen);
  lines.insert(lines.end(), body.begin(), body.end());
  while (lines.size() + 1 < most) lines.emplace_back();
  lines.push_back(foot_line(data, state, screen));
  // Where columns may not shrink any further.
  for (std::string& line : lines) line = fit_painted(line, screen.columns());
  return lines;
}

}  // namespace berth::cli
