// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <png.h>
#include <sys/stat.h>

#include <cstring>
#include <filesystem>

#include "image/decode.h"
#include "image/encode.h"
#include "image/image_folder.h"
#include "image/resize.h"
#include "pictures.h"
#include "temporary_folder.h"

namespace berth::image {
namespace {

using protocol::ErrorCode;
using tests::bmp;
using tests::jpeg;
using tests::patterned;
using tests::plain;
using tests::png;
using tests::TemporaryFolder;

protocol::Result<Bitmap> decode_text(const std::string& bytes, int target = 0) {
  return decode(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), target);
}

/// A PNG of one colour in a given pixel format of libpng's simplified interface.
std::string png_of(uint32_t format, const std::vector<uint8_t>& pixels, int width, int height) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(width);
  image.height = static_cast<png_uint_32>(height);
  image.format = format;
  png_alloc_size_t size = 1 << 16;
  std::string bytes(size, '\0');
  EXPECT_NE(png_image_write_to_memory(&image, bytes.data(), &size, 0, pixels.data(), 0, nullptr),
            0);
  bytes.resize(size);
  return bytes;
}

TEST(Decode, PngAndBmpComeBackExactly) {
  const Bitmap picture = patterned(37, 23);
  for (const std::string& bytes : {png(picture), bmp(picture)}) {
    const auto back = decode_text(bytes);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back->width, 37);
    EXPECT_EQ(back->height, 23);
    EXPECT_EQ(back->pixels, picture.pixels);
  }
}

TEST(Decode, JpegComesBackNearly) {
  const auto back = decode_text(jpeg(plain(40, 30, 200, 100, 50)));
  ASSERT_TRUE(back) << back.error().message;
  ASSERT_EQ(back->pixels.size(), 40u * 30 * 3);
  EXPECT_NEAR(back->pixels[0], 200, 3);
  EXPECT_NEAR(back->pixels[1], 100, 3);
  EXPECT_NEAR(back->pixels[2], 50, 3);
}

TEST(Decode, LargeJpegsAreScaledWhileDecoding) {
  const std::string bytes = jpeg(plain(1024, 800, 10, 20, 30));
  EXPECT_EQ(decode_text(bytes, 64)->width, 256) << "1/4 is the smallest with both sides >= 128";
  EXPECT_EQ(decode_text(bytes, 500)->width, 1024);
  EXPECT_EQ(decode_text(bytes, 0)->width, 1024);
}

TEST(Decode, GreyPaletteAndAlphaBecomeRgb) {
  const auto grey = decode_text(png_of(PNG_FORMAT_GRAY, {7, 9}, 2, 1));
  ASSERT_TRUE(grey);
  EXPECT_EQ(grey->pixels, (std::vector<uint8_t>{7, 7, 7, 9, 9, 9}));
  const auto alpha = decode_text(png_of(PNG_FORMAT_RGBA, {1, 2, 3, 0, 4, 5, 6, 255}, 2, 1));
  ASSERT_TRUE(alpha);
  EXPECT_EQ(alpha->pixels, (std::vector<uint8_t>{1, 2, 3, 4, 5, 6})) << "alpha is dropped";
}

TEST(Decode, TheContentDecidesNotTheName) {
  const TemporaryFolder folder;
  const auto picture = decode_file(folder.write("really_png.jpg", png(patterned(5, 5))), 0);
  ASSERT_TRUE(picture);
  EXPECT_EQ(picture->pixels, patterned(5, 5).pixels);
}

