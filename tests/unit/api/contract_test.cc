// SPDX-License-Identifier: Apache-2.0
// api/openapi.yaml against the routes and against what the handlers really answer.
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "api/fake_service.h"
#include "api/json_schema.h"
#include "base/text.h"
#include "http/static_file.h"

namespace berth::api::test {
namespace {

using base::json::array;
using base::json::object;
using base::json::value;

constexpr std::string_view kMethods[] = {"get", "post", "put", "patch", "delete"};

class ContractTest : public testing::Test {
 protected:
  ContractTest() : document(api.get("/openapi.json")->json()) {}

  /// Calls `visit(method, path, operation)` for each operation of the document.
  template <class Visit>
  void each_operation(Visit visit) {
    for (const auto& path : document.at("paths").as_object()) {
      for (const auto method : kMethods) {
        const auto* operation = path.value().as_object().if_contains(method);
        if (operation == nullptr) continue;
        std::string verb;
        for (const char c : method) verb += static_cast<char>(std::toupper(c));
        visit(verb, std::string(path.key()), operation->as_object());
      }
    }
  }

  /// The response's schema, references followed; nullptr when the document has none.
  const value* schema_of(std::string_view method, std::string_view path, int status) {
    const auto& operation = document.at("paths").at(path).at(base::lower(method));
    const object& responses = operation.at("responses").as_object();
    const auto* response = responses.if_contains(std::to_string(status));
    if (response == nullptr) return nullptr;
    if (const auto* reference = response->as_object().if_contains("$ref")) {
      response = follow(document, reference->as_string());
    }
    return &response->at("content").at("application/json").at("schema");
  }

  void expect_as_documented(std::string_view method, std::string_view pattern,
                            const std::shared_ptr<Answer>& answer, int status) {
    SCOPED_TRACE(std::string(method) + " " + std::string(pattern));
    ASSERT_EQ(answer->status(), status) << answer->response->body;
    const value* schema = schema_of(method, pattern, status);
    ASSERT_NE(schema, nullptr) << status << " is not in the document";
    EXPECT_EQ(mismatches(document, *schema, answer->json()), std::vector<std::string>{});
  }

