// SPDX-License-Identifier: Apache-2.0
// A daemon that answers by script, on a real server, for the verbs that follow a task. BERTH_URL
// and BERTH_TOKEN point at it while it lives.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "http/harness.h"

namespace berth::cli::test {

class StubDaemon {
 public:
  StubDaemon();
  ~StubDaemon();
  StubDaemon(const StubDaemon&) = delete;
  StubDaemon& operator=(const StubDaemon&) = delete;

  // The script; set it before the first request.
  std::string task =
      R"({"task_id": "task-1", "task_type": "command", "status": "pending"})";  // answer to a
                                                                                // submission
  std::vector<std::string> events;        // states sent on each opening of the event stream
  std::vector<std::string> later_events;  // on the second opening and after; empty: the same
  std::string events_on_cancel;           // if set, the stream stays open until a cancel, then this
  std::string out, err;
  std::size_t out_cut = std::string::npos;  // the first answer ends after so many bytes
  std::string explanation = R"({"summary": "", "devices": []})";
  std::map<std::string, std::string> answers;  // other paths: "GET /api/v2/tasks" -> body
  std::function<void()> on_events;             // after the first states were sent

  /// Requests so far: "POST /api/v2/tasks {...}".
  std::vector<std::string> requests();
  /// The body of the first request to `path`.
  std::string body_of(const std::string& path);

 private:
  http::Router router();
  void record(const http::Request& request);
  void send_events(http::Exchange exchange);

  std::mutex mutex_;
  std::vector<std::pair<std::string, std::string>> requests_;
  http::EventStream waiting_;
  int openings_ = 0;
  int out_reads_ = 0;
  std::unique_ptr<http::test::TestServer> server_;
};

}  // namespace berth::cli::test