TEST(Decode, DamagedFilesAreRefusedWithTheirName) {
  const TemporaryFolder folder;
  const Bitmap picture = patterned(64, 64);
  const std::string whole[] = {jpeg(picture), png(picture), bmp(picture)};
  for (const std::string& bytes : whole) {
    for (const size_t keep :
         {size_t{0}, size_t{2}, size_t{20}, bytes.size() / 2, bytes.size() - 40}) {
      const std::string path = folder.write("cut.jpg", bytes.substr(0, keep));
      const auto cut = decode_file(path, 32);
      ASSERT_FALSE(cut) << keep << " of " << bytes.size() << " bytes";
      EXPECT_EQ(cut.error().code, ErrorCode::kBadImage);
      EXPECT_EQ(cut.error().file, path);
      EXPECT_NE(cut.error().message.find(path), std::string::npos);
    }
  }
  EXPECT_FALSE(decode_text("GIF89a and so on"));
}

TEST(Decode, ABmpThatClaimsMoreThanItHoldsIsRefusedAtOnce) {
  std::string bytes = bmp(patterned(24, 24));
  const auto set = [&](size_t at, uint32_t number) {
    for (size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<char>(number >> (8 * i));
  };
  set(18, 14851);
  set(22, 728);
  for (const uint32_t compression : {0U, 1U, 3U, 4U, 0xFFFF43U}) {
    set(30, compression);
    const auto picture = decode(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), 0);
    ASSERT_FALSE(picture) << compression;
    EXPECT_EQ(picture.error().code, protocol::ErrorCode::kBadImage);
  }
}

TEST(Decode, FlippedBytesNeverCrash) {
  const std::string whole[] = {jpeg(patterned(24, 24)), png(patterned(24, 24)),
                               bmp(patterned(24, 24))};
  uint32_t state = 12345;
  for (const std::string& bytes : whole) {
    for (int i = 0; i < 300; ++i) {
      std::string damaged = bytes;
      for (int k = 0; k < 3; ++k) {
        state = state * 1664525u + 1013904223u;
        damaged[state % damaged.size()] = static_cast<char>(state >> 24);
      }
      const auto picture = decode_text(damaged, 8);
      if (picture) {
        EXPECT_EQ(picture->pixels.size(),
                  static_cast<size_t>(picture->width) * static_cast<size_t>(picture->height) * 3);
      }
    }
  }
}

TEST(Extension, IsRecognisedInAnyCase) {
  EXPECT_TRUE(has_image_extension("/a/b.JPG"));
  EXPECT_TRUE(has_image_extension("b.jpeg"));
  EXPECT_TRUE(has_image_extension("b.x.PnG"));
  EXPECT_TRUE(has_image_extension("b.bmp"));
  EXPECT_FALSE(has_image_extension("b.gif"));
  EXPECT_FALSE(has_image_extension("/a.jpg/b"));
  EXPECT_FALSE(has_image_extension("jpg"));
}

TEST(Resize, SameSizeIsACopy) {
  const Bitmap picture = patterned(9, 7);
  std::vector<uint8_t> out(picture.pixels.size());
  resize(picture, 9, 7, out.data());
  EXPECT_EQ(out, picture.pixels);
}

TEST(Resize, OneColourStaysThatColour) {
  for (const int size : {1, 3, 16, 50}) {
    std::vector<uint8_t> out(static_cast<size_t>(size * size * 3));
    resize(plain(31, 17, 255, 128, 1), size, size, out.data());
    for (size_t i = 0; i < out.size(); i += 3) {
      ASSERT_EQ(out[i], 255);
      ASSERT_EQ(out[i + 1], 128);
      ASSERT_EQ(out[i + 2], 1);
    }
  }
}

TEST(Resize, ShrinkingByTwoWeighsNeighboursByDistance) {
  // With a ratio of 2 the triangle covers four inputs with weights 1 3 3 1 (over 8); at the border
  // the outside ones are left out and the rest (3 3 1) is scaled up to 1.
  Bitmap picture;
  picture.width = 4;
  picture.height = 1;
  for (const uint8_t value : {0, 80, 160, 240})
    picture.pixels.insert(picture.pixels.end(), 3, value);
  uint8_t out[6];
  resize(picture, 2, 1, out);
  EXPECT_EQ(out[0], 57);   // (0 * 3 + 80 * 3 + 160 * 1) / 7 = 57.1
  EXPECT_EQ(out[3], 183);  // (80 * 1 + 160 * 3 + 240 * 3) / 7 = 182.9
}

