// SPDX-License-Identifier: Apache-2.0
// berth-worker-weights as a program: its output, its exit status, what it leaves on the disk.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <boost/json/parse.hpp>
#include <cstdio>

#include "checkpoint/checkpoint_file.h"
#include "checkpoint_bytes.h"
#include "temporary_folder.h"

namespace berth::checkpoint {
namespace {

using tests::TemporaryFolder;

struct Ran {
  int status = -1;
  std::string out;  // both streams
};

Ran run(const std::string& arguments) {
  Ran ran;
  FILE* pipe =
      ::popen((std::string("'") + BERTH_WEIGHTS + "' " + arguments + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return ran;
  char buffer[4096];
  for (size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) ran.out.append(buffer, n);
  const int status = ::pclose(pipe);
  ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ran;
}

std::string small_checkpoint() {
  return tests::torch_zip(
      tests::dict_op({{"state_dict", tests::dict_op({{"w\x1b[31m", tests::TensorWords{}.op()}})},
                      {"epoch", tests::int_op(3)}}),
      {tests::floats({1, 2, 3, 4, 5, 6})});
}

TEST(WeightsProgram, InspectTellsFormatAndTensors) {
  const TemporaryFolder folder;
  const std::string path = folder.write("x.pth", small_checkpoint());
  const Ran people = run("inspect --tensors " + path);
  EXPECT_EQ(people.status, 0) << people.out;
  EXPECT_NE(people.out.find("PyTorch (zip)"), std::string::npos);
  EXPECT_EQ(people.out.find('\x1b'), std::string::npos) << "a name moves the cursor";
  const Ran program = run("inspect --json --tensors " + path);
  ASSERT_EQ(program.status, 0) << program.out;
  const auto json = boost::json::parse(program.out).as_object();
  EXPECT_EQ(json.at("format").as_string(), "torch_zip");
  EXPECT_EQ(json.at("parameters").as_int64(), 6);
  EXPECT_EQ(json.at("metadata").as_object().at("epoch").as_string(), "3");
  EXPECT_TRUE(json.at("model").is_null());
  EXPECT_EQ(json.at("dtypes").as_object().at("F32").as_object().at("bytes").as_int64(), 24);
  EXPECT_EQ(json.at("tensors").as_array().at(0).as_object().at("shape"),
            boost::json::array({2, 3}));
}

TEST(WeightsProgram, ConvertKeepsWhatIsThereUnlessForced) {
  const TemporaryFolder folder;
  const std::string in = folder.write("x.pth", small_checkpoint());
  const std::string out = folder.write("y.safetensors", "precious");
  EXPECT_EQ(run("convert " + in + " " + out).status, 1);
  EXPECT_EQ(TemporaryFolder::read(out), "precious");
  const Ran forced = run("convert --force " + in + " " + out);
  EXPECT_EQ(forced.status, 0) << forced.out;
  const auto back = CheckpointFile::open(out);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->format(), Format::kSafetensors);
  EXPECT_EQ(back->tensors().size(), 1u);
  EXPECT_EQ(back->metadata().at("epoch"), "3");
}

TEST(WeightsProgram, WhatAStateDictHasNoPlaceForIsKeptBesideIt) {
  const TemporaryFolder folder;
  // A safetensors file with a scalar and Berth's metadata.
  const std::string header =
      R"({"__metadata__":{"format":"pt","berth.model":"resnet18","berth.class_names":"[\"a\",\"b\"]",)"
      R"("berth.image_size":"32","berth.epoch":"4"},"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  std::string bytes;
  for (size_t size = header.size(), i = 0; i < 8; ++i, size >>= 8)
    bytes += static_cast<char>(size & 0xFF);
  const std::string in =
      folder.write("x.safetensors", bytes + header + std::string("\0\0\x80\x3f", 4));
  const std::string out = folder.path() + "/y.pth", card = folder.path() + "/y.json";
  const Ran ran = run("convert " + in + " " + out);
  ASSERT_EQ(ran.status, 0) << ran.out;
  const auto kept = boost::json::parse(TemporaryFolder::read(card)).as_object();
  EXPECT_EQ(kept.at("model").as_string(), "resnet18");
  EXPECT_EQ(kept.at("num_classes").to_number<int>(), 2);
  EXPECT_EQ(kept.at("class_names"), (boost::json::array{"a", "b"}));
  EXPECT_EQ(kept.at("image_size").to_number<int>(), 32);
  folder.write("z.json", "of something else");
  EXPECT_NE(run("convert " + in + " " + folder.path() + "/z.pth").out.find("left as it is"),
            std::string::npos);
  EXPECT_EQ(TemporaryFolder::read(folder.path() + "/z.json"), "of something else");
}

TEST(WeightsProgram, AFileMayBeConvertedInPlace) {
  const TemporaryFolder folder;
  const std::string path = folder.write("x.pth", small_checkpoint());
  EXPECT_EQ(run("convert --dtype bf16 --force " + path + " " + path).status, 0);
  const auto back = CheckpointFile::open(path);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->tensors().begin()->second.dtype, Dtype::kBf16);
}

TEST(WeightsProgram, AFailureIsOneAndWrongUsageTwo) {
  const TemporaryFolder folder;
  const std::string in = folder.write("x.pth", small_checkpoint());
  EXPECT_EQ(run("inspect " + folder.path() + "/none").status, 1);
  EXPECT_EQ(run("inspect " + folder.write("page", "<html>")).status, 1);
  EXPECT_EQ(run("convert " + folder.path() + "/page " + folder.path() + "/o.pth").status, 1);
  EXPECT_FALSE(std::filesystem::exists(folder.path() + "/o.pth"));
  EXPECT_EQ(run("convert " + in + " " + folder.path() + "/no/folder/o.pth").status, 1);
  for (const std::string& arguments :
       {std::string(), std::string("look x"), std::string("inspect"), "inspect " + in + " " + in,
        "inspect --force " + in, "convert " + in, "convert " + in + " " + folder.path() + "/o.bin",
        "convert --to torch " + in + " " + folder.path() + "/o.safetensors",
        "convert --to zip " + in + " o.pth",
        "convert --dtype f8 " + in + " " + folder.path() + "/o.pth",
        "convert " + in + " o.pth --dtype"}) {
    EXPECT_EQ(run(arguments).status, 2) << arguments;
  }
  EXPECT_EQ(run("convert --to torch " + in + " " + folder.path() + "/o.bin").status, 0);
  EXPECT_EQ(run("--help").status, 0);
}

}  // namespace
}  // namespace berth::checkpoint
