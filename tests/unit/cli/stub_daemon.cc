// SPDX-License-Identifier: Apache-2.0
#include "cli/stub_daemon.h"

#include <csignal>
#include <cstdlib>

namespace berth::cli::test {

using http::Exchange;
using http::Request;
using http::Response;

namespace {

Response json_response(std::string body, int status = 200) {
  Response response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

}  // namespace

StubDaemon::StubDaemon() {
  sigset_t interrupt;  // or the server's thread would take what a test sends to the program
  sigemptyset(&interrupt);
  sigaddset(&interrupt, SIGINT);
  pthread_sigmask(SIG_BLOCK, &interrupt, nullptr);
  server_ = std::make_unique<http::test::TestServer>(router());
  setenv("BERTH_URL", ("http://" + server_->address()).c_str(), 1);
  setenv("BERTH_TOKEN", "secret-token", 1);
}

StubDaemon::~StubDaemon() {
  server_->on_loop([this] { waiting_ = {}; });
  server_.reset();
  unsetenv("BERTH_URL");
  unsetenv("BERTH_TOKEN");
}

void StubDaemon::record(const Request& request) {
  const std::lock_guard lock(mutex_);
  requests_.emplace_back(request.method + " " + request.target, request.body);
}

std::vector<std::string> StubDaemon::requests() {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> result;
  for (const auto& [line, body] : requests_) result.push_back(line);
  return result;
}

std::string StubDaemon::body_of(const std::string& path) {
  const std::lock_guard lock(mutex_);
  for (const auto& [line, body] : requests_) {
    if (line == "POST " + path) return body;
  }
  return {};
}

void StubDaemon::send_events(Exchange exchange) {
  auto stream = exchange.start_events();
  const bool first = openings_++ == 0;
  for (const std::string& state : first || later_events.empty() ? events : later_events) {
    stream.write(http::format_event(state));
  }
  if (events_on_cancel.empty())
    stream.close();
  else
    waiting_ = stream;
  if (first && on_events) on_events();
}

http::Router StubDaemon::router() {
  http::Router router;
  const auto submit = [this](const Request& request, Exchange exchange) {
    record(request);
    exchange.respond(json_response(task));
  };
  router.add("POST", "/api/v2/tasks", submit, http::Access::kToken);
  router.add("POST", "/api/v2/training/start", submit);
  router.add("POST", "/api/v2/inference/start", submit);
  router.add("POST", "/api/v2/inference/benchmark", submit);
  for (const char* work :
       {"split", "augment", "crop", "spectrogram", "waterfall", "iq-dataset", "snr", "awgn"})
    router.add("POST", std::string("/api/v2/preprocessing/") + work, submit);
  router.add("GET", "/api/v2/tasks/{task_id}/events",
             [this](const Request& request, Exchange exchange) {
               record(request);
               if (request.parameter("task_id") != "task-1")
                 return exchange.fail(404, "no such task");
               send_events(std::move(exchange));
             });
  router.add("GET", "/api/v2/tasks/{task_id}/output/{name}",
             [this](const Request& request, Exchange exchange) {
               record(request);
               const bool is_out = request.parameter("name") == "stdout";
               const std::string text = is_out ? out : err;
               const std::string offset_text(request.query.get("offset"));
               const std::size_t offset = offset_text.empty() ? 0 : std::stoul(offset_text);
               const std::size_t end =
                   is_out && out_reads_++ == 0 ? std::min(out_cut, text.size()) : text.size();
               auto stream = exchange.start_stream("application/octet-stream");
               if (offset < end) stream.write(text.substr(offset, end - offset));
               stream.close();
             });
  router.add("GET", "/api/v2/tasks/{task_id}/explain",
             [this](const Request& request, Exchange exchange) {
               record(request);
               exchange.respond(json_response(explanation));
             });
  router.add(
      "POST", "/api/v2/tasks/{task_id}/cancel", [this](const Request& request, Exchange exchange) {
        record(request);
        exchange.respond(
            json_response(R"({"status": "success", "message": "cancelled", "task_id": "task-1"})"));
        if (waiting_.open()) {
          waiting_.write(http::format_event(events_on_cancel));
          waiting_.close();
        }
      });
  const auto other = [this](const Request& request, Exchange exchange) {
    record(request);
    const auto found = answers.find(request.method + " " + request.path);
    if (found == answers.end()) return exchange.fail(404, "no such thing");
    exchange.respond(json_response(found->second));
  };
  router.add("GET", "/api/v2/tasks", other);
  router.add("GET", "/api/v2/tasks/{task_id}", other);
  router.add("DELETE", "/api/v2/tasks/{task_id}", other);
  router.add("GET", "/{rest...}", other);
  router.add("POST", "/{rest...}", other);
  router.add("DELETE", "/{rest...}", other);
  return router;
}

}  // namespace berth::cli::test
