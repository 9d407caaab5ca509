// SPDX-License-Identifier: Apache-2.0
#include "prepare/augment.h"

#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "event_file.h"
#include "folder_content.h"
#include "pictures.h"

namespace berth::prepare {
namespace {

namespace fs = std::filesystem;
using boost::json::array;
using boost::json::object;
using protocol::ErrorCode;
using tests::content;
using tests::EventFile;
using tests::patterned;
using tests::TemporaryFolder;

class AugmentTest : public testing::Test {
 protected:
  AugmentTest() {
    for (const char* name : {"train/a/1.png", "train/b/2.png", "valid/a/3.png"})
      folder_.write(std::string("set/") + name, tests::png(patterned(30, 20)));
    folder_.write("set/train/b/photo.jpeg", tests::jpeg(patterned(30, 20)));
    folder_.write("set/test/a/4.png", tests::png(patterned(30, 20)));
    spec_.dataset_path = folder_.path() + "/set";
    spec_.output_path = folder_.path() + "/aug";
    spec_.methods = augmentations();
  }
  TemporaryFolder folder_;
  AugmentSpec spec_;
};

TEST_F(AugmentTest, WritesTheOriginalAndOnePicturePerMethod) {
  EventFile events;
  ASSERT_TRUE(augment(spec_, &events.writer()));
  const auto files = content(spec_.output_path);
  EXPECT_EQ(files.size(), 4u * 7);
  EXPECT_EQ(files.at("train/a/1_origin.png"), tests::png(patterned(30, 20)));
  EXPECT_EQ(files.at("train/b/photo_origin.jpeg"), tests::jpeg(patterned(30, 20)));
  EXPECT_EQ(files.at("train/b/photo_AugM5.jpeg").substr(0, 2), "\xFF\xD8");
  EXPECT_EQ(files.count("valid/a/3_AugM0.png"), 1u);
  EXPECT_NE(files.at("train/a/1_AugM0.png"), files.at("valid/a/3_AugM0.png"))
      << "each picture has its own random numbers";
  const object result = events.result();
  EXPECT_EQ(events.count("original_images"), 4u);
  EXPECT_EQ(events.count("augmented_images"), 24u);
  EXPECT_EQ(events.count("methods_used"), 6u);
  EXPECT_EQ(boost::json::serialize(result.at("classes")), R"(["a","b"])");
}

TEST_F(AugmentTest, GivesTheSameForAnyNumberOfThreads) {
  EventFile events;
  spec_.threads = 1;
  ASSERT_TRUE(augment(spec_, &events.writer()));
  const auto one = content(spec_.output_path);
  spec_.threads = 4;
  spec_.output_path = folder_.path() + "/aug4";
  ASSERT_TRUE(augment(spec_, &events.writer()));
  EXPECT_EQ(content(spec_.output_path), one);
  spec_.seed = 1;
  ASSERT_TRUE(augment(spec_, &events.writer()));
  EXPECT_NE(content(spec_.output_path), one);
}

TEST_F(AugmentTest, TakesTheSameMethodTwiceForTwoPictures) {
  EventFile events;
  spec_.methods = {*find_augmentation("GaussNoise"), *find_augmentation("GaussNoise")};
  ASSERT_TRUE(augment(spec_, &events.writer()));
  const auto files = content(spec_.output_path);
  EXPECT_NE(files.at("train/a/1_AugM0.png"), files.at("train/a/1_AugM1.png"));
}

TEST_F(AugmentTest, GoesOnWithoutWhatCannotBeRead) {
  folder_.write("set/train/a/bad.png", "no picture");
  EventFile events;
  ASSERT_TRUE(augment(spec_, &events.writer()));
  const object result = events.result();
  EXPECT_EQ(events.count("failed"), 1u);
  EXPECT_EQ(result.at("failed_files").as_array().at(0).at("path").as_string(), "train/a/bad.png");
  EXPECT_EQ(events.count("augmented_images"), 24u);
  EXPECT_EQ(content(spec_.output_path).count("train/a/bad_origin.png"), 0u);
}

TEST_F(AugmentTest, RefusesToMixWithItsInput) {
  EventFile events;
  const auto before = content(spec_.dataset_path);
  for (const char* out : {"/set", "/set/train/x", "/set/valid"}) {
    spec_.output_path = folder_.path() + out;
    EXPECT_EQ(augment(spec_, &events.writer()).error().code, ErrorCode::kBadRequest) << out;
  }
  EXPECT_EQ(content(spec_.dataset_path), before);
}

TEST_F(AugmentTest, NeedsTrainOrValid) {
  EventFile events;
  spec_.dataset_path += "/train";
  const auto status = augment(spec_, &events.writer());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kBadRequest);
}

TEST(AugmentSpec, NamesTheKnownMethodsWhenOneIsNot) {
  const TemporaryFolder folder;
  const auto with = [&](array methods) {
    return read_augment_spec(folder.write(
        "spec.json", boost::json::serialize(object{
                         {"dataset_path", "/d"}, {"output_path", "/o"}, {"methods", methods}})));
  };
  EXPECT_EQ(with({})->methods.size(), 6u);
  EXPECT_STREQ(with({"Sharpen"})->methods.at(0).name, "Sharpen");
  const auto refused = with({"Sharpen", "Blurr"});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("AdvancedBlur, CLAHE"), std::string::npos);
}

}  // namespace
}  // namespace berth::prepare