  Api api;
  value document;
};

TEST_F(ContractTest, IsOpenApi31OfThisVersion) {
  EXPECT_EQ(document.at("openapi").as_string(), "3.1.0");
  EXPECT_EQ(document.at("info").at("version").as_string(), BERTH_VERSION);
}

TEST_F(ContractTest, TheProgramHoldsTheFileOfTheTree) {
  std::ifstream file(BERTH_OPENAPI_YAML);
  std::stringstream yaml;
  yaml << file.rdbuf();
  const std::string text = yaml.str();
  const std::regex line("operationId: (\\w+)");
  std::set<std::string> in_file;
  for (std::sregex_iterator at(text.begin(), text.end(), line), end; at != end; ++at) {
    in_file.insert((*at)[1]);
  }
  std::set<std::string> in_program;
  each_operation([&](const std::string&, const std::string&, const object& operation) {
    in_program.insert(std::string(operation.at("operationId").as_string()));
  });
  EXPECT_EQ(in_program, in_file);
}

TEST_F(ContractTest, DocumentsEveryRouteAndNoOther) {
  std::set<std::string> routes;
  for (const auto* route : api.router.routes()) routes.insert(route->method + " " + route->pattern);
  std::set<std::string> documented;
  each_operation([&](const std::string& method, const std::string& path, const object&) {
    documented.insert(method + " " + path);
  });
  EXPECT_EQ(documented, routes);
}

TEST_F(ContractTest, SaysWhichRoutesNeedTheToken) {
  for (const auto* route : api.router.routes()) {
    SCOPED_TRACE(route->method + " " + route->pattern);
    const auto& operation =
        document.at("paths").at(route->pattern).at(base::lower(route->method)).as_object();
    const auto* security = operation.if_contains("security");
    switch (route->access) {
      case http::Access::kPublic:
        ASSERT_NE(security, nullptr);
        EXPECT_TRUE(security->as_array().empty());
        break;
      case http::Access::kToken:
        ASSERT_NE(security, nullptr);
        EXPECT_EQ(*security, value(array{object{{"bearer", array{}}}}));
        break;
      case http::Access::kOpen:
        EXPECT_EQ(security, nullptr);
    }
  }
}

TEST_F(ContractTest, EveryOperationIsComplete) {
  std::set<std::string> ids;
  std::set<std::string> tags;
  for (const auto& tag : document.at("tags").as_array()) tags.emplace(tag.at("name").as_string());
  each_operation([&](const std::string& method, const std::string& path, const object& operation) {
    SCOPED_TRACE(method + " " + path);
    EXPECT_TRUE(ids.emplace(operation.at("operationId").as_string()).second);
    EXPECT_FALSE(operation.at("summary").as_string().empty());
    ASSERT_EQ(operation.at("tags").as_array().size(), 1U);
    EXPECT_TRUE(tags.contains(std::string(operation.at("tags").at(0).as_string())));
    const object& responses = operation.at("responses").as_object();
    EXPECT_TRUE(responses.contains("200"));
    EXPECT_TRUE(responses.contains("default"));
    EXPECT_EQ(responses.contains("422"),
              operation.contains("requestBody") || path == "/api/v2/tasks");
    EXPECT_EQ(responses.contains("413"), operation.contains("requestBody"));
    EXPECT_EQ(responses.contains("415"), method == "POST");
  });
}

TEST_F(ContractTest, EveryPathParameterIsDeclared) {
  for (const auto* route : api.router.routes()) {
    SCOPED_TRACE(route->pattern);
    std::multiset<std::string> declared;
    const object& item = document.at("paths").at(route->pattern).as_object();
    if (const auto* parameters = item.if_contains("parameters")) {
      for (const value& entry : parameters->as_array()) {
        const auto* reference = entry.as_object().if_contains("$ref");
        const value* parameter = reference ? follow(document, reference->as_string()) : &entry;
        ASSERT_NE(parameter, nullptr);
        if (parameter->at("in").as_string() != "path") continue;
        EXPECT_TRUE(parameter->at("required").as_bool());
        declared.emplace(parameter->at("name").as_string());
      }
    }
    EXPECT_EQ(declared, std::multiset<std::string>(route->parameter_names.begin(),
                                                   route->parameter_names.end()));
  }
}

void walk(const value& document, const value& at, const std::string& where,
          std::set<std::string>& used) {
  if (at.is_array()) {
    for (const auto& each : at.as_array()) walk(document, each, where, used);
  }
  if (!at.is_object()) return;
  if (const auto* reference = at.as_object().if_contains("$ref")) {
    used.emplace(reference->as_string());
    EXPECT_NE(follow(document, reference->as_string()), nullptr) << where << ": " << *reference;
  }
  for (const auto& entry : at.as_object()) {
    walk(document, entry.value(), where + "/" + std::string(entry.key()), used);
  }
}

TEST_F(ContractTest, EveryReferenceLeadsSomewhereAndEveryPartIsUsed) {
  std::set<std::string> used;
  walk(document, document, "#", used);
  for (const auto& group : document.at("components").as_object()) {
    if (group.key() == "securitySchemes") continue;
    for (const auto& part : group.value().as_object()) {
      const std::string name =
          "#/components/" + std::string(group.key()) + "/" + std::string(part.key());
      EXPECT_TRUE(used.contains(name)) << name;
    }
  }
}

TEST_F(ContractTest, RequiredFieldsAreDescribedOnes) {
  for (const auto& entry : document.at("components").at("schemas").as_object()) {
    const object& schema = entry.value().as_object();
    const auto* required = schema.if_contains("required");
    if (required == nullptr) continue;
    for (const auto& name : required->as_array()) {
      EXPECT_TRUE(schema.at("properties").as_object().contains(name.as_string()))
          << entry.key() << "." << name;
    }
  }
}

TEST_F(ContractTest, AnswersAboutTheServiceAreAsDocumented) {
  api.service.add("t", "training", model::TaskState::kRunning);
  api.service.scheduler.devices.begin()->second.reservations[model::TaskId("t")] =
      base::Bytes{1 << 30};
  model::Sample sample;
  sample.used_memory = base::Bytes{2LL << 30};
  sample.free_memory = base::Bytes{22LL << 30};
  sample.taken = api.service.clock - base::Duration{1500};
  sample.power_w = 123.4;
  sample.temperature_c = 60;
  sample.pcie = model::PcieLink{4, 16};
  sample.throttle = std::vector<std::string>{"temperature"};
  model::DeviceProcess known{42, base::Bytes{1 << 30}, 12, "C", "python3", "me", "0123456789ab"};
  model::DeviceProcess bare{43, {}, {}, "G", "X", "root", ""};
  sample.processes = std::vector<model::DeviceProcess>{known, bare};
  api.service.views[0].sample = sample;
  api.service.views[0].task_by_pid[42] = model::TaskId("t");
  for (const char* path :
       {"/", "/api/v1/health", "/api/v1/info", "/api/v2/resources", "/api/v2/resources/gpu",
        "/api/v2/resources/cpu", "/api/v2/resources/history", "/api/v2/resources/usage"}) {
    expect_as_documented("GET", path, api.get(path), 200);
  }
  expect_as_documented(
      "POST", "/api/v2/resources/config",
      api.post("/api/v2/resources/config", R"({"max_concurrent":{"cpu":{"training":3}}})"), 200);
  expect_as_documented(
      "POST", "/api/v2/resources/config",
      api.post("/api/v2/resources/config", R"({"max_concurrent":{"cuda:7":{"training":3}}})"), 400);
  expect_as_documented("POST", "/api/v2/resources/config",
                       api.post("/api/v2/resources/config", R"({"max_concurrent":3})"), 422);
}

TEST_F(ContractTest, ATestOfNotificationsIsAsDocumented) {
  const std::string path = "/api/v2/notifications/test";
  const auto none = api.post(path);
  expect_as_documented("POST", path, none, 409);
  EXPECT_NE(none->detail().find("configuration has no notifications"), std::string::npos);
  api.service.deliveries = {{"https://chat.example.org", std::nullopt, base::Duration{120}},
                            {"/bin/false", "/bin/false ended with 1", base::Duration{5}}};
  const auto answer = api.post(path);
  expect_as_documented("POST", path, answer, 200);
  EXPECT_EQ(answer->json().at("targets").at(0), value({{"target", "https://chat.example.org"},
                                                       {"delivered", true},
                                                       {"reason", nullptr},
                                                       {"seconds", 0.12}}));
  EXPECT_EQ(answer->json().at("targets").at(1).at("reason"), value("/bin/false ended with 1"));
}

TEST_F(ContractTest, AGpuWithoutReadingsIsNullsNotZeros) {
  const auto answer = api.get("/api/v2/resources/gpu");
  expect_as_documented("GET", "/api/v2/resources/gpu", answer, 200);
  const auto gpu = answer->json().at("devices").at(0);
  for (const char* field : {"allocated_memory_gb", "free_memory_gb", "utilization",
                            "sm_utilization", "temperature_c", "power_w", "processes", "age_s"}) {
    EXPECT_TRUE(gpu.at(field).is_null()) << field;
  }
  EXPECT_EQ(gpu.at("total_memory_gb"), value(24.0));
}

TEST_F(ContractTest, WhatDriversSayHasTheLanguageAskedForAndCodesNone) {
  model::Sample sample;
  sample.health = model::Health::kFailed;
  sample.health_reason = "XID 79: it has fallen off the bus; it must be reset (nvidia-smi -r)";
  sample.throttle = std::vector<std::string>{"temperature"};
  api.service.views.at(0).sample = sample;
  api.service.views.at(1).device.no_tasks = "it has no driver";
  api.service.machine.hints = {"the AMD driver does not answer and is left alone for now",
                               "a hint of a later version"};
  const auto look = [&](const std::vector<std::string>& headers) {
    const auto answer = api.get("/api/v2/resources/gpu", headers);
    expect_as_documented("GET", "/api/v2/resources/gpu", answer, 200);
    return answer->json();
  };
  const auto english = look({});
  const auto chinese = look({"Accept-Language", "zh-CN,zh;q=0.9"});
  EXPECT_EQ(look({"Accept-Language", "en"}), english) << "each language has its own answer";
  EXPECT_EQ(english.at("devices").at(0).at("health_reason"), value(sample.health_reason));
  EXPECT_EQ(english.at("other_devices").at(0).at("no_tasks"), value("it has no driver"));
  EXPECT_EQ(english.at("hints").at(0), value(api.service.machine.hints[0]));
  EXPECT_EQ(chinese.at("devices").at(0).at("health_reason"),
            value("XID 79：GPU 掉卡（从总线上脱落）；需要复位（nvidia-smi -r）"));
  EXPECT_EQ(chinese.at("devices").at(0).at("health"), value("failed"));
  EXPECT_EQ(chinese.at("devices").at(0).at("throttle").at(0), value("temperature"));
  EXPECT_EQ(chinese.at("other_devices").at(0).at("no_tasks"), value("没有驱动程序"));
  EXPECT_EQ(chinese.at("hints").at(0), value("AMD 驱动无响应，暂不使用"));
  EXPECT_EQ(chinese.at("hints").at(1), value("a hint of a later version"));
  const auto all = api.get("/api/v2/resources", {"Accept-Language", "zh"})->json();
  EXPECT_EQ(all.at("gpu_info").at("hints"), chinese.at("hints"));
}

TEST_F(ContractTest, MigInstancesAndLinksAreAsDocumented) {
  auto& views = api.service.views;
  views.at(0).device.partitioned = true;
  views.at(1).device.mig = model::MigInstance{model::DeviceId("GPU-aaaa"), 2, 3, 0, "1g.10gb"};
  const auto answer = api.get("/api/v2/resources/gpu");
  expect_as_documented("GET", "/api/v2/resources/gpu", answer, 200);
  const auto report = answer->json().at("devices");
  EXPECT_TRUE(report.at(0).at("partitioned").as_bool());
  EXPECT_TRUE(report.at(0).at("mig").is_null());
  EXPECT_EQ(report.at(0).at("numa_node"), value(0));
  EXPECT_EQ(report.at(0).at("links"),
            value({{{"peer", "GPU-bbbb"}, {"closeness", "nvlink"}, {"nvlinks", 4}}}));
  EXPECT_EQ(report.at(1).at("mig"), value({{"parent", "GPU-aaaa"},
                                           {"profile", "1g.10gb"},
                                           {"number", 2},
                                           {"gpu_instance", 3},
                                           {"compute_instance", 0}}));
}

TEST_F(ContractTest, AnswersAboutTasksAreAsDocumented) {
  const auto task = api.service.add("t", "training", model::TaskState::kFailed);
  task->failure = model::Failure{"out_of_memory", "no memory", ""};
  task->exit = model::Exit{{}, 9, "exited"};
  task->latest_metrics = {{"epoch", 1}, {"train_loss", 0.5}};
  task->placement =
      model::Placement{{{model::DeviceId("GPU-aaaa"), "cuda:0", base::Bytes{1 << 30}}},
                       model::ReservationRule::kHistory};
  task->started = task->finished = api.service.clock;
  api.service.add("i", "inference", model::TaskState::kCompleted)->result = {
      {"model", "resnet18"}, {"predictions", array{}}, {"result_path", "/r/result.json"}};
  api.service.add("c", "command", model::TaskState::kQueued);
  api.service.add("p", "image_crop", model::TaskState::kCompleted)->result = {
      {"failed", 1},
      {"failed_files", array{object{{"path", "a.png"}, {"reason", "empty"}}}},
      {"skipped_files", 0},
      {"output_path", "/o"},
      {"seconds", 0.5}};
  const object group{{"snr", "0dB"},   {"colormap", "jet"}, {"images", 4},   {"unreadable", 0},
                     {"accuracy", 50}, {"top1_acc", 0.5},   {"top2_acc", 1}, {"top3_acc", 1},
                     {"top5_acc", 1},  {"mAP", 50.5},       {"macro_f1", 1}, {"micro_f1", 1}};
  api.service.add("b", "benchmark", model::TaskState::kCompleted)->result = {
      {"result_path", "/r"}, {"model", "resnet18"},    {"groups", array{group}}, {"images", 4},
      {"by_snr", array{}},   {"by_colormap", array{}}, {"passed_over", array{}}};
  for (const char* id : {"t", "i", "c", "p", "b"}) {
    const std::string path = std::string("/api/v2/tasks/") + id;
    expect_as_documented("GET", "/api/v2/tasks/{task_id}", api.get(path), 200);
    expect_as_documented("GET", "/api/v2/tasks/{task_id}/explain", api.get(path + "/explain"), 200);
  }
  expect_as_documented("GET", "/api/v2/tasks", api.get("/api/v2/tasks"), 200);
  expect_as_documented("GET", "/api/v2/tasks", api.get("/api/v2/tasks?limit=x"), 422);
  expect_as_documented("GET", "/api/v2/training/{task_id}", api.get("/api/v2/training/t"), 200);
  expect_as_documented("GET", "/api/v2/training/{task_id}", api.get("/api/v2/training/i"), 404);
  expect_as_documented("GET", "/api/v2/inference/{task_id}", api.get("/api/v2/inference/i"), 200);
  const std::string prepare = "/api/v2/preprocessing/";
  expect_as_documented("GET", prepare + "{task_id}", api.get(prepare + "p"), 200);
  expect_as_documented("POST", prepare + "{task_id}/cancel", api.post(prepare + "p/cancel"), 400);
  expect_as_documented("POST", prepare + "split", api.post(prepare + "split", "{}"), 422);
  expect_as_documented("POST", "/api/v2/tasks/{task_id}/cancel", api.post("/api/v2/tasks/c/cancel"),
                       200);
  expect_as_documented("POST", "/api/v2/tasks/{task_id}/cancel", api.post("/api/v2/tasks/t/cancel"),
                       409);
  expect_as_documented("DELETE", "/api/v2/tasks/{task_id}", api.call("DELETE", "/api/v2/tasks/t"),
                       200);
  expect_as_documented("DELETE", "/api/v2/tasks/{task_id}", api.call("DELETE", "/api/v2/tasks/c"),
                       409);
  expect_as_documented("POST", "/api/v2/tasks", api.post("/api/v2/tasks", R"({"command":["x"]})"),
                       200);
  expect_as_documented("POST", "/api/v2/tasks", api.post("/api/v2/tasks", "{}"), 422);
  expect_as_documented("POST", "/api/v2/tasks",
                       api.post("/api/v2/tasks", R"({"command":["x"],"task_id":"i"})"), 409);
}

TEST_F(ContractTest, ServesTheDocumentAndThePageCompressedOrNot) {
  for (const char* path : {"/openapi.json", "/docs", "/redoc"}) {
    SCOPED_TRACE(path);
    const auto plain = api.get(path);
    ASSERT_EQ(plain->status(), 200);
    const auto packed = api.get(path, {"Accept-Encoding", "gzip"});
    const auto unpacked = http::gunzip(packed->response->body);
    ASSERT_TRUE(unpacked);
    EXPECT_EQ(*unpacked, plain->response->body);
    EXPECT_LT(packed->response->body.size(), plain->response->body.size());
    std::string etag;
    for (const auto& [name, text] : plain->response->headers) {
      if (name == "ETag") etag = text;
    }
    EXPECT_EQ(api.get(path, {"If-None-Match", etag})->status(), 304);
  }
  EXPECT_EQ(api.get("/docs")->response->content_type, "text/html; charset=utf-8");
  EXPECT_EQ(api.get("/openapi.json")->response->content_type, "application/json");
}

TEST_F(ContractTest, ThePageNeedsNothingFromElsewhereAndWritesNoMarkup) {
  const auto page = api.get("/docs")->response->body;
  EXPECT_LT(page.size(), 30U << 10);
  EXPECT_EQ(page.find("https://"), std::string::npos);
  EXPECT_EQ(page.find(" src="), std::string::npos);
  EXPECT_EQ(page.find("@import"), std::string::npos);
  for (const char* writer : {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write"}) {
    EXPECT_EQ(page.find(writer), std::string::npos) << writer;
  }
}

}  // namespace
}  // namespace berth::api::test
