// SPDX-License-Identifier: Apache-2.0
// Takes what a handler answers, without sockets: for tests of handlers.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "http/exchange.h"

namespace berth::http {

class Recorder final : public AnswerSink, public std::enable_shared_from_this<Recorder> {
 public:
  struct Stream final : StreamSink {
    bool is_open = true;
    std::string bytes;
    std::function<void()> closed;

    [[nodiscard]] bool open() const override { return is_open; }
    [[nodiscard]] std::size_t buffered() const override { return 0; }
    [[nodiscard]] bool writable() const override { return is_open; }
    bool write(std::string more, std::function<void()> on_drained) override {
      if (!is_open) return false;
      bytes += more;
      if (on_drained) drained.push_back(std::move(on_drained));
      return true;
    }
    void close() override { is_open = false; }
    void on_closed(std::function<void()> callback) override { closed = std::move(callback); }

    /// Runs the callbacks of all writes so far.
    void drain() {
      for (auto& callback : std::exchange(drained, {})) callback();
    }
    std::vector<std::function<void()>> drained;
  };

  Exchange exchange() { return Exchange(shared_from_this()); }

  void respond(Response answer) override { response = std::move(answer); }
  std::shared_ptr<StreamSink> start_stream(int, std::string type, HeaderList, bool) override {
    content_type = std::move(type);
    stream = std::make_shared<Stream>();
    return stream;
  }
  void abandon() override { abandoned = true; }

  std::optional<Response> response;
  std::shared_ptr<Stream> stream;
  std::string content_type;
  bool abandoned = false;
};

}  // namespace berth::http
