// SPDX-License-Identifier: Apache-2.0
#include "prepare/split.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <set>

#include "event_file.h"
#include "folder_content.h"
#include "pictures.h"

namespace berth::prepare {
namespace {

namespace fs = std::filesystem;
using boost::json::object;
using protocol::ErrorCode;
using tests::content;
using tests::EventFile;
using tests::plain;
using tests::TemporaryFolder;

std::string picture_of(int number) {
  return tests::png(plain(4, 3, static_cast<uint8_t>(number), 7, 9));
}

TEST(SharesOf, RoundDownAndGiveTheRestToTheLastPart) {
  const auto shares = [](uint64_t n, double train, std::optional<double> val) {
    const Shares s = shares_of(n, train, val);
    return std::vector<uint64_t>{s.train, s.valid, s.test};
  };
  EXPECT_EQ(shares(10, 0.8, std::nullopt), (std::vector<uint64_t>{8, 2, 0}));
  EXPECT_EQ(shares(7, 0.8, std::nullopt), (std::vector<uint64_t>{5, 2, 0}));
  EXPECT_EQ(shares(1, 0.8, std::nullopt), (std::vector<uint64_t>{0, 1, 0}));
  EXPECT_EQ(shares(17, 0.6, 0.2), (std::vector<uint64_t>{10, 3, 4}));
  EXPECT_EQ(shares(9, 0.8, 0.2), (std::vector<uint64_t>{7, 2, 0}));  // nobody asked for test
}

class SplitTest : public testing::Test {
 protected:
  SplitTest() {
    for (int i = 0; i < 10; ++i) {
      folder_.write("in/a/" + std::to_string(i) + ".png", picture_of(i));
      folder_.write("in/b/deep/" + std::to_string(i) + ".png", picture_of(100 + i));
    }
    folder_.write("in/a/notes.txt", "x");
    folder_.write("in/readme.md", "x");
    folder_.write("in/a/.hidden.png", "x");
    fs::create_directories(folder_.path() + "/in/empty");
    spec_.input_path = folder_.path() + "/in";
    spec_.output_path = folder_.path() + "/out";
    spec_.threads = 3;
  }

  protocol::Error refused() {
    EventFile events;
    const auto status = split(spec_, &events.writer());
    EXPECT_FALSE(status);
    return status ? protocol::Error{} : status.error();
  }

