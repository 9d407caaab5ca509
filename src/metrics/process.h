// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "metrics/text.h"

namespace berth::metrics {

/// The process_* families that Prometheus' client libraries have, of this process, from /proc.
void write_process(Text& text, double start_time_seconds);

}  // namespace berth::metrics
