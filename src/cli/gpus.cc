// SPDX-License-Identifier: Apache-2.0
#include <csignal>
#include <ctime>
#include <limits>

#include "base/text.h"
#include "cli/devices.h"
#include "cli/gpus_text.h"
#include "cli/verbs.h"

namespace berth::cli {

namespace {

constexpr timespec kInterval{1, 0};

std::size_t shown_processes(const GpusOptions& options) {
  return options.processes ? std::numeric_limits<std::size_t>::max() : kProcessesShown;
}

// Draws until SIGINT or SIGTERM, which are blocked and waited for instead of slept through.
int watch(DeviceSource& source, const GpusOptions& options) {
  const bool json = options.json;
  const std::size_t processes = shown_processes(options);
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  const bool live = screen_of(1).live && !json;
  if (live) print("\x1b[?1049h\x1b[?25l");  // another page, no cursor
  int status = kDone;
  for (;;) {
    const auto report = source.read();
    if (!report) {
      if (live) print("\x1b[?25h\x1b[?1049l");
      return berth::cli::report(report.error());
    }
    std::string text = json ? base::to_text(*report) + "\n"
                            : render_gpus(*report, source.text(), screen_of(1), processes);
    if (live) {
      // Every line ends by clearing what the last picture left there.
      std::string drawn = "\x1b[H";
      for (const std::string& line : base::split(text, '\n')) drawn += line + "\x1b[K\n";
      text = drawn.substr(0, drawn.size() - 1) + "\x1b[J";
    }
    if (!write_all(1, text)) break;
    if (sigtimedwait(&ends, nullptr, &kInterval) > 0) break;
  }
  if (live) print("\x1b[?25h\x1b[?1049l");
  return status;
}

}  // namespace

int gpus(const GpusOptions& options) {
  DeviceSource source;
  if (options.topology) {
    const auto report = source.read();
    if (!report) return berth::cli::report(report.error());
    print(render_topology(*report, screen_of(1)));
    return kDone;
  }
  if (options.watch) return watch(source, options);
  const auto report = source.read();
  if (!report) return berth::cli::report(report.error());
  print(options.json ? base::to_text(*report) + "\n"
                     : render_gpus(*report, source.text(), screen_of(1), shown_processes(options)));
  return kDone;
}

}  // namespace berth::cli
