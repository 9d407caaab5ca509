// SPDX-License-Identifier: Apache-2.0
// A daemon without processes: two GPUs and a processor, tasks that do what the test says, and a
// client that takes whatever a handler answers.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/service.h"
#include "http/exchange.h"
#include "http/router.h"

namespace berth::api::test {

class FakeService final : public Service {
 public:
  FakeService();

  // ---- what the test arranges ----

  /// A record in the given state, created after all others.
  std::shared_ptr<model::TaskRecord> add(const std::string& id, const std::string& type,
                                         model::TaskState state);
  /// A record of the log and its end offset: 100, 200, ...
  void log(const std::string& id, const std::string& json, bool daemon_record = false);
  void print(const std::string& id, std::string_view output) { output_[id] += output; }
  void finish(const std::string& id, model::TaskState state);
  void close_log(const std::string& id);
  void forget(const std::string& id);
  /// Tells the watchers of a task, as the daemon does after each change.
  void changed(const std::string& id);
  /// All intervals of every() pass once.
  void tick();

  core::State scheduler;
  model::Inventory machine;
  std::vector<DeviceView> views;
  WorkerBuild build;
  std::vector<std::string> roots;
  std::string results = "/var/lib/berth/results";
  base::Time clock = base::from_ms(1'767'225'600'000);  // 2026-01-01T00:00:00Z
  std::size_t records_per_page = 100;
  std::map<std::string, model::Enforcement> enforced;  // of tasks that run
  std::optional<base::Error> refuse;                   // what the next input is answered with

  // ---- what happened ----
  std::vector<model::TaskRecord> submitted;
  std::vector<std::string> cancelled;
  std::vector<std::string> removed;
  std::vector<core::LimitChange> limit_changes;
  std::vector<std::pair<std::string, bool>> holds;
  std::vector<std::pair<std::string, int>> priorities;
  std::vector<NoticeDelivery> deliveries;  // of the next test of notifications
  base::Status readiness;
  std::uint64_t output_start = 0;  // what lies before is no longer kept

  // ---- Service ----
  [[nodiscard]] const core::State& state() const override { return scheduler; }
  [[nodiscard]] const model::Inventory& inventory() const override { return machine; }
  [[nodiscard]] std::string token_file() const override { return "/state/token"; }
  [[nodiscard]] std::vector<DeviceView> devices() override { return views; }
  [[nodiscard]] const WorkerBuild& worker() const override { return build; }
  [[nodiscard]] base::json::object processor() const override;
  [[nodiscard]] std::uint64_t revision() const override { return ++revisions_; }
  [[nodiscard]] std::string metrics(bool model_label) const override {
    return model_label ? "m{modelName=\"x\"} 1\n" : "m 1\n";
  }
  [[nodiscard]] std::map<std::string, std::string> parts() const override {
    return {{"devices", "ok"}};
  }
  [[nodiscard]] std::optional<model::Enforcement> enforcement(
      const model::TaskId& id) const override {
    const auto found = enforced.find(id.value);
    return found == enforced.end() ? std::nullopt : std::optional(found->second);
  }
  void history(
      const model::DeviceId& /*device*/, std::int64_t step, std::int64_t from, std::int64_t /*to*/,
      std::function<void(base::Result<std::vector<model::HistoryPoint>>)> callback) override {
    model::HistoryPoint point{from, step, 1, {}};
    point.values[0] = model::HistoryPoint::Value{1.5, 2};
    callback(std::vector{point});
  }
  [[nodiscard]] base::Status ready() const override { return readiness; }
  [[nodiscard]] base::Time now() const override { return clock; }
  [[nodiscard]] const std::map<std::uint64_t, std::shared_ptr<model::TaskRecord>>& records()
      const override {
    return records_;
  }
  [[nodiscard]] std::shared_ptr<const model::TaskRecord> find(
      const model::TaskId& id) const override;
  [[nodiscard]] base::Result<LogPage> read_log(const model::TaskId& id, std::uint64_t offset,
                                               std::size_t max_bytes) const override;
  [[nodiscard]] base::Result<OutputPage> read_output(const model::TaskId& id, int attempt,
                                                     bool standard_error, std::uint64_t offset,
                                                     std::size_t max_bytes) const override;
  [[nodiscard]] std::size_t watchers() const override;
  [[nodiscard]] std::string default_save_path(const model::TaskId& id) const override {
    return results + "/" + id.value;
  }
  [[nodiscard]] base::Result<base::json::value> parse_yaml(const std::string& text) const override {
    return base::parse_json(text);  // which is YAML too
  }
  [[nodiscard]] const std::vector<std::string>& data_roots() const override { return roots; }
  void submit(model::TaskRecord record, TaskCallback callback) override;
  [[nodiscard]] std::vector<std::shared_ptr<const model::TaskRecord>> array(
      const std::string& id) const override;
  void submit_array(std::vector<model::TaskRecord> records, DoneCallback callback) override;
  void cancel(const model::TaskId& id, DoneCallback callback) override;
  void remove(const model::TaskId& id, DoneCallback callback) override;
  void set_limits(std::vector<core::LimitChange> changes, DoneCallback callback) override;
  void set_hold(const model::TaskId& id, bool on, DoneCallback callback) override;
  void set_priority(const model::TaskId& id, int priority, DoneCallback callback) override;
  void drain(core::Drain drain, DoneCallback callback) override;
  void lease(core::Lease lease, DoneCallback callback) override;
  void renew_lease(const model::TaskId& id, std::optional<base::Duration> time,
                   DoneCallback callback) override;
  void adopt_lease(const model::TaskId& id, int pid, DoneCallback callback) override;
  void end_lease(const model::TaskId& id, DoneCallback callback) override;
  void test_notifications(std::function<void(std::vector<NoticeDelivery>)> callback) override {
    callback(deliveries);
  }
  [[nodiscard]] std::shared_ptr<void> watch(const model::TaskId& id,
                                            std::function<void()> changed) override;
  [[nodiscard]] std::shared_ptr<void> every(base::Duration interval,
                                            std::function<void()> work) override;

