// SPDX-License-Identifier: Apache-2.0
// The requests of api/openapi.yaml against what the handlers really take.
#include <gtest/gtest.h>

#include <map>

#include "api/fake_service.h"
#include "base/text.h"

namespace berth::api::test {
namespace {

using base::json::array;
using base::json::object;
using base::json::value;

class RequestContractTest : public testing::Test {
 protected:
  RequestContractTest() : document(api.get("/openapi.json")->json()) {}

  Api api;
  value document;
};

TEST_F(RequestContractTest, ExamplesOfRequestsAreTaken) {
  const auto answer = api.post("/api/v2/tasks", base::to_text(document.at("paths")
                                                                  .at("/api/v2/tasks")
                                                                  .at("post")
                                                                  .at("requestBody")
                                                                  .at("content")
                                                                  .at("application/json")
                                                                  .at("example")));
  EXPECT_EQ(answer->status(), 200) << answer->response->body;
}

// What reads the body takes exactly the documented fields: a field of the wrong type is noticed,
// one that is not documented is not.
TEST_F(RequestContractTest, RequestFieldsAreTheDocumentedOnes) {
  const std::map<std::string, std::string> requests{
      {"/api/v2/tasks", "CommandRequest"},
      {"/api/v2/training/start", "TrainingRequest"},
      {"/api/v2/inference/start", "InferenceRequest"},
      {"/api/v2/inference/benchmark", "BenchmarkRequest"},
      {"/api/v2/preprocessing/spectrogram", "SpectrogramRequest"},
      {"/api/v2/preprocessing/waterfall", "WaterfallRequest"},
      {"/api/v2/preprocessing/iq-dataset", "IqDatasetRequest"},
      {"/api/v2/preprocessing/snr", "SnrRequest"},
      {"/api/v2/preprocessing/awgn", "AwgnRequest"},
      {"/api/v2/resources/config", "LimitsRequest"}};
  for (const auto& [path, name] : requests) {
    const object& schema = document.at("components").at("schemas").at(name).as_object();
    for (const auto& property : schema.at("properties").as_object()) {
      SCOPED_TRACE(path + " " + std::string(property.key()));
      // No field takes a list with a list in it.
      const object body{{property.key(), array{array{}}}};
      const auto answer = api.post(path, base::to_text(body));
      ASSERT_EQ(answer->status(), 422);
      bool noticed = false;
      for (const auto& violation : answer->violations()) {
        const auto place = violation.substr(violation.find(' ') + 1) + ".";
        noticed = noticed || place.starts_with("body." + std::string(property.key()) + ".");
      }
      EXPECT_TRUE(noticed);
    }
  }
}

TEST_F(RequestContractTest, DefaultsAndBoundsAreTheDocumentedOnes) {
  const std::string required =
      R"("model":"resnet18","num_classes":2,"train_path":"/","val_path":"/","save_path":"/tmp")";
  ASSERT_EQ(api.post("/api/v2/training/start", "{" + required + "}")->status(), 200);
  const auto& record = api.service.submitted.back();
  const auto& properties =
      document.at("components").at("schemas").at("TrainingRequest").at("properties").as_object();
  for (const auto& property : properties) {
    const object& schema = property.value().as_object();
    SCOPED_TRACE(property.key());
    const auto* used = record.parameters.if_contains(property.key());
    const auto* by_default = schema.if_contains("default");
    if (used != nullptr && by_default != nullptr) {
      EXPECT_EQ(*used, *by_default);
    }
    if (const auto* least = schema.if_contains("minimum")) {
      const object beyond{{property.key(), least->as_int64() - 1}};
      const auto text = base::to_text(beyond);
      EXPECT_EQ(
          api.post("/api/v2/training/start", "{" + required + "," + text.substr(1))->violations(),
          std::vector<std::string>{"greater_than_equal body." + std::string(property.key())});
    }
  }
  EXPECT_EQ(record.request.priority, properties.at("priority").at("default").as_int64());
  EXPECT_EQ(record.device, properties.at("device").at("default").as_string());
}

// A number beyond each bound, and a word that is none of those listed, is refused by name.
TEST_F(RequestContractTest, BoundsOfWorkOnSignalsAreTheDocumentedOnes) {
  const std::map<std::string, std::string> requests{{"spectrogram", "SpectrogramRequest"},
                                                    {"waterfall", "WaterfallRequest"},
                                                    {"iq-dataset", "IqDatasetRequest"},
                                                    {"awgn", "AwgnRequest"}};
  for (const auto& [work, name] : requests) {
    const auto expect = [&](std::string_view field, const value& given, const std::string& type) {
      SCOPED_TRACE(work + " " + std::string(field) + " " + base::to_text(given));
      const object body{{"source_path", "/"}, {"save_path", "/tmp/x"}, {field, given}};
      const auto answer = api.post("/api/v2/preprocessing/" + work, base::to_text(body));
      if (type.empty()) {
        EXPECT_EQ(answer->status(), 200) << answer->response->body;
      } else {
        EXPECT_EQ(answer->violations(),
                  std::vector<std::string>{type + " body." + std::string(field)});
      }
    };
    const object& schema = document.at("components").at("schemas").at(name).as_object();
    for (const auto& property : schema.at("properties").as_object()) {
      if (property.key() == "overlap") continue;  // its bound is another field
      const object& field = property.value().as_object();
      if (const auto* least = field.if_contains("minimum")) {
        expect(property.key(), least->to_number<double>() - 1, "greater_than_equal");
      }
      if (const auto* most = field.if_contains("maximum")) {
        expect(property.key(), most->to_number<double>() + 1, "less_than_equal");
        if (property.key() != "snr_min") expect(property.key(), *most, "");
      }
      if (const auto* least = field.if_contains("exclusiveMinimum"))
        expect(property.key(), *least, "greater_than");
      if (const auto* most = field.if_contains("exclusiveMaximum"))
        expect(property.key(), *most, "less_than");
      if (const auto* known = field.if_contains("enum")) {
        expect(property.key(), "none of them", "enum");
        for (const auto& word : known->as_array()) expect(property.key(), word, "");
      }
    }
  }
}

}  // namespace
}  // namespace berth::api::test
