// SPDX-License-Identifier: Apache-2.0
#include "cli/interrupts.h"

#include <pthread.h>
#include <unistd.h>

#include "cli/screen.h"
#include "cli/session.h"
#include "cli/words.h"

namespace berth::cli {

namespace json = base::json;
using base::fail;
using base::Result;

namespace {

// Waits for SIGINT or SIGTERM with all of `signals` blocked; SIGUSR1 sends it home.
void take_signals(const std::string& id, sigset_t signals) {
  bool cancelling = false;
  for (int count = 0;;) {
    int number = 0;
    if (sigwait(&signals, &number) != 0 || number == SIGUSR1) return;
    if (++count > 1) {
      note(cancelling ? tr("left: the task is being cancelled (berth wait {} tells its end)", {id})
                      : tr("left: the task goes on (berth wait {0}, berth cancel {0})", {id}));
      _exit(128 + number);
    }
    auto session = Session::open();
    const auto done = session ? session->post(task_path(id, "/cancel"))
                              : Result<json::value>(fail(session.error()));
    cancelling = done.has_value();
    if (done)
      note(number == SIGINT ? tr("cancelling; press Ctrl-C again to leave without seeing its end")
                            : tr("cancelling"));
    else
      note(tr("it could not be cancelled ({}); press Ctrl-C again to leave",
              {done.error().message}));
  }
}

}  // namespace

Interrupts::Interrupts(const std::string& id) {
  sigemptyset(&signals_);
  for (const int number : {SIGINT, SIGTERM, SIGUSR1}) sigaddset(&signals_, number);
  pthread_sigmask(SIG_BLOCK, &signals_, &before_);
  thread_ = std::thread([id, signals = signals_] { take_signals(id, signals); });
  pthread_setname_np(thread_.native_handle(), "berth-sig");
}

Interrupts::~Interrupts() {
  pthread_kill(thread_.native_handle(), SIGUSR1);
  thread_.join();
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

}  // namespace berth::cli
