// SPDX-License-Identifier: Apache-2.0
// Tasks of the API as text. Pure: from JSON to text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/time.h"
#include "cli/dependencies.h"
#include "cli/screen.h"

namespace berth::cli {

bool is_final_state(std::string_view state);
bool is_final(const base::json::object& task);
/// The status; "cancelling" while a cancelled task's processes end.
std::string state_text(const base::json::object& task);
std::optional<base::Time> time_in(const base::json::object& object, const char* key);
/// "14:03:07 (45s ago)"; empty where the member is null.
std::string moment_text(const base::json::object& object, const char* key, base::Time now);
/// How long it runs or ran, or how long it has been waiting.
std::string duration_text(const base::json::object& task, base::Time now);
/// "SIGKILL".
std::string signal_name(std::int64_t number);
/// "2/3": how often it was started again, of how often at most; "2" where the record does not tell
/// that, empty for a task that has not been.
std::string retries_text(const base::json::object& task);

/// What `berth run` and `berth wait` end with: 0 when completed; the command's own status; 128 + n
/// for signal n; 143 (as by SIGTERM) when cancelled, or ended by its time limit, without one; 126
/// and 127 for a command that cannot be run or found, which the shim records as shells do; 125 when
/// Berth could not start the task or lost it. Of an array: of the first of its tasks that did not
/// end well.
int exit_status(const base::json::object& task);

/// Why the task failed, in words; empty when it did not.
std::string failure(const base::json::object& task);

Tone state_tone(const std::string& state);

/// "40%"; empty of a command that has said nothing.
std::string progress_text(const base::json::object& task);

/// What of the devices it asked for: "cuda × 2, 8.00 GiB each, alone".
std::string asked_text(const base::json::object& task);

/// `berth show`; `states` are those of the tasks that it comes after, `wait_reason` why a task that
/// waits does not start, where that is known.
std::string render_task(const base::json::object& task, const TaskStates& states, base::Time now,
                        const Screen& screen, const std::string& wait_reason = "");

/// The command as one would type it in a shell.
std::string command_text(const base::json::object& task);

/// A UUID's first eight characters, as listings show it, with "_3" behind them for task 3 of an
/// array; any other id whole.
std::string short_id(const std::string& id);

/// Text between single quotes where a shell needs that.
std::string shell_quote(const std::string& word);

}  // namespace berth::cli
