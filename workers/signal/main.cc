// SPDX-License-Identifier: Apache-2.0
// berth-worker-signal: spectrograms, waterfalls and data sets from IQ recordings, noise measured
// and added. Exit status: 0 done, 1 failed (a failure event tells why), 2 wrong usage, 143 ended by
// SIGTERM.
#include <cstdio>
#include <exception>
#include <new>
#include <string>

#include "protocol/event_writer.h"
#include "protocol/termination.h"
#include "runtime/process_setup.h"
#include "signal/tasks.h"

namespace {

constexpr const char* kUsage =
    "usage: berth-worker-signal spectrogram|waterfall|dataset|snr|awgn --spec FILE.json\n";

int run(const std::string& task, const std::string& spec_path) {
  berth::protocol::EventWriter events = berth::protocol::EventWriter::from_environment();
  berth::protocol::Status outcome;
  try {
    const int threads = berth::runtime::thread_count(std::nullopt);
    outcome = berth::signal::run_task(task, spec_path, threads, &events);
  } catch (const std::bad_alloc&) {
    outcome = berth::protocol::failed(berth::protocol::ErrorCode::kOutOfMemory,
                                      "the system gave no more memory: choose smaller pictures or "
                                      "fewer threads");
  } catch (const std::exception& error) {
    outcome = berth::protocol::failed(berth::protocol::ErrorCode::kInternal,
                                      task + ": unexpected: " + error.what());
  }
  if (outcome) return 0;
  events.failure(outcome.error());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  berth::protocol::install_termination();
  const std::string task = argc > 1 ? argv[1] : "";
  if (task == "--help" || task == "-h") {
    std::fputs(kUsage, stdout);
    return 0;
  }
  if (!berth::signal::is_task(task) || argc != 4 || std::string(argv[2]) != "--spec") {
    std::fputs(kUsage, stderr);
    return 2;
  }
  return run(task, argv[3]);
}
