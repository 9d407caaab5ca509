// SPDX-License-Identifier: Apache-2.0
#include "prepare/crop.h"

#include <gtest/gtest.h>

#include <boost/json/array.hpp>

#include "event_file.h"
#include "folder_content.h"
#include "image/decode.h"
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
using tests::plain;
using tests::TemporaryFolder;

TEST(Cut, TakesThePartOfTheRectangleThatLiesInThePicture) {
  const auto picture = patterned(10, 8);
  const auto inside = cut(picture, {2, 3, 4, 2});
  ASSERT_TRUE(inside);
  EXPECT_EQ(inside->width, 4);
  EXPECT_EQ(inside->height, 2);
  for (int y = 0; y < 2; ++y) {
    for (int x = 0; x < 4; ++x) {
      for (int c = 0; c < 3; ++c) {
        EXPECT_EQ(inside->pixels[static_cast<size_t>((y * 4 + x) * 3 + c)],
                  picture.pixels[static_cast<size_t>(((y + 3) * 10 + x + 2) * 3 + c)]);
      }
    }
  }
  const auto clipped = cut(picture, {7, 5, 1'000'000'000, 1'000'000'000});
  ASSERT_TRUE(clipped);
  EXPECT_EQ(clipped->width, 3);
  EXPECT_EQ(clipped->height, 3);
  EXPECT_FALSE(cut(picture, {10, 0, 5, 5}));
  EXPECT_FALSE(cut(picture, {0, 8, 5, 5}));
}

class CropTest : public testing::Test {
 protected:
  CropTest() {
    folder_.write("in/a.png", tests::png(patterned(20, 10)));
    folder_.write("in/deep/b.JPG", tests::jpeg(patterned(20, 10)));
    folder_.write("in/deep/c.bmp", tests::bmp(patterned(20, 10)));
    folder_.write("in/deep/notes.txt", "x");
    spec_.input_path = folder_.path() + "/in";
    spec_.output_path = folder_.path() + "/out";
    spec_.rectangle = {5, 2, 10, 100};
    spec_.threads = 2;
  }
  TemporaryFolder folder_;
  CropSpec spec_;
};

TEST_F(CropTest, KeepsStructureNamesAndFormats) {
  EventFile events;
  ASSERT_TRUE(crop(spec_, &events.writer()));
  const auto files = content(spec_.output_path);
  ASSERT_EQ(files.size(), 3u);
  EXPECT_EQ(files.at("a.png").substr(0, 4), "\x89PNG");
  EXPECT_EQ(files.at("deep/b.JPG").substr(0, 2), "\xFF\xD8");
  EXPECT_EQ(files.at("deep/c.bmp"), tests::bmp(*cut(patterned(20, 10), {5, 2, 10, 8})));
  const auto png = image::decode_file(spec_.output_path + "/a.png", 0);
  EXPECT_EQ(png->pixels, cut(patterned(20, 10), {5, 2, 10, 8})->pixels);
  const object result = events.result();
  EXPECT_EQ(events.count("total_images"), 3u);
  EXPECT_EQ(events.count("success"), 3u);
  EXPECT_EQ(events.count("failed"), 0u);
  EXPECT_EQ(events.count("skipped_files"), 1u);
}

TEST_F(CropTest, TellsWhichPicturesFailedAndWhy) {
  folder_.write("in/bad.png", "no picture");
  folder_.write("in/small.png", tests::png(plain(5, 5, 1, 2, 3)));
  EventFile events;
  ASSERT_TRUE(crop(spec_, &events.writer()));
  const object result = events.result();
  EXPECT_EQ(events.count("success"), 3u);
  EXPECT_EQ(events.count("failed"), 2u);
  EXPECT_EQ(events.count("total_images"), 5u);
  const array& named = result.at("failed_files").as_array();
  EXPECT_EQ(named.at(0).at("path").as_string(), "bad.png");
  EXPECT_EQ(named.at(1).at("path").as_string(), "small.png");
  EXPECT_NE(std::string(named.at(1).at("reason").as_string()).find("5 x 5"), std::string::npos);
  EXPECT_FALSE(fs::exists(spec_.output_path + "/small.png"));
}

TEST_F(CropTest, FailsWhenNoPictureCouldBeCropped) {
  spec_.rectangle.x = 500;
  EventFile events;
  const auto status = crop(spec_, &events.writer());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kBadImage);
  EXPECT_TRUE(content(spec_.output_path).empty());
}

TEST_F(CropTest, TakesASingleFile) {
  spec_.input_path += "/deep/c.bmp";
  EventFile events;
  ASSERT_TRUE(crop(spec_, &events.writer()));
  EXPECT_EQ(content(spec_.output_path).count("c.bmp"), 1u);
  spec_.input_path = folder_.path() + "/in/deep/notes.txt";
  EXPECT_EQ(crop(spec_, &events.writer()).error().code, ErrorCode::kBadRequest);
}

TEST_F(CropTest, NeverWritesOverItsInput) {
  EventFile events;
  const auto before = content(spec_.input_path);
  for (const char* out : {"/in", "/in/deep"}) {
    spec_.output_path = folder_.path() + out;
    EXPECT_EQ(crop(spec_, &events.writer()).error().code, ErrorCode::kBadRequest);
  }
  spec_.input_path = folder_.path() + "/in/a.png";
  spec_.output_path = folder_.path() + "/in";
  EXPECT_EQ(crop(spec_, &events.writer()).error().code, ErrorCode::kBadRequest);
  EXPECT_EQ(content(folder_.path() + "/in"), before);
}

}  // namespace
}  // namespace berth::prepare
