// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <type_traits>

#include "checkpoint/checkpoint_file.h"
#include "checkpoint/torch_writer.h"
#include "checkpoint_bytes.h"
#include "opened_checkpoint.h"
#include "temporary_folder.h"

namespace berth::checkpoint {
namespace {

using tests::dict_op;
using tests::Floats;
using tests::floats;
using tests::Opened;
using tests::TemporaryFolder;
using tests::TensorWords;
using tests::torch_zip;

static_assert(!std::is_copy_constructible_v<CheckpointFile>);
static_assert(std::is_nothrow_move_constructible_v<MappedFile>);

const std::string kSix = floats({1, 2, 3, 4, 5, 6});

std::string safetensors_of(const std::string& header, const std::string& data) {
  return tests::little_endian(header.size(), 8) + header + data;
}

const std::string kSmallHeader = R"({"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}})";

TEST(Checkpoint, TheFormatIsToldByTheContent) {
  EXPECT_EQ(Opened(safetensors_of(kSmallHeader, kSix)).file().format(), Format::kSafetensors);
  EXPECT_EQ(Opened(torch_zip(dict_op({{"w", TensorWords{}.op()}}), {kSix})).file().format(),
            Format::kTorchZip);
}

TEST(Checkpoint, ViewsSurviveAMove) {
  TensorWords turned;  // copied into memory of the file's own
  turned.shape = {3, 2};
  turned.stride = {1, 3};
  const TemporaryFolder folder;
  const std::string path = folder.write(
      "x.pth", torch_zip(dict_op({{"a", TensorWords{}.op()}, {"b", turned.op()}}), {kSix}));
  auto first = CheckpointFile::open(path);
  ASSERT_TRUE(first) << first.error().message;
  const uint8_t* a = first->tensors().at("a").bytes;
  const uint8_t* b = first->tensors().at("b").bytes;
  const CheckpointFile second = std::move(*first);
  EXPECT_EQ(second.tensors().at("a").bytes, a);
  EXPECT_EQ(second.tensors().at("b").bytes, b);
  float number = 0;
  std::memcpy(&number, b + 4, sizeof number);
  EXPECT_EQ(number, 4);
}

// Who reads the message may not be one who may read the file.
TEST(Checkpoint, NothingOfAFileThatIsNoCheckpointIsTold) {
  for (const char* bytes : {"c9521a5a0fb7 a secret", "{\"secret\": 1}", "\x01\x02 secret"})
    EXPECT_EQ(Opened(bytes).problem().find("secret"), std::string::npos);
}

TEST(Checkpoint, WhatIsNoCheckpointIsNamed) {
  const auto says = [](const std::string& bytes, const std::string& word) {
    const std::string message = Opened(bytes).problem();
    EXPECT_NE(message.find(word), std::string::npos) << message;
  };
  says("", "empty");
  says(std::string(5000, '\0'), "zeros");
  says("<!DOCTYPE html><html>", "HTML");
  says("\n  <HTML>", "HTML");
  says("version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 46830571\n", "46830571");
  says("version https://git-lfs.github.com/spec/v1\n", "git lfs pull");
  says(std::string("\x1F\x8B\x08", 3), "gzip");
  says(std::string(257, 'x') + "ustar" + std::string(300, '\0'), "tar");
  says("\x89HDF\r\n\x1a\n", "HDF5");
  says("{\"error\": \"not found\"}", "JSON");
  says("just a text", "a text");
  says(std::string("\x01\x02\x03\xFF", 4), "no format that is known");
  says("\x80\x02}.", "Python pickle");
  says(
      "\x80\x02"
      "cmine\nThing\n)R.",
      "mine.Thing");
  says("\x80\x02}", "cut short");
  says(tests::zip_of({{"x.npy", "1"}}), "NumPy");
  says(tests::zip_of({{"readme", "1"}}), "not of torch.save");
  says(tests::zip_of({{"n/data.pkl", "x", 8}}), "compressed");
  says(std::string("PK\x03\x04", 4) + std::string(100, 'x'), "cut short");
}

TEST(Checkpoint, AMissingFileOrAFolderIsAnInputOutputError) {
  const TemporaryFolder folder;
  for (const std::string& path : {folder.path(), folder.path() + "/none"}) {
    const auto opened = CheckpointFile::open(path);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, protocol::ErrorCode::kIoError);
  }
}

