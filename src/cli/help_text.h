// SPDX-License-Identifier: Apache-2.0
// The longer texts of --help.
#pragma once

namespace berth::cli {

extern const char* const kHelp;        // of berth itself
extern const char* const kRunStatus;   // what `berth run` ends with
extern const char* const kWaitStatus;  // what `berth wait` ends with

}  // namespace berth::cli