TEST(Resize, EnlargingInterpolates) {
  Bitmap picture;
  picture.width = 2;
  picture.height = 1;
  picture.pixels = {0, 0, 0, 100, 100, 100};
  uint8_t out[12];
  resize(picture, 4, 1, out);
  EXPECT_EQ(out[0], 0);
  EXPECT_EQ(out[3], 25);
  EXPECT_EQ(out[6], 75);
  EXPECT_EQ(out[9], 100);
}

TEST(ImageFolder, ListsClassesByName) {
  const TemporaryFolder folder;
  folder.write("zebra/2.png", "");
  folder.write("zebra/1.JPG", "");
  folder.write("ant/deep/x.bmp", "");
  folder.write("ant/notes.txt", "");
  folder.write(".cache/x.png", "");
  folder.write("readme.png", "");
  const auto set = list_image_folder(folder.path());
  ASSERT_TRUE(set) << set.error().message;
  EXPECT_EQ(set->class_names, (std::vector<std::string>{"ant", "zebra"}));
  EXPECT_EQ(set->labels, (std::vector<int64_t>{0, 1, 1}));
  EXPECT_EQ(set->paths[1], folder.path() + "/zebra/1.JPG");
}

TEST(ImageFolder, NamesTheEmptyClass) {
  const TemporaryFolder folder;
  folder.write("full/1.png", "");
  folder.write("hollow/notes.txt", "");
  const auto set = list_image_folder(folder.path());
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().code, ErrorCode::kEmptyClass);
  EXPECT_EQ(set.error().file, folder.path() + "/hollow");
}

TEST(ImageFolder, MissingFoldersAndFlatFoldersAreErrors) {
  const TemporaryFolder folder;
  EXPECT_EQ(list_image_folder(folder.path() + "/none").error().code, ErrorCode::kIoError);
  folder.write("1.png", "");
  EXPECT_EQ(list_image_folder(folder.path()).error().code, ErrorCode::kBadRequest);
}

TEST(ImageFolder, LinksInCirclesAndPipesAreLeftOut) {
  const TemporaryFolder folder;
  folder.write("data/a/one.jpg", "1");
  folder.write("data/a/deep/two.jpg", "2");
  folder.write("other/three.jpg", "3");
  std::filesystem::create_directory_symlink(".", folder.path() + "/data/a/circle");
  std::filesystem::create_directory_symlink("../..", folder.path() + "/data/a/deep/above");
  std::filesystem::create_directory_symlink("../../other", folder.path() + "/data/a/linked");
  std::filesystem::create_symlink("nowhere", folder.path() + "/data/a/dangling.jpg");
  ASSERT_EQ(::mkfifo((folder.path() + "/data/a/pipe.jpg").c_str(), 0600), 0);
  const auto listed = image::list_pictures(folder.path() + "/data/a");
  ASSERT_TRUE(listed);
  std::vector<std::string> names;
  for (const std::string& path : *listed)
    names.push_back(std::filesystem::path(path).lexically_relative(folder.path() + "/data/a"));
  EXPECT_EQ(names, (std::vector<std::string>{"dangling.jpg", "deep/two.jpg", "linked/three.jpg",
                                             "one.jpg"}));
}

TEST(ImageFolder, AClassWhoseNameIsNotUtf8IsNamed) {
  const TemporaryFolder folder;
  folder.write("data/\xB1\xB3\xBE\xB0/one.jpg", "1");
  const auto listed = image::list_image_folder(folder.path() + "/data");
  ASSERT_FALSE(listed);
  EXPECT_EQ(listed.error().code, protocol::ErrorCode::kBadRequest);
  EXPECT_NE(listed.error().message.find("is not UTF-8: rename it"), std::string::npos);
}

}  // namespace
}  // namespace berth::image
