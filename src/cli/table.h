// SPDX-License-Identifier: Apache-2.0
// Aligned tables. Columns are as wide as their content; on a screen of limited width those that may
// shrink give way, the widest first, and where that does not do, columns are left out.
#pragma once

#include <string>
#include <vector>

#include "cli/screen.h"

namespace berth::cli {

struct Cell {
  std::string text;  // made printable() by the table
  Tone tone = Tone::kPlain;
};

struct Column {
  std::string title;
  bool right = false;  // aligned
  int shrink_to = 0;   // may be cut down to so many columns; 0: never
  bool last = false;   // cut only when the others are as narrow as they may be
  int leave = 0;       // left out where there is no room, the highest first; 0: never
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// One cell per column; missing ones are empty.
  void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] bool empty() const { return rows_.empty(); }

  /// Lines that end in "\n", no blanks at their ends. Columns that are empty in every row, title
  /// apart, are left out.
  [[nodiscard]] std::string render(const Screen& screen) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

/// "name  value" lines, names dim and aligned, long values wrapped; empty values are left out.
std::string render_fields(const std::vector<std::pair<std::string, Cell>>& fields,
                          const Screen& screen);

}  // namespace berth::cli
