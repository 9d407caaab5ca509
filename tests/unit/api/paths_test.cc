// SPDX-License-Identifier: Apache-2.0
#include "api/paths.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "api/fake_service.h"

namespace berth::api::test {
namespace {

namespace fs = std::filesystem;

// <folder>/root is the data root; <folder>/outside is not in it.
class PathsTest : public testing::Test {
 protected:
  PathsTest() {
    char name[] = "/tmp/berth-paths-XXXXXX";
    folder = ::mkdtemp(name);
    root = folder + "/root";
    outside = folder + "/outside";
    fs::create_directory(root);
    fs::create_directory(outside);
    std::ofstream(root + "/file") << "x";
    std::ofstream(outside + "/file") << "x";
    service.roots = {root};
  }
  ~PathsTest() override { fs::remove_all(folder); }

  bool allowed(const std::string& path) { return check_root(service, path).has_value(); }

  std::string folder, root, outside;
  FakeService service;
};

TEST(AbsolutePathTest, IsAbsoluteAndWithoutDots) {
  EXPECT_EQ(absolute_path("/a/./b/../c/"), "/a/c");
  EXPECT_EQ(absolute_path("/"), "/");
  EXPECT_EQ(absolute_path("/.."), "/");
  EXPECT_EQ(absolute_path("x"), fs::current_path().string() + "/x");
}

TEST_F(PathsTest, WithoutRootsEverythingIsAllowed) {
  service.roots.clear();
  EXPECT_TRUE(allowed("/etc/passwd"));
}

TEST_F(PathsTest, InsideIsAllowedWhetherItExistsOrNot) {
  EXPECT_TRUE(allowed(root));
  EXPECT_TRUE(allowed(root + "/file"));
  EXPECT_TRUE(allowed(root + "/new/folder"));
  service.roots = {root + "/"};
  EXPECT_TRUE(allowed(root + "/file"));
}

TEST_F(PathsTest, OutsideIsNot) {
  EXPECT_FALSE(allowed(outside));
  EXPECT_FALSE(allowed(folder));
  EXPECT_FALSE(allowed("/"));
  EXPECT_FALSE(allowed(root + "/../outside/file"));
  EXPECT_FALSE(allowed(root + "/new/../../outside"));
  EXPECT_FALSE(allowed(root + "-beside"));
}

TEST_F(PathsTest, TheRefusalNamesPathAndRoots) {
  const auto status = check_root(service, outside);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, base::ErrorCode::kPathNotAllowed);
  EXPECT_NE(status.error().message.find(outside), std::string::npos);
  EXPECT_NE(status.error().message.find(root), std::string::npos);
}

TEST_F(PathsTest, ALinkCountsAsWhatItPointsTo) {
  fs::create_symlink(outside, root + "/link");
  EXPECT_FALSE(allowed(root + "/link"));
  EXPECT_FALSE(allowed(root + "/link/file"));
  EXPECT_FALSE(allowed(root + "/link/new"));
  fs::create_symlink(root + "/file", root + "/inner");
  EXPECT_TRUE(allowed(root + "/inner"));
  fs::create_symlink("link/file", root + "/twice");
  EXPECT_FALSE(allowed(root + "/twice"));
}

TEST_F(PathsTest, ALinkedRootIsTheFolderItPointsTo) {
  fs::create_symlink(root, folder + "/alias");
  service.roots = {folder + "/alias"};
  EXPECT_TRUE(allowed(root + "/file"));
  EXPECT_TRUE(allowed(folder + "/alias/file"));
  EXPECT_FALSE(allowed(outside));
}

// A task that writes there would make the folder outside.
TEST_F(PathsTest, ALinkToWhatIsNotThereYetIsNoWayOut) {
  fs::create_symlink(outside + "/later", root + "/dangling");
  EXPECT_FALSE(allowed(root + "/dangling"));
  EXPECT_FALSE(allowed(root + "/dangling/new"));
}

TEST_F(PathsTest, ALoopOfLinksIsRefused) {
  fs::create_symlink(root + "/b", root + "/a");
  fs::create_symlink(root + "/a", root + "/b");
  EXPECT_FALSE(check_exists(service, root + "/a", Phrase::kSourceMissing, Language::kEnglish));
}

TEST_F(PathsTest, ExistenceIsLookedAtOnlyInside) {
  EXPECT_TRUE(check_exists(service, root + "/file", Phrase::kSourceMissing, Language::kEnglish));
  const auto missing =
      check_exists(service, root + "/none", Phrase::kSourceMissing, Language::kEnglish);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, base::ErrorCode::kPathNotFound);
  for (const char* name : {"/file", "/none"}) {
    const auto hidden =
        check_exists(service, outside + name, Phrase::kSourceMissing, Language::kEnglish);
    ASSERT_FALSE(hidden);
    EXPECT_EQ(hidden.error().code, base::ErrorCode::kPathNotAllowed);
  }
}

}  // namespace
}  // namespace berth::api::test
