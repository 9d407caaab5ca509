// SPDX-License-Identifier: Apache-2.0
// `berth top`: what is on the screen, and what keys do to it. Pure: no terminal, no daemon.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/time.h"
#include "cli/keys.h"
#include "cli/screen.h"

namespace berth::cli {

/// What is known at the moment.
struct TopData {
  base::json::object report;  // of GET /api/v2/resources/gpu, as for gpus_text.h
  base::json::array tasks;    // TaskResponses: those that live, then some that have ended
  std::string source;         // where it comes from, in words
  std::string problem;        // why it is not newer; empty when it is new
  bool has_daemon = true;
  base::Time now{};
};

enum class Pane : std::uint8_t { kTasks, kProcesses };

/// A line of a pane, sorted and filtered.
struct TopRow {
  std::string key;   // of the selection: the task's id, "cuda:0/42"
  std::string task;  // its id; of a process of nobody's empty
  std::vector<std::string> cells;
};

struct TopState {
  Pane pane = Pane::kTasks;
  std::array<int, 2> sort{};  // of each pane
  std::array<bool, 2> reverse{};
  std::string filter;
  bool typing_filter = false;
  std::string selected;   // a row's key; empty: the first
  std::size_t first = 0;  // row on the screen
  std::string asked;      // the task whose cancelling is to be confirmed
  std::string message;    // of the last deed
  bool help = false;
  std::string log_task;          // whose log is shown; empty: none
  std::vector<std::string> log;  // its lines
  std::size_t log_back = 0;      // lines from the end
};

/// What a key asks for.
struct TopWish {
  enum class What : std::uint8_t { kNothing, kQuit, kCancel, kLog, kRefresh } what = What::kNothing;
  std::string task = {};
};

std::vector<TopRow> top_rows(const TopData& data, const TopState& state);

/// `page`: rows that the screen has room for.
TopWish press(TopState& state, const TopData& data, const Pressed& key, std::size_t page);

/// `height` lines at most, none wider than the screen. Sets `first` so that the selected row is
/// seen; `page` becomes the rows that there is room for.
std::vector<std::string> render_top(const TopData& data, TopState& state, const Screen& screen,
                                    int height, std::size_t* page);

}  // namespace berth::cli
