// SPDX-License-Identifier: Apache-2.0
#include "cli/table.h"

#include <algorithm>

#include "cli/width.h"

namespace berth::cli {

namespace {

constexpr int kGap = 2;

// Cuts the widest column that may shrink, one step at a time, until the line fits; the last ones
// only when no other may.
void shrink(std::vector<int>& widths, const std::vector<Column>& columns, int limit) {
  for (;;) {
    int total = -kGap;
    int widest = -1;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      if (widths[i] == 0) continue;
      total += widths[i] + kGap;
      const bool may = columns[i].shrink_to > 0 && widths[i] > columns[i].shrink_to;
      if (!may) continue;
      const auto best = static_cast<std::size_t>(widest);
      if (widest < 0 || (columns[best].last && !columns[i].last) ||
          (columns[best].last == columns[i].last && widths[i] > widths[best]))
        widest = static_cast<int>(i);
    }
    if (total <= limit || widest < 0) return;
    --widths[static_cast<std::size_t>(widest)];
  }
}

// Leaves columns out, as many as it takes for the others to fit, cut down as far as they may be.
void leave_out(std::vector<int>& widths, const std::vector<Column>& columns, int limit) {
  for (;;) {
    int total = -kGap;
    std::size_t next = widths.size();
    for (std::size_t i = 0; i < widths.size(); ++i) {
      if (widths[i] == 0) continue;
      const int least = columns[i].shrink_to;
      total += (least > 0 ? std::min(least, widths[i]) : widths[i]) + kGap;
      if (columns[i].leave > 0 && (next == widths.size() || columns[i].leave > columns[next].leave))
        next = i;
    }
    if (total <= limit || next == widths.size()) return;
    widths[next] = 0;
  }
}

void trim_end(std::string& line) {
  while (!line.empty() && line.back() == ' ') line.pop_back();
}

}  // namespace

std::string Table::render(const Screen& screen) const {
  std::vector<std::vector<Cell>> rows = rows_;
  std::vector<int> widths(columns_.size(), 0);
  for (auto& row : rows) {
    row.resize(columns_.size());
    for (std::size_t i = 0; i < row.size(); ++i) {
      row[i].text = printable(row[i].text);
      widths[i] = std::max(widths[i], display_width(row[i].text));
    }
  }
  for (std::size_t i = 0; i < widths.size(); ++i) {
    if (widths[i] > 0 || rows.empty())
      widths[i] = std::max(widths[i], display_width(columns_[i].title));
  }
  if (screen.width > 0) {
    leave_out(widths, columns_, screen.width);
    shrink(widths, columns_, screen.width);
  }

  std::string result;
  const auto line = [&](const auto& cell_of) {
    std::string text;
    bool first = true;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      if (widths[i] == 0) continue;
      if (!first) text.append(kGap, ' ');
      first = false;
      const Cell& cell = cell_of(i);
      const std::string shown = paint(fit(cell.text, widths[i]), cell.tone, screen);
      text += columns_[i].right ? pad_left(shown, widths[i]) : pad_right(shown, widths[i]);
    }
    trim_end(text);
    result += text + "\n";
  };
  std::vector<Cell> titles;
  for (const Column& column : columns_) titles.push_back(Cell{column.title, Tone::kDim});
  line([&](std::size_t i) -> const Cell& { return titles[i]; });
  for (const auto& row : rows) line([&](std::size_t i) -> const Cell& { return row[i]; });
  return result;
}

std::string render_fields(const std::vector<std::pair<std::string, Cell>>& fields,
                          const Screen& screen) {
  int names = 0;
  for (const auto& [name, cell] : fields) {
    if (!cell.text.empty()) names = std::max(names, display_width(name));
  }
  std::string result;
  const std::string indent(static_cast<std::size_t>(names + kGap), ' ');
  for (const auto& [name, cell] : fields) {
    if (cell.text.empty()) continue;
    const int room = screen.width > 0 ? std::max(20, screen.width - names - kGap) : 0;
    result += paint(pad_right(name, names), Tone::kDim, screen) + std::string(kGap, ' ');
    result += paint(wrap(printable(cell.text), room, indent), cell.tone, screen) + "\n";
  }
  return result;
}

}  // namespace berth::cli