  TemporaryFolder folder_;
  SplitSpec spec_;
};

TEST_F(SplitTest, PutsEveryPictureIntoExactlyOnePart) {
  EventFile events;
  spec_.train_ratio = 0.6;
  spec_.val_ratio = 0.2;
  ASSERT_TRUE(split(spec_, &events.writer()));
  std::set<std::string> seen;
  std::map<std::string, int> counts;
  for (const auto& [name, bytes] : content(spec_.output_path)) {
    const std::string part = name.substr(0, name.find('/'));
    const std::string rest = name.substr(part.size() + 1);
    EXPECT_EQ(bytes, TemporaryFolder::read(spec_.input_path + "/" + rest)) << name;
    EXPECT_TRUE(seen.insert(rest).second) << rest << " twice";
    ++counts[part + "/" + rest.substr(0, 1)];
  }
  EXPECT_EQ(seen.size(), 20u);
  EXPECT_EQ(counts, (std::map<std::string, int>{{"train/a", 6},
                                                {"train/b", 6},
                                                {"valid/a", 2},
                                                {"valid/b", 2},
                                                {"test/a", 2},
                                                {"test/b", 2}}));
  const object result = events.result();
  EXPECT_EQ(events.count("total_images"), 20u);
  EXPECT_EQ(events.count("train_images"), 12u);
  EXPECT_EQ(events.count("val_images"), 4u);
  EXPECT_EQ(events.count("test_images"), 4u);
  EXPECT_EQ(boost::json::serialize(result.at("classes")), R"(["a","b"])");
  EXPECT_EQ(boost::json::serialize(result.at("empty_classes")), R"(["empty"])");
  EXPECT_EQ(events.count("skipped_files"), 2u);
  EXPECT_EQ(events.count("failed"), 0u);
  EXPECT_EQ(events.all("progress").back().at("value").to_number<double>(), 1.0);
}

TEST_F(SplitTest, FollowsFromTheSeedAndIsNoMereCut) {
  const auto with = [&](uint64_t seed, int threads, const char* out) {
    EventFile events;
    spec_.seed = seed;
    spec_.threads = threads;
    spec_.output_path = folder_.path() + out;
    EXPECT_TRUE(split(spec_, &events.writer()));
    return content(spec_.output_path);
  };
  const auto first = with(0, 1, "/o1");
  EXPECT_EQ(first, with(0, 4, "/o2"));
  EXPECT_NE(first, with(1, 1, "/o3"));
  std::vector<bool> in_order;
  for (int i = 0; i < 10; ++i)
    in_order.push_back(first.count("train/a/" + std::to_string(i) + ".png") > 0);
  EXPECT_NE(in_order,
            (std::vector<bool>{true, true, true, true, true, true, true, true, false, false}));
}

TEST_F(SplitTest, DoesNotMixWithAnEarlierOne) {
  EventFile events;
  ASSERT_TRUE(split(spec_, &events.writer()));
  const auto before = content(spec_.output_path);
  spec_.seed = 1;
  const auto error = refused();
  EXPECT_EQ(error.code, ErrorCode::kBadRequest);
  EXPECT_NE(error.message.find("overwrite"), std::string::npos) << error.message;
  EXPECT_EQ(content(spec_.output_path), before);
}

TEST_F(SplitTest, ReplacesAnEarlierOneWhenToldTo) {
  folder_.write("out/train/old/x.png", "x");
  folder_.write("out/test/old/x.png", "x");
  folder_.write("out/other/x.png", "x");
  EventFile events;
  spec_.overwrite = true;
  ASSERT_TRUE(split(spec_, &events.writer()));
  const auto files = content(spec_.output_path);
  EXPECT_EQ(files.size(), 21u);
  EXPECT_EQ(files.count("other/x.png"), 1u) << "what is no part of a split is left alone";
  EXPECT_FALSE(fs::exists(spec_.output_path + "/test"));
  EXPECT_FALSE(fs::exists(spec_.output_path + "/.berth-split"));
}

TEST_F(SplitTest, KeepsTheEarlierOneWhenItFails) {
  folder_.write("out/train/old/x.png", "x");
  spec_.overwrite = true;
  fs::remove_all(spec_.input_path);
  for (int i = 0; i < 3; ++i) {
    fs::create_directories(spec_.input_path + "/a");
    fs::create_symlink("/nonexistent/x", spec_.input_path + "/a/" + std::to_string(i) + ".png");
  }
  EXPECT_EQ(refused().code, ErrorCode::kIoError);
  EXPECT_EQ(content(spec_.output_path),
            (std::map<std::string, std::string>{{"train/old/x.png", "x"}}));
  EXPECT_FALSE(fs::exists(spec_.output_path + "/.berth-split"));
}

TEST_F(SplitTest, PutsBackWhatItHasReplacedWhenAPartCannotBe) {
  folder_.write("out/train/old/x.png", "x");
  const std::string valid = spec_.output_path + "/valid";
  fs::create_directories(valid);
  if (::geteuid() != 0 || ::unshare(CLONE_NEWNS) != 0 ||
      ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("tmpfs", valid.c_str(), "tmpfs", 0, "size=64k") != 0) {
    GTEST_SKIP() << "file systems cannot be mounted here";
  }
  spec_.overwrite = true;
  EXPECT_EQ(refused().code, ErrorCode::kIoError);
  EXPECT_EQ(content(spec_.output_path),
            (std::map<std::string, std::string>{{"train/old/x.png", "x"}}));
  EXPECT_FALSE(fs::exists(spec_.output_path + "/.berth-split"));
  ::umount2(valid.c_str(), MNT_DETACH);
}

TEST_F(SplitTest, CountsAndNamesWhatCannotBeRead) {
  fs::create_symlink("/nonexistent/x", spec_.input_path + "/a/gone.png");
  ASSERT_EQ(::mkfifo((spec_.input_path + "/a/pipe.png").c_str(), 0600), 0);
  EventFile events;
  ASSERT_TRUE(split(spec_, &events.writer()));
  const object result = events.result();
  EXPECT_EQ(events.count("total_images"), 20u);
  EXPECT_EQ(events.count("failed"), 1u);
  EXPECT_EQ(result.at("failed_files").as_array().at(0).at("path").as_string(), "a/gone.png");
  EXPECT_EQ(events.count("skipped_files"), 3u) << "the pipe is no picture";
}

TEST_F(SplitTest, LinksInsteadOfCopyingWhenToldTo) {
  EventFile events;
  spec_.link = true;
  ASSERT_TRUE(split(spec_, &events.writer()));
  size_t links = 0;
  for (const auto& entry : fs::recursive_directory_iterator(spec_.output_path))
    links += entry.is_regular_file() && fs::hard_link_count(entry.path()) == 2 ? 1 : 0;
  EXPECT_EQ(links, 20u);
}

TEST_F(SplitTest, RefusesPlacesThatGetInEachOthersWay) {
  spec_.output_path = spec_.input_path + "/split";
  EXPECT_EQ(refused().code, ErrorCode::kBadRequest);
  EXPECT_FALSE(fs::exists(spec_.output_path));
  spec_.output_path = folder_.path() + "/in2";
  fs::rename(spec_.input_path, folder_.path() + "/train");
  spec_.input_path = folder_.path() + "/train";
  spec_.output_path = folder_.path();
  spec_.overwrite = true;
  EXPECT_EQ(refused().code, ErrorCode::kBadRequest);
  EXPECT_EQ(content(spec_.input_path).size(), 23u) << "the pictures are still there";
  spec_.output_path = folder_.write("file", "x");
  EXPECT_EQ(refused().code, ErrorCode::kBadRequest);
}

TEST_F(SplitTest, NeedsClassesAndPictures) {
  spec_.input_path = folder_.path() + "/in/a";
  EXPECT_EQ(refused().code, ErrorCode::kBadRequest);
  fs::create_directories(folder_.path() + "/bare/a");
  spec_.input_path = folder_.path() + "/bare";
  EXPECT_EQ(refused().code, ErrorCode::kEmptyClass);
}

TEST(SplitSpec, IsChecked) {
  const TemporaryFolder folder;
  const auto with = [&](object fields) {
    fields["input_path"] = "/i";
    fields["output_path"] = "/o";
    return read_split_spec(folder.write("spec.json", boost::json::serialize(fields)));
  };
  const auto plain_spec = with({});
  ASSERT_TRUE(plain_spec);
  EXPECT_EQ(plain_spec->train_ratio, 0.8);
  EXPECT_FALSE(plain_spec->val_ratio);
  EXPECT_TRUE(with({{"train_ratio", 0.9}, {"val_ratio", 0.1}}));
  EXPECT_FALSE(with({{"train_ratio", 0.9}, {"val_ratio", 0.2}}));
  EXPECT_FALSE(with({{"train_ratio", 0.95}}));
  EXPECT_FALSE(with({{"val_ratio", 0.01}}));
}

}  // namespace
}  // namespace berth::prepare
