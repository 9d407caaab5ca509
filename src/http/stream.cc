// SPDX-License-Identifier: Apache-2.0
#include "http/stream.h"

#include <boost/asio/post.hpp>
#include <charconv>
#include <utility>

#include "http/connection.h"

namespace berth::http {

Stream::Stream(boost::asio::io_context::executor_type executor,
               std::shared_ptr<Connection> connection, Form form)
    : executor_(std::move(executor)), connection_(std::move(connection)), form_(form) {}

void Stream::frame(std::string_view bytes) {
  if (bytes.empty()) return;  // an empty chunk would end the answer
  if (!form_.chunked) {
    pending_ += bytes;
    return;
  }
  char size[2 * sizeof(std::size_t)];
  const auto end = std::to_chars(size, size + sizeof size, bytes.size(), 16).ptr;
  pending_.append(size, end).append("\r\n").append(bytes).append("\r\n");
}

bool Stream::write(std::string bytes, std::function<void()> on_drained) {
  if (!open()) return false;
  if (buffered() > 0 && buffered() + bytes.size() > form_.hard_limit) {
    // Cut, not ended: the client must see that something is missing.
    const auto connection = connection_;
    connection->close_now();
    return false;
  }
  frame(bytes);
  if (on_drained) pending_callbacks_.push_back(std::move(on_drained));
  connection_->flush_stream();
  return true;
}

void Stream::close() {
  // Destroyed on return: a callback may hold the last handle of this very stream.
  const auto closed = std::exchange(on_closed_, nullptr);
  const auto waiting = std::exchange(pending_callbacks_, {});
  const auto flying = std::exchange(in_flight_callbacks_, {});
  closed_by_producer_ = true;
  if (!open()) return;
  closing_ = true;
  if (form_.chunked) pending_ += "0\r\n\r\n";
  const auto connection = connection_;
  connection->flush_stream();
}

void Stream::end_by_server() {
  if (!open()) return;
  closing_ = true;
  if (form_.chunked) pending_ += "0\r\n\r\n";
  tell_closed();
  const auto connection = connection_;
  connection->flush_stream();
}

void Stream::on_closed(std::function<void()> callback) {
  if (closed_by_producer_) return;
  on_closed_ = std::move(callback);
  if (!open()) tell_closed();
}

void Stream::tell_closed() {
  if (!on_closed_) return;
  boost::asio::post(executor_, std::exchange(on_closed_, nullptr));
}

bool Stream::take(std::string& batch) {
  if (pending_.empty()) {
    // Callbacks of empty writes have nothing to wait for, but never run from inside write().
    if (!pending_callbacks_.empty()) {
      in_flight_callbacks_.swap(pending_callbacks_);
      boost::asio::post(executor_, [self = shared_from_this()] { self->sent(); });
    }
    return false;
  }
  batch.clear();
  batch.swap(pending_);
  in_flight_ = batch.size();
  in_flight_callbacks_.swap(pending_callbacks_);
  return true;
}

void Stream::sent() {
  in_flight_ = 0;
  auto callbacks = std::exchange(in_flight_callbacks_, {});
  for (auto& callback : callbacks) {
    if (closed_by_producer_ || !connection_) return;
    callback();
  }
}

void Stream::detach() {
  const auto connection = std::exchange(connection_, nullptr);
  const auto waiting = std::exchange(pending_callbacks_, {});
  const auto flying = std::exchange(in_flight_callbacks_, {});
  pending_.clear();
  in_flight_ = 0;
  tell_closed();
}

}  // namespace berth::http
