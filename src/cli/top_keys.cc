// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "cli/task_text.h"
#include "cli/top_view.h"
#include "cli/words.h"

namespace berth::cli {

namespace {

using What = TopWish::What;

constexpr int kSorts = 4;  // of each pane

std::size_t place_of(const std::vector<TopRow>& rows, const std::string& key) {
  const auto found =
      std::find_if(rows.begin(), rows.end(), [&](const TopRow& row) { return row.key == key; });
  return found == rows.end() ? 0 : static_cast<std::size_t>(found - rows.begin());
}

// By how much a key moves; nothing for other keys.
std::optional<std::ptrdiff_t> step_of(const Pressed& key, std::size_t page) {
  const auto far = static_cast<std::ptrdiff_t>(1) << 40;
  const auto screen = static_cast<std::ptrdiff_t>(std::max<std::size_t>(page, 2)) - 1;
  switch (key.key) {
    case Key::kUp:
      return -1;
    case Key::kDown:
      return 1;
    case Key::kPageUp:
      return -screen;
    case Key::kPageDown:
      return screen;
    case Key::kHome:
      return -far;
    case Key::kEnd:
      return far;
    case Key::kText:
      if (key.text == "k") return -1;
      if (key.text == "j") return 1;
      if (key.text == " ") return screen;
      if (key.text == "g") return -far;
      if (key.text == "G") return far;
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

TopWish press_in_log(TopState& state, const Pressed& key, std::size_t page) {
  if (key.key == Key::kEscape || key.text == "q" || key.text == "l" || key.key == Key::kEnter) {
    state.log_task.clear();
    state.log.clear();
    state.log_back = 0;
  } else if (const auto step = step_of(key, page)) {
    const auto most =
        static_cast<std::ptrdiff_t>(state.log.size() > page ? state.log.size() - page : 0);
    const auto back = static_cast<std::ptrdiff_t>(state.log_back) - *step;
    state.log_back = static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(back, 0, most));
  }
  return {};
}

void press_in_filter(TopState& state, const Pressed& key) {
  if (key.key == Key::kEnter) {
    state.typing_filter = false;
  } else if (key.key == Key::kEscape) {
    state.typing_filter = false;
    state.filter.clear();
  } else if (key.key == Key::kBackspace) {
    // A character is up to four bytes.
    while (!state.filter.empty() && (state.filter.back() & 0xC0) == 0x80) state.filter.pop_back();
    if (!state.filter.empty()) state.filter.pop_back();
  } else if (key.key == Key::kText) {
    state.filter += key.text;
  }
}

TopWish answer(TopState& state, const Pressed& key) {
  const std::string task = std::exchange(state.asked, "");
  if (key.text == "y" || key.text == "Y") return {What::kCancel, task};
  return {};
}

TopWish act(TopState& state, const TopRow* row, const std::string& letter) {
  const auto which = static_cast<std::size_t>(state.pane);
  if (letter == "q") return {What::kQuit};
  if (letter == "?" || letter == "h") {
    state.help = true;
  } else if (letter == "/") {
    state.typing_filter = true;
  } else if (letter == "s") {
    state.sort[which] = (state.sort[which] + 1) % kSorts;
    state.reverse[which] = false;
  } else if (letter == "r") {
    state.reverse[which] = !state.reverse[which];
  } else if (letter == "p") {
    state.pane = Pane::kProcesses;
  } else if (letter == "t") {
    state.pane = Pane::kTasks;
  } else if (letter == "c" || letter == "l") {
    if (row == nullptr) return {};
    if (row->task.empty()) {
      state.message = tr("that process belongs to no task of Berth's");
    } else if (letter == "l") {
      return {What::kLog, row->task};
    } else {
      state.asked = row->task;
    }
  }
  return {};
}

}  // namespace

TopWish press(TopState& state, const TopData& data, const Pressed& key, std::size_t page) {
  state.message.clear();
  if (key.key == Key::kInterrupt) return {What::kQuit};
  if (state.help) {
    state.help = false;
    return {};
  }
  if (!state.asked.empty()) return answer(state, key);
  if (!state.log_task.empty()) return press_in_log(state, key, page);
  if (state.typing_filter) {
    press_in_filter(state, key);
    return {};
  }
  const std::vector<TopRow> rows = top_rows(data, state);
  const std::size_t place = place_of(rows, state.selected);
  if (const auto step = step_of(key, page)) {
    if (rows.empty()) return {};
    const auto last = static_cast<std::ptrdiff_t>(rows.size()) - 1;
    const auto next =
        std::clamp<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(place) + *step, 0, last);
    state.selected = rows[static_cast<std::size_t>(next)].key;
    return {};
  }
  const TopRow* row = rows.empty() ? nullptr : &rows[place];
  if (key.key == Key::kTab) {
    state.pane = state.pane == Pane::kTasks ? Pane::kProcesses : Pane::kTasks;
    state.selected.clear();
  } else if (key.key == Key::kEnter) {
    return act(state, row, "l");
  } else if (key.key == Key::kEscape) {
    state.filter.clear();
  } else if (key.key == Key::kText) {
    return act(state, row, key.text);
  }
  return {};
}

}  // namespace berth::cli
