// SPDX-License-Identifier: Apache-2.0
// The process that talks to the drivers, so that the daemon can abandon it when a driver never
// answers. The daemon executes itself as `berthd --run-sampler ...`; the child writes JSON lines:
//
//   {"begin":"inventory"}            before the machine is looked over; "nvidia" before a vendor's
//                                    driver is opened, "nvidia:3" before its device number 3
//   {"inventory":{...},"taken":ms}   model::Inventory; after each look
//   {"begin":"GPU-..."}              before a device is read
//   {"sample":{...}}                 model::Sample; when a reading changed, and at least every
//   second
//   {"looked":7}                     the request of that number is answered: its readings stand
//                                    before this line, also those that did not change
//   {"idle":true}                    the round is over: the child waits for the next one
//
// The daemon reads them with a SamplerWatch (sampler_watch.h). It may ask for readings out of turn,
// a line each on the child's standard input:
//
//   {"look":7,"devices":["GPU-..."]}
//
// The child comes to it after the device that it is reading. Devices that it does not know or
// leaves alone are passed over.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "base/time.h"
#include "device/inventory.h"

namespace berth::device {

struct SamplerOptions {
  Options machine;
  base::Duration interval{250};          // memory, utilisation, temperature, power
  base::Duration process_interval{500};  // process lists
  base::Duration costly_interval{2000};  // clocks, fan, power limit
  base::Duration recheck_interval{
      30'000};                    // for lost devices and absent drivers; doubles to 10 min
  std::vector<std::string> skip;  // keys of begin lines that must be left alone
};

/// The descriptor on which a spawned sampler writes.
constexpr int kSamplerFd = 3;

/// {"--run-sampler", "--nvml-library", ...}: what follows the program's name.
std::vector<std::string> sampler_arguments(const SamplerOptions& options);
/// The reverse, with or without the leading "--run-sampler". kBadRequest on anything else.
base::Result<SamplerOptions> parse_sampler_arguments(const std::vector<std::string>& arguments);

/// What the child runs; returns its exit status. Requests come from `request_fd`; its end is none
/// of the child's. Ends when nobody reads `output_fd` any more, on SIGTERM, and with its parent.
/// Changes process-wide state (signals, environment): call it from a main() that does nothing else.
int run_sampler(const SamplerOptions& options, int request_fd, int output_fd);

struct SamplerChild {
  pid_t pid = -1;
  base::Fd output;    // non-blocking, close-on-exec; end of file when the child is gone
  base::Fd requests;  // a socket, close-on-exec
};

/// Starts `exe_path` with the arguments in a session of its own, writing to kSamplerFd; requests
/// come by standard input, standard output goes to standard error. Call it from a thread that lives
/// as long as the daemon: the child dies with the thread that started it.
base::Result<SamplerChild> spawn_sampler(const std::string& exe_path,
                                         const std::vector<std::string>& arguments);

/// Asks for readings out of turn. Never blocks; false when the child does not take the request: it
/// is gone, or has left so many unread that it must be stuck.
bool request_look(const SamplerChild& child, std::uint64_t number,
                  const std::vector<model::DeviceId>& devices);

/// Closes the pipes and makes the child go: `stuck` by SIGKILL, else by SIGTERM so that it closes
/// its session with the driver. Never waits: a child inside a driver may take hours. Returns the
/// pid to reap.
pid_t abandon_sampler(SamplerChild& child, bool stuck);

/// Collects the exit status if there is one; true when the child is gone. Never blocks.
bool reap_sampler(pid_t pid);

}  // namespace berth::device
