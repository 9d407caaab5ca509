// SPDX-License-Identifier: Apache-2.0
#include "api/fake_service.h"

#include <algorithm>

#include "api/docs.h"
#include "api/routes.h"
#include "core/step.h"

namespace berth::api::test {

namespace {

constexpr std::int64_t kGiB = std::int64_t{1} << 30;

model::Device device(const std::string& id, model::Vendor vendor, int index,
                     const std::string& name) {
  model::Device result;
  result.id = model::DeviceId(id);
  result.vendor = vendor;
  result.index = index;
  result.name = name;
  result.model = vendor == model::Vendor::kCpu ? "A processor" : "NVIDIA GeForce RTX 3090";
  result.total_memory = base::Bytes{24 * kGiB};
  if (vendor == model::Vendor::kCpu) {
    result.cores = 8;
  } else {
    result.pci_bus_id = "00000000:17:00.0";
    result.compute_capability = "8.6";
    result.numa_node = 0;
    result.links = {
        {model::DeviceId(index == 0 ? "GPU-bbbb" : "GPU-aaaa"), model::Closeness::kNvLink, 4}};
  }
  return result;
}

}  // namespace

FakeService::FakeService() {
  machine.driver_version = "550.54";
  machine.cuda_version = "12.4";
  machine.devices = {device("GPU-aaaa", model::Vendor::kNvidia, 0, "cuda:0"),
                     device("GPU-bbbb", model::Vendor::kNvidia, 1, "cuda:1"),
                     device("CPU", model::Vendor::kCpu, 0, "cpu")};
  scheduler.inventory_known = true;
  scheduler.config.worker_vendors = {model::Vendor::kNvidia};
  for (const auto& each : machine.devices) {
    core::DeviceEntry entry;
    entry.device = each;
    entry.limits = core::default_limits(scheduler.config, entry);
    core::Reading reading;
    reading.device = each.id;
    reading.total = each.total_memory;
    reading.free = base::Bytes{20 * kGiB};
    entry.reading = reading;
    scheduler.devices.emplace(each.id, std::move(entry));
    DeviceView view;
    view.device = each;
    views.push_back(std::move(view));
  }
  build.installed = true;
  build.torch_version = "2.1.0";
  build.cuda = true;
  build.models = {"resnet18", "resnet50"};
  build.prepare = true;
  build.signal = true;
}

std::shared_ptr<model::TaskRecord> FakeService::add(const std::string& id, const std::string& type,
                                                    model::TaskState state) {
  auto record = std::make_shared<model::TaskRecord>();
  record->request.id = model::TaskId(id);
  record->request.kind = model::kind_from_text(type).value_or(model::Kind::kCommand);
  record->request.builtin = type != "command";
  record->type = type;
  record->state = state;
  record->device = "cuda:0";
  record->created = record->updated = clock;
  record->sequence = records_.empty() ? 1 : records_.rbegin()->first + 1;
  if (type == "command") record->argv = {"sleep", "1"};
  records_.emplace(record->sequence, record);
  return record;
}

void FakeService::log(const std::string& id, const std::string& json, bool daemon_record) {
  auto& records = logs_[id];
  records.push_back({json, (records.size() + 1) * 100, daemon_record});
}

void FakeService::finish(const std::string& id, model::TaskState state) {
  record_of(id)->state = state;
}

void FakeService::close_log(const std::string& id) { record_of(id)->log_closed = true; }

void FakeService::forget(const std::string& id) {
  std::erase_if(records_, [&](const auto& entry) { return entry.second->id().value == id; });
  logs_.erase(id);
}

void FakeService::changed(const std::string& id) {
  const auto callbacks = watchers_[id];
  for (const auto& weak : callbacks) {
    if (const auto callback = weak.lock()) (*callback)();
  }
}

void FakeService::tick() {
  const auto callbacks = tickers_;
  for (const auto& weak : callbacks) {
    if (const auto callback = weak.lock()) (*callback)();
  }
}

base::json::object FakeService::processor() const {
  return {{"percent", 12.5},
          {"per_cpu_percent", {10.0, 15.0}},
          {"cores", 2},
          {"physical_cores", 1},
          {"freq_mhz", nullptr},
          {"load_avg", {{"1", 0.5}, {"5", 0.4}, {"15", 0.3}}},
          {"memory_percent", 40.0}};
}

std::shared_ptr<model::TaskRecord> FakeService::record_of(const std::string& id) const {
  for (const auto& [sequence, record] : records_) {
    if (record->id().value == id) return record;
  }
  return nullptr;
}

std::shared_ptr<const model::TaskRecord> FakeService::find(const model::TaskId& id) const {
  return record_of(id.value);
}

base::Result<LogPage> FakeService::read_log(const model::TaskId& id, std::uint64_t offset,
                                            std::size_t) const {
  LogPage page{{}, offset, true};
  const auto found = logs_.find(id.value);
  if (found == logs_.end()) return page;
  for (const auto& record : found->second) {
    if (record.end_offset <= offset) continue;
    if (page.records.size() == records_per_page) {
      page.at_end = false;
      break;
    }
    page.records.push_back(record);
    page.next_offset = record.end_offset;
  }
  return page;
}

base::Result<OutputPage> FakeService::read_output(const model::TaskId& id, int /*attempt*/,
                                                  bool standard_error, std::uint64_t offset,
                                                  std::size_t max_bytes) const {
  const auto found = output_.find(id.value);
  if (standard_error || found == output_.end() || offset >= found->second.size()) {
    return OutputPage{offset, {}, offset};
  }
  const std::uint64_t begin = std::max(offset, output_start);
  std::string bytes = found->second.substr(begin, max_bytes);
  const std::uint64_t next = begin + bytes.size();
  return OutputPage{begin, std::move(bytes), next};
}

std::size_t FakeService::watchers() const {
  std::size_t count = 0;
  for (const auto& [id, callbacks] : watchers_) {
    for (const auto& weak : callbacks) count += weak.expired() ? 0 : 1;
  }
  return count;
}

base::Status FakeService::answer() {
  if (!refuse) return {};
  const base::Error error = *std::exchange(refuse, std::nullopt);
  return base::fail(error);
}

void FakeService::submit(model::TaskRecord record, TaskCallback callback) {
  if (auto status = answer(); !status) return callback(base::fail(status.error()));
  submitted.push_back(record);
  const std::uint64_t sequence = records_.empty() ? 1 : records_.rbegin()->first + 1;
  if (record.request.id.empty())
    record.request.id = model::TaskId("made-" + std::to_string(sequence));
  if (record_of(record.id().value) != nullptr) {
    return callback(base::fail(base::ErrorCode::kDuplicateTask, "there is one already"));
  }
  record.created = record.updated = clock;
  record.sequence = sequence;
  const auto kept = std::make_shared<model::TaskRecord>(std::move(record));
  records_.emplace(kept->sequence, kept);
  callback(std::shared_ptr<const model::TaskRecord>(kept));
}

void FakeService::cancel(const model::TaskId& id, DoneCallback callback) {
  cancelled.push_back(id.value);
  callback(answer());
}

void FakeService::remove(const model::TaskId& id, DoneCallback callback) {
  removed.push_back(id.value);
  callback(answer());
}

void FakeService::set_limits(std::vector<core::LimitChange> changes, DoneCallback callback) {
  for (const auto& change : changes) {
    auto& limits = scheduler.devices.at(change.device).limits;
    limits.training = change.training.value_or(limits.training);
    limits.inference = change.inference.value_or(limits.inference);
  }
  limit_changes = std::move(changes);
  callback(answer());
}

void FakeService::set_hold(const model::TaskId& id, bool on, DoneCallback callback) {
  holds.emplace_back(id.value, on);
  callback(answer());
}

void FakeService::set_priority(const model::TaskId& id, int priority, DoneCallback callback) {
  priorities.emplace_back(id.value, priority);
  callback(answer());
}

void FakeService::drain(core::Drain drain, DoneCallback callback) {
  for (const auto& id : drain.devices) {
    if (drain.on) scheduler.drained[id] = drain.reason;
    if (!drain.on) scheduler.drained.erase(id);
  }
  if (drain.devices.empty())
    scheduler.draining = drain.on ? std::optional(drain.reason) : std::nullopt;
  callback(answer());
}

std::vector<std::shared_ptr<const model::TaskRecord>> FakeService::array(
    const std::string& id) const {
  std::vector<std::shared_ptr<const model::TaskRecord>> tasks;
  for (const auto& [sequence, record] : records_) {
    if (record->request.array && record->request.array->array == id) tasks.push_back(record);
  }
  return tasks;
}

void FakeService::submit_array(std::vector<model::TaskRecord> records, DoneCallback callback) {
  if (refuse) return callback(answer());
  for (auto& task : records) submit(std::move(task), [](const auto&) {});
  callback({});
}

// With the real scheduler: leases are nowhere but in its state.
void FakeService::lease(core::Lease lease, DoneCallback callback) {
  if (refuse) return callback(answer());
  callback(apply(core::Input(std::move(lease))));
}

void FakeService::renew_lease(const model::TaskId& id, std::optional<base::Duration> time,
                              DoneCallback callback) {
  callback(apply(core::RenewLease{id, time.value_or(base::Duration{60'000}), ""}));
}

void FakeService::adopt_lease(const model::TaskId& id, int pid, DoneCallback callback) {
  callback(apply(core::RenewLease{id, base::Duration{60'000}, std::to_string(pid) + " 1 boot"}));
}

void FakeService::end_lease(const model::TaskId& id, DoneCallback callback) {
  callback(apply(core::EndLease{id}));
}

base::Status FakeService::apply(const core::Input& input) {
  for (const auto& output : core::step(scheduler, input, clock)) {
    if (const auto* refused = std::get_if<core::Refused>(&output))
      return base::fail(refused->error);
  }
  return {};
}

std::shared_ptr<void> FakeService::watch(const model::TaskId& id, std::function<void()> changed) {
  auto callback = std::make_shared<Callback>(std::move(changed));
  watchers_[id.value].push_back(callback);
  return callback;
}

std::shared_ptr<void> FakeService::every(base::Duration, std::function<void()> work) {
  auto callback = std::make_shared<Callback>(std::move(work));
  tickers_.push_back(callback);
  return callback;
}

bool Answer::Stream::write(std::string more, std::function<void()> on_drained) {
  if (!is_open) return false;
  bytes += more;
  if (on_drained) pending.push_back(std::move(on_drained));
  return true;
}

void Answer::Stream::close() {
  is_open = false;
  pending.clear();
  closed = {};
}

std::string Answer::Stream::take() {
  while (!pending.empty()) {
    for (auto& callback : std::exchange(pending, {})) callback();
  }
  return std::exchange(bytes, {});
}

void Answer::Stream::drop() {
  is_open = false;
  pending.clear();
  if (const auto callback = std::exchange(closed, {})) callback();
}

std::shared_ptr<http::StreamSink> Answer::start_stream(int, std::string type, http::HeaderList,
                                                       bool) {
  stream_type = std::move(type);
  stream = std::make_shared<Stream>();
  return stream;
}

base::json::value Answer::json() const {
  if (!response) return nullptr;
  auto parsed = base::parse_json(response->body);
  return parsed ? *parsed : base::json::value(nullptr);
}

std::vector<std::string> Answer::violations() const {
  std::vector<std::string> result;
  const auto body = json();
  if (!body.is_object() || !body.as_object().contains("detail")) return result;
  const auto& detail = body.at("detail");
  if (!detail.is_array()) return result;
  for (const auto& entry : detail.as_array()) {
    std::string text(entry.at("type").as_string());
    char separator = ' ';
    for (const auto& part : entry.at("loc").as_array()) {
      text += separator;
      text += part.is_string() ? std::string(part.as_string()) : std::to_string(part.as_int64());
      separator = '.';
    }
    result.push_back(std::move(text));
  }
  return result;
}

std::string Answer::detail() const {
  const auto body = json();
  return body.is_object() ? base::string_or(body.as_object(), "detail") : "";
}

Api::Api() {
  add_routes(router, service);
  http::Parameters ignored;
  if (router.match("GET", "/docs", ignored).route == nullptr) add_docs_routes(router);
}

std::shared_ptr<Answer> Api::call(std::string_view method, std::string_view target,
                                  std::string_view body, const std::vector<std::string>& headers) {
  auto answer = std::make_shared<Answer>();
  http::Request request;
  request.method = method;
  request.target = target;
  request.body = body;
  for (std::size_t i = 0; i + 1 < headers.size(); i += 2) {
    request.headers.add(headers[i], headers[i + 1]);
  }
  request.language = http::preferred_language(request.headers.get("Accept-Language"));
  router.dispatch(request, http::Exchange(answer));
  return answer;
}

}  // namespace berth::api::test
