// SPDX-License-Identifier: Apache-2.0
#include "image/batch_loader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "pictures.h"
#include "temporary_folder.h"

namespace berth::image {
namespace {

using tests::plain;
using tests::png;
using tests::TemporaryFolder;

std::vector<size_t> flat(const std::vector<std::vector<size_t>>& batches) {
  std::vector<size_t> all;
  for (const auto& batch : batches) all.insert(all.end(), batch.begin(), batch.end());
  return all;
}

/// `count` pictures; picture i is grey of value i.
std::vector<std::string> write_pictures(const TemporaryFolder& folder, int count) {
  std::vector<std::string> paths;
  for (int i = 0; i < count; ++i) {
    const auto value = static_cast<uint8_t>(i);
    paths.push_back(
        folder.write(std::to_string(i) + ".png", png(plain(9, 9, value, value, value))));
  }
  return paths;
}

/// The first byte of every picture, in the order in which the loader gives them.
std::vector<int> first_bytes(BatchLoader* loader) {
  std::vector<int> bytes;
  while (auto batch = loader->next()) {
    const size_t step = batch->pixels.size() / std::max<size_t>(1, batch->indices.size());
    for (size_t i = 0; i < batch->indices.size(); ++i) bytes.push_back(batch->pixels[i * step]);
  }
  return bytes;
}

TEST(MakeBatches, CoverEverythingOnce) {
  const auto batches = make_batches(10, 4, false, 0, false);
  ASSERT_EQ(batches.size(), 3u);
  EXPECT_EQ(batches[2].size(), 2u) << "the last, smaller batch is kept";
  EXPECT_EQ(flat(batches), (std::vector<size_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  auto shuffled = flat(make_batches(10, 4, true, 7, false));
  EXPECT_NE(shuffled, flat(batches));
  std::sort(shuffled.begin(), shuffled.end());
  EXPECT_EQ(shuffled, flat(batches));
}

TEST(MakeBatches, OrderFollowsFromTheSeed) {
  EXPECT_EQ(make_batches(100, 8, true, 3, true), make_batches(100, 8, true, 3, true));
  EXPECT_NE(make_batches(100, 8, true, 3, true), make_batches(100, 8, true, 4, true));
}

TEST(MakeBatches, ALastPictureAloneJoinsTheBatchBefore) {
  const auto merged = make_batches(9, 4, false, 0, true);
  ASSERT_EQ(merged.size(), 2u);
  EXPECT_EQ(merged[1].size(), 5u);
  EXPECT_EQ(make_batches(9, 4, false, 0, false).size(), 3u);
  EXPECT_EQ(make_batches(1, 4, false, 0, true).size(), 1u);
  EXPECT_EQ(make_batches(3, 1, false, 0, true).size(), 3u) << "batch size 1 was asked for";
}

TEST(ShareOf, GivesEveryPictureToOneProcessAndNeverOneAlone) {
  const std::vector<std::vector<size_t>> batches{
      {0, 1, 2, 3, 4, 5, 6}, {7, 8, 9, 10, 11}, {12, 13}};
  std::vector<size_t> all;
  for (size_t part = 0; part < 3; ++part) {
    const auto share = share_of(batches, part, 3);
    ASSERT_EQ(share.size(), batches.size()) << "all make as many updates";
    for (const auto& batch : share) EXPECT_NE(batch.size(), 1u);
    for (const size_t index : flat(share)) all.push_back(index);
  }
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, flat(batches));
  EXPECT_EQ(share_of(batches, 0, 1), batches);
}

TEST(BatchLoader, ABatchMayBeEmpty) {
  const TemporaryFolder folder;
  const auto paths = write_pictures(folder, 3);
  for (const int threads : {1, 3}) {
    LoaderOptions options;
    options.image_size = 8;
    options.threads = threads;
    BatchLoader loader(paths, options);
    for (int pass = 0; pass < 2; ++pass) {
      loader.start({{}, {0, 1}, {}, {}, {}, {}, {2}, {}});
      std::vector<size_t> sizes;
      while (auto batch = loader.next()) sizes.push_back(batch->indices.size());
      EXPECT_EQ(sizes, (std::vector<size_t>{0, 2, 0, 0, 0, 0, 1, 0}));
    }
  }
}

TEST(BatchLoader, OrderDoesNotDependOnTheNumberOfThreads) {
  const TemporaryFolder folder;
  const auto paths = write_pictures(folder, 50);
  const auto batches = make_batches(50, 7, true, 1, true);
  std::vector<int> expected;
  for (const size_t index : flat(batches)) expected.push_back(static_cast<int>(index));
  for (const int threads : {1, 2, 5}) {
    for (const uint64_t cache : {uint64_t{0}, uint64_t{1} << 20}) {
      LoaderOptions options;
      options.image_size = 4;
      options.threads = threads;
      options.batches_ahead = 2;
      options.cache_bytes = cache;
      BatchLoader loader(paths, options);
      for (int pass = 0; pass < 2; ++pass) {
        loader.start(batches);
        EXPECT_EQ(first_bytes(&loader), expected) << threads << " threads, pass " << pass;
      }
    }
  }
}

TEST(BatchLoader, CachedPicturesAreNotReadAgain) {
  const TemporaryFolder folder;
  const auto paths = write_pictures(folder, 3);
  LoaderOptions options;
  options.image_size = 4;
  options.cache_bytes = 1 << 20;
  BatchLoader loader(paths, options);
  loader.start({{0, 1, 2}});
  EXPECT_EQ(first_bytes(&loader), (std::vector<int>{0, 1, 2}));
  for (const std::string& path : paths) std::filesystem::remove(path);
  loader.start({{2, 1, 0}});
  EXPECT_EQ(first_bytes(&loader), (std::vector<int>{2, 1, 0}));
}

TEST(BatchLoader, BrokenFilesAreReportedAndLeftOut) {
  const TemporaryFolder folder;
  auto paths = write_pictures(folder, 4);
  paths[1] = folder.write("broken.jpg", "\xFF\xD8\xFFnot really");
  LoaderOptions options;
  options.image_size = 4;
  options.threads = 2;
  BatchLoader loader(paths, options);
  loader.start({{0, 1, 2, 3}});
  const auto batch = loader.next();
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->indices, (std::vector<size_t>{0, 2, 3}));
  EXPECT_EQ(batch->pixels.size(), 3u * 4 * 4 * 3);
  EXPECT_EQ(batch->pixels[48], 2);
  ASSERT_EQ(batch->failed.size(), 1u);
  EXPECT_EQ(batch->failed[0].index, 1u);
  EXPECT_EQ(batch->failed[0].error.file, paths[1]);
  EXPECT_FALSE(loader.next());
}

TEST(BatchLoader, AnUnfinishedPassCanBeLeft) {
  const TemporaryFolder folder;
  const auto paths = write_pictures(folder, 20);
  LoaderOptions options;
  options.image_size = 4;
  options.threads = 3;
  BatchLoader loader(paths, options);
  for (int i = 0; i < 20; ++i) {
    loader.start(make_batches(20, 3, false, 0, false));
    ASSERT_TRUE(loader.next());
  }
  loader.start({{5}});
  EXPECT_EQ(first_bytes(&loader), (std::vector<int>{5}));
}

}  // namespace
}  // namespace berth::image
