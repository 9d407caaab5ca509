// SPDX-License-Identifier: Apache-2.0
#include "http/connections.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "http/connection.h"

namespace berth::http {

using std::chrono::milliseconds;

Connections::Connections(boost::asio::io_context& loop, ServerOptions options, Router router)
    : loop_(loop),
      options_(std::move(options)),
      router_(std::move(router)),
      guard_(options_),
      timer_(loop) {
  const auto shortest = std::min(
      {options_.read_timeout, options_.idle_timeout, options_.write_timeout, options_.heartbeat});
  interval_ = std::clamp(shortest / 8, milliseconds(5), milliseconds(500));
}

void Connections::attach(Connection& connection) {
  connection.place = all_.size();
  all_.push_back(&connection);
  counters_.connections = all_.size();
  arm();
}

void Connections::detach(Connection& connection) {
  const std::size_t place = connection.place;
  all_[place] = all_.back();
  all_[place]->place = place;
  all_.pop_back();
  counters_.connections = all_.size();
  if (all_.empty() && stopping_) tell_stopped();
}

void Connections::arm() {
  if (armed_ || !timer_) return;
  armed_ = true;
  timer_->expires_after(interval_);
  timer_->async_wait([weak = weak_from_this()](const boost::system::error_code& ec) {
    const auto self = weak.lock();
    if (!self || !self->timer_) return;
    self->armed_ = false;
    if (!ec) self->tick();
  });
}

// Backwards: a connection that ends takes itself out, and the last one takes its place.
void Connections::tick() {
  const auto now = std::chrono::steady_clock::now();
  const bool cut = now >= cut_at_;
  for (std::size_t i = all_.size(); i-- > 0;) {
    if (i >= all_.size()) continue;
    if (cut) {
      all_[i]->close_now();
    } else {
      all_[i]->tick(now);
    }
  }
  if (!all_.empty()) arm();
}

void Connections::stop(milliseconds deadline, std::function<void()> on_stopped) {
  stopping_ = true;
  cut_at_ = std::min(cut_at_, std::chrono::steady_clock::now() + deadline);
  on_stopped_ = std::move(on_stopped);
  for (std::size_t i = all_.size(); i-- > 0;) {
    if (i < all_.size()) all_[i]->stop();
  }
  if (all_.empty()) tell_stopped();
}

void Connections::tell_stopped() {
  if (on_stopped_) boost::asio::post(loop_, std::exchange(on_stopped_, nullptr));
}

void Connections::close_all() {
  on_stopped_ = nullptr;
  stopping_ = true;
  while (!all_.empty()) all_.back()->close_now();
  timer_.reset();
}

}  // namespace berth::http
