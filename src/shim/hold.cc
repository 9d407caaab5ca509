// SPDX-License-Identifier: Apache-2.0
#include "shim/hold.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <initializer_list>

#include "shim/layout.h"

namespace berth::shim {

bool wait_for_shim(pid_t shim) {
  sigset_t wanted;
  sigemptyset(&wanted);
  for (const int signal : {SIGHUP, SIGTERM, SIGINT, SIGUSR1, SIGUSR2, go_signal()})
    sigaddset(&wanted, signal);
  // Stays blocked for life, so one that comes together with the word does no harm.
  prctl(PR_SET_PDEATHSIG, SIGHUP);
  bool go = false;
  while (!go && getppid() == shim) {
    const int signal = sigwaitinfo(&wanted, nullptr);
    if (signal > 0 && signal != SIGHUP && signal != go_signal()) break;
    go = signal == go_signal();
  }
  prctl(PR_SET_PDEATHSIG, 0);
  return go;
}

}  // namespace berth::shim