 private:
  mutable std::uint64_t revisions_ = 0;
  base::Status apply(const core::Input& input);
  using Callback = std::function<void()>;
  std::shared_ptr<model::TaskRecord> record_of(const std::string& id) const;
  [[nodiscard]] base::Status answer();

  std::map<std::uint64_t, std::shared_ptr<model::TaskRecord>> records_;
  std::map<std::string, std::vector<LogRecord>> logs_;
  std::map<std::string, std::string> output_;
  std::map<std::string, std::vector<std::weak_ptr<Callback>>> watchers_;
  std::vector<std::weak_ptr<Callback>> tickers_;
};

/// The client's side of one exchange.
class Answer final : public http::AnswerSink, public std::enable_shared_from_this<Answer> {
 public:
  /// A stream as a connection keeps it: a write is taken by take(), and close() drops all
  /// callbacks.
  struct Stream final : http::StreamSink {
    bool is_open = true;
    std::string bytes;
    std::vector<std::function<void()>> pending;
    std::function<void()> closed;

    [[nodiscard]] bool open() const override { return is_open; }
    [[nodiscard]] std::size_t buffered() const override { return 0; }
    [[nodiscard]] bool writable() const override { return is_open; }
    bool write(std::string more, std::function<void()> on_drained) override;
    void close() override;
    void on_closed(std::function<void()> callback) override { closed = std::move(callback); }

    /// The client takes what was written, until nothing more comes. Returns all since the last
    /// call.
    std::string take();
    /// The client goes away.
    void drop();
  };

  void respond(http::Response answer) override { response = std::move(answer); }
  std::shared_ptr<http::StreamSink> start_stream(int status, std::string type,
                                                 http::HeaderList headers, bool events) override;
  void abandon() override { abandoned = true; }

  /// Of the one answer; 0 while there is none.
  [[nodiscard]] int status() const { return response ? response->status : 0; }
  /// The body as JSON; null when it is none.
  [[nodiscard]] base::json::value json() const;
  /// Type and place of each violation, "missing body.model", in order.
  [[nodiscard]] std::vector<std::string> violations() const;
  /// `detail` when it is text.
  [[nodiscard]] std::string detail() const;

  std::optional<http::Response> response;
  std::shared_ptr<Stream> stream;
  std::string stream_type;
  bool abandoned = false;
};

/// The routes of the whole API over a FakeService, and a client.
class Api {
 public:
  Api();
  /// `headers`: name, value, name, value ...
  std::shared_ptr<Answer> call(std::string_view method, std::string_view target,
                               std::string_view body = {},
                               const std::vector<std::string>& headers = {});
  std::shared_ptr<Answer> get(std::string_view target,
                              const std::vector<std::string>& headers = {}) {
    return call("GET", target, {}, headers);
  }
  std::shared_ptr<Answer> post(std::string_view target, std::string_view body = {},
                               const std::vector<std::string>& headers = {}) {
    return call("POST", target, body, headers);
  }

  FakeService service;
  http::Router router;
};

}  // namespace berth::api::test
