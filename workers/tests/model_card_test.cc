// SPDX-License-Identifier: Apache-2.0
#include "vision/model_card.h"

#include <gtest/gtest.h>

#include "temporary_folder.h"

namespace berth::vision {
namespace {

using protocol::ErrorCode;
using tests::TemporaryFolder;

TEST(Config, ComesBackAsItWasWritten) {
  const TemporaryFolder folder;
  ModelCard card{"resnet18", {"DJI FPV COMBO", "yes", "a: b", "8"}, 64, 1};
  TrainingConfig config;
  config.save_path = folder.path();
  config.learning_rate = 0.001;
  ASSERT_TRUE(write_config(config, card));
  const auto back = read_config(folder.path() + "/config.yaml");
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back->class_names, card.class_names);
  EXPECT_EQ(*back->model, "resnet18");
  EXPECT_EQ(*back->image_size, 64);
  EXPECT_EQ(*back->num_classes, 4);
}

TEST(Config, NamesMayBeAListOrAMap) {
  const TemporaryFolder folder;
  const std::vector<std::string> names = {"b", "a"};
  EXPECT_EQ(*read_config(folder.write("l", "class_names: [b, a]"))->class_names, names);
  EXPECT_EQ(*read_config(folder.write("m", "class_names: {a: 1, b: 0}"))->class_names, names);
}

TEST(Config, WrongOnesAreRefused) {
  const TemporaryFolder folder;
  for (const char* text : {"class_names: {a: 1, b: 1}", "class_names: {a: 5}", "a: [", "- list",
                           "image_size: big", "class_names: word", "class_names: {a: x}"}) {
    const auto config = read_config(folder.write("c.yaml", text));
    ASSERT_FALSE(config) << text;
    EXPECT_EQ(config.error().code, ErrorCode::kBadRequest);
  }
  EXPECT_EQ(read_config(folder.path() + "/none").error().code, ErrorCode::kIoError);
}

TEST(Card, SidecarAndMetadataTellTheSame) {
  const TemporaryFolder folder;
  const std::string weights = folder.path() + "/best.safetensors";
  const ModelCard card{"resnet34", {"a", "b"}, 96, 3};
  ASSERT_TRUE(write_sidecar(weights, card, {{"val_acc", 50.0}}));
  const auto sidecar = read_sidecar(weights);
  ASSERT_TRUE(sidecar) << sidecar.error().message;
  for (const CardSource& source : {*sidecar, read_metadata(card_metadata(card))}) {
    const auto merged = merge_sources({source}, weights, "test");
    ASSERT_TRUE(merged) << merged.error().message;
    EXPECT_EQ(merged->model, card.model);
    EXPECT_EQ(merged->class_names, card.class_names);
    EXPECT_EQ(merged->image_size, 96);
  }
}

TEST(Card, EarlierSourcesWin) {
  CardSource first, second;
  first.class_names = std::vector<std::string>{"a", "b"};
  second.class_names = std::vector<std::string>{"x", "y"};
  second.num_classes = 2;
  second.model = "resnet18";
  second.image_size = 64;
  const auto card = merge_sources({first, second}, "w", "test");
  ASSERT_TRUE(card) << card.error().message;
  EXPECT_EQ(card->class_names, *first.class_names);
}

TEST(Card, SourcesThatContradictEachOtherAreRefused) {
  CardSource checkpoint, configuration;
  checkpoint.where = "the file itself";
  configuration.where = "the configuration";
  checkpoint.model = "resnet18";
  checkpoint.class_names = std::vector<std::string>{"a", "b"};
  checkpoint.image_size = 64;
  configuration.model = "resnet50";
  const auto other_model = merge_sources({checkpoint, configuration}, "w.safetensors", "test");
  ASSERT_FALSE(other_model);
  EXPECT_EQ(other_model.error().code, protocol::ErrorCode::kCheckpointMismatch);
  EXPECT_EQ(other_model.error().file, "w.safetensors");
  EXPECT_NE(other_model.error().message.find("resnet18"), std::string::npos);
  EXPECT_NE(other_model.error().message.find("resnet50"), std::string::npos);
  EXPECT_NE(other_model.error().message.find("the file itself says resnet18"), std::string::npos);
  configuration.model = "resnet18";
  configuration.num_classes = 3;
  const auto other_classes = merge_sources({checkpoint, configuration}, "w.safetensors", "test");
  ASSERT_FALSE(other_classes);
  EXPECT_EQ(other_classes.error().code, protocol::ErrorCode::kCheckpointMismatch);
}

TEST(Card, WhatIsMissingIsNamed) {
  CardSource source;
  source.model = "resnet18";
  source.num_classes = 2;
  const auto card = merge_sources({source}, "w.safetensors", "here, there");
  ASSERT_FALSE(card);
  EXPECT_NE(card.error().message.find("image_size"), std::string::npos);
  EXPECT_NE(card.error().message.find("here, there"), std::string::npos);
}

TEST(Card, UnknownModelsAreRefusedWithTheKnownOnes) {
  CardSource source;
  source.model = "resnet19";
  source.num_classes = 2;
  source.image_size = 64;
  const auto card = merge_sources({source}, "w", "test");
  ASSERT_FALSE(card);
  EXPECT_NE(card.error().message.find("resnet152"), std::string::npos);
}

TEST(SidecarPath, ReplacesTheExtension) {
  EXPECT_EQ(sidecar_path("/a.b/best.safetensors"), "/a.b/best.json");
  EXPECT_EQ(sidecar_path("/a.b/best"), "/a.b/best.json");
}

}  // namespace
}  // namespace berth::vision
