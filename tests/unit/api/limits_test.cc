// SPDX-License-Identifier: Apache-2.0
// POST /api/v2/resources/config: which device, which kind, which number.
#include <gtest/gtest.h>

#include "api/fake_service.h"

namespace berth::api::test {
namespace {

using base::json::value;
using Strings = std::vector<std::string>;

class LimitsTest : public testing::Test {
 protected:
  std::shared_ptr<Answer> set(const std::string& map) {
    return api.post("/api/v2/resources/config", "{\"max_concurrent\":" + map + "}");
  }
  core::KindLimits of(const std::string& id) {
    return api.service.scheduler.devices.at(model::DeviceId(id)).limits;
  }
  Api api;
};

TEST_F(LimitsTest, ADeviceIsNamedByNumberOrUuidInAnyCase) {
  for (const char* name : {"cuda:1", "CUDA:1", "GPU-bbbb"}) {
    const auto answer = set("{\"" + std::string(name) + "\": {\"training\": 4}}");
    ASSERT_EQ(answer->status(), 200) << name << ": " << answer->response->body;
    ASSERT_EQ(api.service.limit_changes.size(), 1U);
    EXPECT_EQ(api.service.limit_changes[0].device.value, "GPU-bbbb");
  }
}

TEST_F(LimitsTest, AKindThatIsNotNamedStays) {
  ASSERT_EQ(set(R"({"cuda:0": {"inference": 7}})")->status(), 200);
  EXPECT_EQ(of("GPU-aaaa"), (core::KindLimits{1, 7}));
  ASSERT_EQ(set(R"({"cuda:0": {}})")->status(), 200);
  EXPECT_EQ(of("GPU-aaaa"), (core::KindLimits{1, 7}));
}

TEST_F(LimitsTest, CudaMeansEveryNvidiaDevice) {
  const auto answer = set(R"({"cuda": {"training": 2}, "cpu": {"training": 0}})");
  ASSERT_EQ(answer->status(), 200);
  EXPECT_EQ(of("GPU-aaaa").training, 2);
  EXPECT_EQ(of("GPU-bbbb").training, 2);
  EXPECT_EQ(of("CPU").training, 0);
  EXPECT_EQ(answer->json().at("message"), value("资源配置已更新"));
  EXPECT_EQ(answer->json().at("current_config").at("cuda:1").at("training"), value(2));
}

TEST_F(LimitsTest, ALaterNameOfOneMapWins) {
  ASSERT_EQ(set(R"({"cuda": {"training": 2}, "cuda:1": {"training": 5}})")->status(), 200);
  EXPECT_EQ(of("GPU-aaaa").training, 2);
  EXPECT_EQ(of("GPU-bbbb").training, 5);
}

TEST_F(LimitsTest, NothingToChangeIsNoError) {
  EXPECT_EQ(api.post("/api/v2/resources/config", R"({"cuda:77": {"training": 5}})")->violations(),
            Strings{"missing body.max_concurrent"});
  for (const char* body : {"{}", R"({"max_concurrent": null})", R"({"max_concurrent": {}})"}) {
    EXPECT_EQ(api.post("/api/v2/resources/config", body)->status(), 200) << body;
    EXPECT_TRUE(api.service.limit_changes.empty());
  }
}

TEST_F(LimitsTest, WhatCannotBeIsRefusedAsAWhole) {
  for (const char* map :
       {R"({"cuda:0": {"training": 3}, "cuda:7": {"training": 1}})",
        R"({"cuda:0": {"training": 3}, "banana": {}})", R"({"cuda:0": {"training": -1}})",
        R"({"cuda:0": {"command": 1}})", R"({"cuda:0": {"training": 1000001}})"}) {
    const auto answer = set(map);
    EXPECT_EQ(answer->status(), 400) << map;
    EXPECT_FALSE(answer->detail().empty()) << map;
  }
  EXPECT_TRUE(api.service.limit_changes.empty());
  EXPECT_EQ(of("GPU-aaaa").training, 1);
}

TEST_F(LimitsTest, AnUnknownDeviceIsAnsweredWithThoseThatAreThere) {
  EXPECT_NE(set(R"({"cuda:7": {}})")->detail().find("cuda:0, cuda:1, cpu"), std::string::npos);
}

TEST_F(LimitsTest, AMapThatIsNoneIsASchemaViolation) {
  EXPECT_EQ(set("[]")->violations(), Strings{"dict_type body.max_concurrent"});
  EXPECT_EQ(api.post("/api/v2/resources/config", "[]")->violations(),
            Strings{"model_attributes_type body"});
}

// pydantic 2.9.2: map of maps of int.
TEST_F(LimitsTest, NumbersAreReadAsElsewhere) {
  EXPECT_EQ(set(R"({"cuda:0": {"training": "2"}})")->status(), 200);
  EXPECT_EQ(set(R"({"cuda:0": {"training": 2.0}})")->status(), 200);
  EXPECT_EQ(set(R"({"cuda:0": {"training": "x"}})")->violations(),
            Strings{"int_parsing body.max_concurrent.cuda:0.training"});
  EXPECT_EQ(set(R"({"cuda:0": {"training": null}})")->violations(),
            Strings{"int_type body.max_concurrent.cuda:0.training"});
  EXPECT_EQ(set(R"({"cuda:0": 3})")->violations(), Strings{"dict_type body.max_concurrent.cuda:0"});
}

}  // namespace
}  // namespace berth::api::test