TEST(Checkpoint, OneCutShortAnywhereIsRefused) {
  for (const std::string& bytes : {safetensors_of(kSmallHeader, kSix),
                                   torch_zip(dict_op({{"w", TensorWords{}.op()}}), {kSix})}) {
    ASSERT_EQ(Opened(bytes).problem(), "");
    for (size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_NE(Opened(bytes.substr(0, size)).problem(), "") << size << " of " << bytes.size();
    }
  }
}

TEST(Checkpoint, AFlippedBitIsRefusedOrLeavesReadableTensors) {
  const std::string bytes = torch_zip(dict_op({{"w", TensorWords{}.op()}}), {kSix});
  size_t refused = 0;
  for (size_t i = 0; i < bytes.size() * 8; ++i) {
    std::string changed = bytes;
    changed[i / 8] = static_cast<char>(changed[i / 8] ^ (1 << i % 8));
    const auto opened = CheckpointFile::open(tests::MemoryFile(changed).path());
    if (!opened) {
      ++refused;
      continue;
    }
    for (const auto& [name, tensor] : opened->tensors()) {
      EXPECT_EQ(byte_size(tensor.shape, tensor.dtype), tensor.size);
      // Reading all of it fails under a sanitizer if it lies outside.
      const std::string copy(reinterpret_cast<const char*>(tensor.bytes), tensor.size);
      EXPECT_EQ(copy.size(), tensor.size);
    }
  }
  EXPECT_GT(refused, bytes.size()) << "most of the bits mean something";
}

TEST(Checkpoint, WhatIsWrittenForTorchComesBack) {
  const float numbers[6] = {1, -2, 3.5f, 0, 1e-30f, 7};
  const int64_t counter = -42;
  const auto view = [](const char* name, Dtype dtype, std::vector<int64_t> shape, const void* bytes,
                       uint64_t size) {
    return TensorView{name, dtype, std::move(shape), static_cast<const uint8_t*>(bytes), size};
  };
  const std::vector<TensorView> tensors{view("w\xC3\xA4", Dtype::kF32, {2, 3}, numbers, 24),
                                        view("n", Dtype::kI64, {}, &counter, 8),
                                        view("none", Dtype::kF16, {0, 70000, 5}, nullptr, 0),
                                        view("four", Dtype::kBool, {1, 2, 1, 2}, numbers, 4)};
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/x.pth";
  ASSERT_TRUE(write_torch(path, tensors));
  const auto file = CheckpointFile::open(path);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->format(), Format::kTorchZip);
  ASSERT_EQ(file->tensors().size(), tensors.size());
  for (const TensorView& tensor : tensors) {
    const TensorView& back = file->tensors().at(tensor.name);
    EXPECT_EQ(back.dtype, tensor.dtype);
    EXPECT_EQ(back.shape, tensor.shape);
    ASSERT_EQ(back.size, tensor.size);
    if (tensor.size == 0) continue;
    EXPECT_EQ(std::memcmp(back.bytes, tensor.bytes, tensor.size), 0);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(back.bytes) % 64, 0u) << tensor.name;
  }
  ASSERT_TRUE(write_torch(path, {})) << "no tensors";
  EXPECT_FALSE(write_torch(path, {tensors[0], tensors[0]})) << "one name twice";
  TensorView wrong = tensors[0];
  wrong.size = 20;
  EXPECT_FALSE(write_torch(path, {wrong}));
}

TEST(Checkpoint, AFileThatCannotBeWrittenLeavesNothingBehind) {
  const TemporaryFolder folder;
  const std::string path = folder.write("x.pth", "old");
  const float number = 1;
  const TensorView twice{"a", Dtype::kF32, {1}, reinterpret_cast<const uint8_t*>(&number), 4};
  EXPECT_FALSE(write_torch(path, {twice, twice}));
  EXPECT_FALSE(write_torch(folder.path() + "/no/folder/x.pth", {twice}));
  EXPECT_EQ(TemporaryFolder::read(path), "old");
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
    files += entry.exists();
  EXPECT_EQ(files, 1u);
}

}  // namespace
}  // namespace berth::checkpoint
