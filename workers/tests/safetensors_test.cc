// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>

#include "temporary_folder.h"

namespace berth::checkpoint {
namespace {

using tests::TemporaryFolder;

std::string file_bytes(const std::string& header, const std::string& data) {
  const uint64_t length = header.size();
  std::string bytes(reinterpret_cast<const char*>(&length), sizeof length);
  return bytes + header + data;
}

/// The message of opening a file with this header and data; empty if it opened.
std::string problem(const std::string& header, const std::string& data) {
  const TemporaryFolder folder;
  auto file = SafetensorsFile::open(folder.write("x.safetensors", file_bytes(header, data)));
  if (file) return {};
  EXPECT_EQ(file.error().code, protocol::ErrorCode::kCheckpointMismatch);
  return file.error().message;
}

TEST(Safetensors, ComeBackAsTheyWereWritten) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/w.safetensors";
  const float floats[6] = {1, -2, 3.5f, 0, 1e-30f, 7};
  const int64_t counter = 42;
  const uint8_t byte = 9;
  const auto view = [](const char* name, Dtype dtype, std::vector<int64_t> shape, const void* bytes,
                       uint64_t size) {
    return TensorView{name, dtype, std::move(shape), static_cast<const uint8_t*>(bytes), size};
  };
  ASSERT_TRUE(write_safetensors(
      path,
      {view("odd", Dtype::kU8, {1}, &byte, 1),
       view("a.weight", Dtype::kF32, {2, 3}, floats, sizeof floats),
       view("count", Dtype::kI64, {}, &counter, 8), view("empty", Dtype::kF32, {0, 5}, nullptr, 0)},
      {{"format", "pt"}, {"note", "käse \"x\""}}));
  const std::string bytes = TemporaryFolder::read(path);
  uint64_t header = 0;
  std::memcpy(&header, bytes.data(), 8);
  EXPECT_EQ((8 + header) % 64, 0u) << "the data begins aligned";
  auto file = SafetensorsFile::open(path);
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_EQ(file->tensors().size(), 4u);
  EXPECT_EQ(file->metadata().at("note"), "käse \"x\"");
  const TensorView& weight = file->tensors().at("a.weight");
  EXPECT_EQ(weight.shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(weight.dtype, Dtype::kF32);
  EXPECT_EQ(std::memcmp(weight.bytes, floats, sizeof floats), 0);
  const TensorView& count = file->tensors().at("count");
  EXPECT_TRUE(count.shape.empty());
  EXPECT_EQ(reinterpret_cast<uintptr_t>(count.bytes) % 8, 0u);
  EXPECT_EQ(std::memcmp(count.bytes, &counter, 8), 0);
}

TEST(Safetensors, LeaveNothingBehindButTheFile) {
  const TemporaryFolder folder;
  ASSERT_TRUE(write_safetensors(folder.path() + "/w.safetensors", {}, {}));
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    EXPECT_EQ(entry.path().filename(), "w.safetensors");
    ++files;
  }
  EXPECT_EQ(files, 1);
}

TEST(Safetensors, TwoTensorsOfOneNameAreRefused) {
  const TemporaryFolder folder;
  const uint8_t byte = 1;
  const TensorView view{"a", Dtype::kU8, {1}, &byte, 1};
  EXPECT_FALSE(write_safetensors(folder.path() + "/w.safetensors", {view, view}, {}));
}

TEST(Safetensors, AcceptAWellFormedFileOfOthers) {
  EXPECT_EQ(problem(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}} )", "1234"), "");
  EXPECT_EQ(problem("{}", ""), "");
}

TEST(Safetensors, RefuseFilesThatAreTooShortOrLie) {
  const TemporaryFolder folder;
  EXPECT_FALSE(SafetensorsFile::open(folder.write("a", "")));
  EXPECT_FALSE(SafetensorsFile::open(folder.write("b", "1234567")));
  EXPECT_FALSE(SafetensorsFile::open(folder.write("c", std::string(8, '\xFF'))));
  EXPECT_FALSE(
      SafetensorsFile::open(folder.write("d", std::string("PK\x03\x04") + "zip of torch")));
  const auto missing = SafetensorsFile::open(folder.path() + "/none");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, protocol::ErrorCode::kIoError);
  EXPECT_FALSE(SafetensorsFile::open(folder.path())) << "a folder";
}

TEST(Safetensors, RefuseMalformedHeaders) {
  EXPECT_NE(problem("{", ""), "");
  EXPECT_NE(problem("[]", ""), "");
  EXPECT_NE(problem(R"({"a":1})", ""), "");
  EXPECT_NE(problem(R"({"a":{"dtype":"F32","shape":[1]}})", "1234"), "");
  EXPECT_NE(problem(R"({"a":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}})", "1234"), "");
  EXPECT_NE(problem(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", "1234"), "");
  EXPECT_NE(problem(R"({"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}})", "1234"), "");
  EXPECT_NE(problem(R"({"__metadata__":{"n":1}})", ""), "");
  EXPECT_NE(problem(std::string(100000, '['), ""), "");
}

TEST(Safetensors, RefuseOffsetsThatDoNotFit) {
  const auto one = [](const char* begin_end, const char* shape) {
    return std::string(R"({"a":{"dtype":"F32","shape":)") + shape + R"(,"data_offsets":)" +
           begin_end + "}}";
  };
  EXPECT_NE(problem(one("[0,8]", "[2]"), "1234"), "") << "beyond the end";
  EXPECT_NE(problem(one("[4,0]", "[1]"), "1234"), "") << "backwards";
  EXPECT_NE(problem(one("[-4,0]", "[1]"), "1234"), "") << "negative";
  EXPECT_NE(problem(one("[0,4]", "[2]"), "1234"), "") << "size and shape disagree";
  EXPECT_NE(problem(one("[0,4]", "[4611686018427387904,4611686018427387904]"), "1234"), "")
      << "the product overflows";
  EXPECT_NE(problem(one("[4,8]", "[1]"), "12345678"), "") << "a hole in front";
  EXPECT_NE(problem(one("[0,4]", "[1]"), "12345678"), "") << "bytes left over";
}

TEST(Safetensors, RefuseTensorsThatOverlap) {
  EXPECT_NE(problem(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                    R"("b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}})",
                    "123456"),
            "");
}

}  // namespace
}  // namespace berth::checkpoint
