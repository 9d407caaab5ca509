// SPDX-License-Identifier: Apache-2.0
// berth-worker-dataset: makes data sets.
// Exit status: 0 done, 1 failed (a failure event tells why), 2 wrong usage, 143 ended by SIGTERM.
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "dataset/signals.h"
#include "dataset/synth.h"
#include "protocol/event_writer.h"
#include "protocol/termination.h"
#include "runtime/process_setup.h"

namespace {

using berth::dataset::SynthRequest;

constexpr const char* kUsage =
    "usage: berth-worker-dataset synth --out DIR [--classes NAME,NAME...] [--train-per-class 120]\n"
    "         [--val-per-class 30] [--size 96] [--snr-min -5] [--snr-max 20] [--seed 1] "
    "[--threads N]\n";

bool parse_number(const char* text, double least, double most, double* value) {
  char* end = nullptr;
  errno = 0;
  *value = std::strtod(text, &end);
  return end != text && *end == '\0' && errno == 0 && *value >= least && *value <= most;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  for (size_t at = 0; at <= text.size();) {
    const size_t comma = std::min(text.find(',', at), text.size());
    if (comma > at) parts.push_back(text.substr(at, comma - at));
    at = comma + 1;
  }
  return parts;
}

/// Takes one option; false if it is unknown or its value is out of range.
bool take(const std::string& option, const char* value, SynthRequest* request) {
  double number = 0;
  const auto whole = [&](double least, double most) {
    return parse_number(value, least, most, &number) && number == std::floor(number);
  };
  if (option == "--out") {
    request->out = value;
  } else if (option == "--classes") {
    request->classes = split(value);
  } else if (option == "--train-per-class" && whole(1, 1e6)) {
    request->train_per_class = static_cast<int>(number);
  } else if (option == "--val-per-class" && whole(1, 1e6)) {
    request->val_per_class = static_cast<int>(number);
  } else if (option == "--size" && whole(16, 4096)) {
    request->size = static_cast<int>(number);
  } else if (option == "--snr-min" && parse_number(value, -100, 100, &number)) {
    request->snr_min = number;
  } else if (option == "--snr-max" && parse_number(value, -100, 100, &number)) {
    request->snr_max = number;
  } else if (option == "--seed" && whole(0, 9e15)) {
    request->seed = static_cast<uint64_t>(number);
  } else if (option == "--threads" && whole(1, 1024)) {
    request->threads = static_cast<int>(number);
  } else {
    return false;
  }
  return true;
}

int run(const SynthRequest& request) {
  berth::protocol::EventWriter events = berth::protocol::EventWriter::from_environment();
  berth::protocol::Status outcome;
  try {
    outcome = berth::dataset::synthesize(request, &events);
  } catch (const std::exception& error) {
    outcome = berth::protocol::failed(berth::protocol::ErrorCode::kInternal,
                                      std::string("synth: unexpected: ") + error.what());
  }
  if (outcome) return 0;
  events.failure(outcome.error());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  berth::protocol::install_termination();
  if (argc == 2 && (std::string(argv[1]) == "--help" || std::string(argv[1]) == "-h")) {
    std::printf("%sclasses: %s\n", kUsage, berth::dataset::signal_names().c_str());
    return 0;
  }
  if (argc < 2 || std::string(argv[1]) != "synth" || argc % 2 != 0) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  SynthRequest request;
  request.threads = berth::runtime::thread_count(std::nullopt);
  for (int i = 2; i < argc; i += 2) {
    if (!take(argv[i], argv[i + 1], &request)) {
      std::fprintf(stderr, "wrong option or value: %s %s\n%s", argv[i], argv[i + 1], kUsage);
      return 2;
    }
  }
  if (request.out.empty() || request.classes.empty() || request.snr_max < request.snr_min) {
    std::fprintf(stderr,
                 "--out and at least one class are needed, --snr-max not below --snr-min\n%s",
                 kUsage);
    return 2;
  }
  return run(request);
}
