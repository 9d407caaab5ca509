// SPDX-License-Identifier: Apache-2.0
#include "daemon/loop.h"

#include <poll.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

namespace berth::daemon {

namespace asio = boost::asio;
using boost::system::error_code;

struct Loop::Context {
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard{io.get_executor()};
};

namespace {

struct Timer {
  Timer(asio::io_context& io, std::function<void()> work) : timer(io), callback(std::move(work)) {}
  asio::steady_timer timer;
  std::function<void()> callback;
};

struct Ticker : std::enable_shared_from_this<Ticker> {
  Ticker(asio::io_context& io, base::Duration every, std::function<void()> work)
      : timer(io), interval(every), callback(std::move(work)) {}

  void wait() {
    timer.expires_after(interval);
    timer.async_wait([weak = weak_from_this()](error_code code) {
      const auto self = weak.lock();
      if (code || self == nullptr) return;
      self->callback();
      if (self.use_count() > 1) self->wait();
    });
  }

  asio::steady_timer timer;
  base::Duration interval;
  std::function<void()> callback;
};

// Keeps itself alive only through the handle: a pending wait holds a weak pointer.
struct Readable : std::enable_shared_from_this<Readable> {
  Readable(asio::io_context& io, int fd, std::function<void()> work)
      : descriptor(io, fd), callback(std::move(work)) {}
  ~Readable() { descriptor.release(); }  // not ours to close

  void wait() {
    descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                          [weak = weak_from_this()](error_code code) {
                            const auto self = weak.lock();
                            if (code || self == nullptr) return;
                            // Asio may wake a descriptor for what an earlier one of the same
                            // number was ready for.
                            pollfd ready{self->descriptor.native_handle(), POLLIN, 0};
                            if (::poll(&ready, 1, 0) == 0) return self->wait();
                            self->callback();
                            // The callback may have dropped the handle: then this is the last
                            // reference.
                            if (self.use_count() > 1) self->wait();
                          });
  }

  asio::posix::stream_descriptor descriptor;
  std::function<void()> callback;
};

struct Signals : std::enable_shared_from_this<Signals> {
  Signals(asio::io_context& io, std::function<void(int)> work)
      : set(io), callback(std::move(work)) {}

  void wait() {
    set.async_wait([weak = weak_from_this()](error_code code, int signal) {
      const auto self = weak.lock();
      if (code || self == nullptr) return;
      self->callback(signal);
      self->wait();
    });
  }

  asio::signal_set set;
  std::function<void(int)> callback;
};

}  // namespace

Loop::Loop() : context_(std::make_unique<Context>()) {}
Loop::~Loop() = default;

asio::io_context& Loop::context() { return context_->io; }
void Loop::run() { context_->io.run(); }
void Loop::stop() { context_->io.stop(); }

void Loop::run_until(const std::function<bool()>& done) {
  while (!done() && !context_->io.stopped()) context_->io.run_one();
}

void Loop::post(std::function<void()> work) { asio::post(context_->io, std::move(work)); }

Loop::Handle Loop::after(base::Duration delay, std::function<void()> work) {
  auto timer = std::make_shared<Timer>(context_->io, std::move(work));
  timer->timer.expires_after(delay);
  timer->timer.async_wait([weak = std::weak_ptr<Timer>(timer)](error_code code) {
    const auto self = weak.lock();
    if (!code && self != nullptr) {
      const auto callback = std::move(self->callback);  // it may drop or replace the handle
      callback();
    }
  });
  return timer;
}

Loop::Handle Loop::every(base::Duration interval, std::function<void()> work) {
  auto ticker = std::make_shared<Ticker>(context_->io, interval, std::move(work));
  ticker->wait();
  return ticker;
}

Loop::Handle Loop::on_readable(int fd, std::function<void()> work) {
  auto readable = std::make_shared<Readable>(context_->io, fd, std::move(work));
  readable->wait();
  return readable;
}

Loop::Handle Loop::on_signals(const std::vector<int>& signals, std::function<void(int)> work) {
  auto set = std::make_shared<Signals>(context_->io, std::move(work));
  for (const int signal : signals) set->set.add(signal);
  set->wait();
  return set;
}

}  // namespace berth::daemon
