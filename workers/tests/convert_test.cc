// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/convert.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "checkpoint/architecture.h"
#include "checkpoint/half.h"
#include "checkpoint/inspect.h"
#include "temporary_folder.h"

namespace berth::checkpoint {
namespace {

using tests::TemporaryFolder;

TEST(Half, KnownNumbersHaveTheirBits) {
  EXPECT_EQ(to_half(0.0f), 0x0000);
  EXPECT_EQ(to_half(-0.0f), 0x8000);
  EXPECT_EQ(to_half(1.0f), 0x3C00);
  EXPECT_EQ(to_half(-2.0f), 0xC000);
  EXPECT_EQ(to_half(65504.0f), 0x7BFF) << "the largest";
  EXPECT_EQ(to_half(65519.99f), 0x7BFF);
  EXPECT_EQ(to_half(65520.0f), 0x7C00) << "rounds to infinity";
  EXPECT_EQ(to_half(1e30f), 0x7C00);
  EXPECT_EQ(to_half(std::ldexp(1.0f, -14)), 0x0400) << "the smallest normal one";
  EXPECT_EQ(to_half(std::ldexp(1.0f, -24)), 0x0001) << "the smallest";
  EXPECT_EQ(to_half(std::ldexp(1.0f, -25)), 0x0000) << "a tie, to even";
  EXPECT_EQ(to_half(std::ldexp(1.5f, -25)), 0x0001);
  EXPECT_EQ(to_half(1.0f + std::ldexp(1.0f, -11)), 0x3C00) << "a tie, to even";
  EXPECT_EQ(to_half(1.0f + std::ldexp(3.0f, -11)), 0x3C02) << "a tie, to even";
  EXPECT_EQ(to_half(-std::numeric_limits<float>::infinity()), 0xFC00);
  EXPECT_EQ(to_bfloat16(1.0f), 0x3F80);
  EXPECT_EQ(to_bfloat16(1.0f + std::ldexp(1.0f, -8)), 0x3F80) << "a tie, to even";
  EXPECT_EQ(to_bfloat16(1.0f + std::ldexp(3.0f, -8)), 0x3F82) << "a tie, to even";
  EXPECT_EQ(to_bfloat16(std::numeric_limits<float>::max()), 0x7F80);
  EXPECT_TRUE(std::isnan(from_half(to_half(std::nanf("")))));
  EXPECT_TRUE(std::isnan(from_bfloat16(to_bfloat16(std::nanf("")))));
}

TEST(Half, EveryPatternComesBack) {
  for (uint32_t bits = 0; bits < 1 << 16; ++bits) {
    const auto pattern = static_cast<uint16_t>(bits);
    if (!std::isnan(from_half(pattern))) {
      ASSERT_EQ(to_half(from_half(pattern)), pattern) << bits;
    }
    if (!std::isnan(from_bfloat16(pattern))) {
      ASSERT_EQ(to_bfloat16(from_bfloat16(pattern)), pattern) << bits;
    }
  }
}

TEST(Half, TheNearestNeighbourIsTaken) {
  // Between two neighbours: below the middle down, above it up, and the even one in the middle.
  for (uint16_t bits = 0; bits < 0x7BFF; ++bits) {
    const float low = from_half(bits), high = from_half(static_cast<uint16_t>(bits + 1));
    const float middle = low + (high - low) / 2;  // exact in a float
    const auto even = static_cast<uint16_t>(bits % 2 == 0 ? bits : bits + 1);
    ASSERT_EQ(to_half(middle), even) << bits;
    ASSERT_EQ(to_half(std::nextafter(middle, low)), bits);
    ASSERT_EQ(to_half(std::nextafter(middle, high)), bits + 1);
  }
}

/// A safetensors file of these tensors, opened.
class Source {
 public:
  explicit Source(const std::vector<TensorView>& tensors,
                  const std::map<std::string, std::string>& metadata = {}) {
    const std::string path = folder_.path() + "/in.safetensors";
    EXPECT_TRUE(write_safetensors(path, tensors, metadata));
    file_.emplace(CheckpointFile::open(path));
    EXPECT_TRUE(*file_);
  }
  const CheckpointFile& file() const { return **file_; }
  std::string out(const std::string& name) const { return folder_.path() + "/" + name; }

 private:
  TemporaryFolder folder_;
  std::optional<protocol::Result<CheckpointFile>> file_;
};

template <typename T>
TensorView view(const char* name, Dtype dtype, const std::vector<T>& numbers) {
  return {name,
          dtype,
          {static_cast<int64_t>(numbers.size())},
          reinterpret_cast<const uint8_t*>(numbers.data()),
          numbers.size() * sizeof(T)};
}

TEST(Convert, FloatingPointTensorsChangeAndOthersStay) {
  const std::vector<float> floats{1, 0.1f, 1e6f, INFINITY};
  const std::vector<int64_t> counts{1, -5};
  const Source source({view("w", Dtype::kF32, floats), view("n", Dtype::kI64, counts)},
                      {{"epoch", "3"}});
  const std::string out = source.out("out.safetensors");
  const auto done = convert(source.file(), out, {TargetFormat::kSafetensors, Dtype::kF16});
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->tensors, 2u);
  EXPECT_EQ(done->converted, 1u);
  EXPECT_EQ(done->overflowed, 1u) << "1e6; what was infinite stays so and is not counted";
  EXPECT_TRUE(done->lost_metadata.empty());
  const auto back = CheckpointFile::open(out);
  ASSERT_TRUE(back);
  const TensorView& w = back->tensors().at("w");
  EXPECT_EQ(w.dtype, Dtype::kF16);
  const uint16_t expected[] = {0x3C00, 0x2E66, 0x7C00, 0x7C00};
  ASSERT_EQ(w.size, sizeof expected);
  EXPECT_EQ(std::memcmp(w.bytes, expected, sizeof expected), 0);
  EXPECT_EQ(std::memcmp(back->tensors().at("n").bytes, counts.data(), 16), 0);
  EXPECT_EQ(back->metadata().at("epoch"), "3");
}

TEST(Convert, DoublesAreRoundedOnce) {
  // A hair above the middle of two binary16 numbers: rounding to a float first would lose the hair.
  const std::vector<double> doubles{1 + std::ldexp(1.0, -11) + std::ldexp(1.0, -40), 1e300, 1e-300};
  const Source source({view("w", Dtype::kF64, doubles)});
  const std::string out = source.out("out.pt");
  const auto done = convert(source.file(), out, {TargetFormat::kTorch, Dtype::kF16});
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->overflowed, 1u);
  const auto back = CheckpointFile::open(out);
  ASSERT_TRUE(back);
  const uint16_t expected[] = {0x3C01, 0x7C00, 0x0000};
  EXPECT_EQ(std::memcmp(back->tensors().at("w").bytes, expected, sizeof expected), 0);
}

TEST(Convert, ABareStateDictHasNoPlaceForMetadata) {
  const std::vector<float> floats{1};
  const Source source({view("w", Dtype::kF32, floats)}, {{"epoch", "3"}});
  const auto done =
      convert(source.file(), source.out("out.pth"), {TargetFormat::kTorch, std::nullopt});
  ASSERT_TRUE(done);
  EXPECT_EQ(done->lost_metadata, std::vector<std::string>{"epoch"});
}

/// Tensors without bytes: names and shapes are all that is looked at.
std::map<std::string, TensorView> shapes(
    const std::vector<std::pair<std::string, std::vector<int64_t>>>& list) {
  std::map<std::string, TensorView> out;
  for (const auto& [name, shape] : list) out[name] = {name, Dtype::kF32, shape, nullptr, 0};
  return out;
}

std::map<std::string, TensorView> resnet(const std::vector<int>& blocks, bool bottleneck,
                                         int64_t width) {
  auto tensors = shapes({{"conv1.weight", {64, 3, 7, 7}},
                         {"fc.weight", {37, 512}},
                         {"layer1.0.conv2.weight", {width, width, 3, 3}}});
  for (size_t layer = 0; layer < blocks.size(); ++layer) {
    for (int block = 0; block < blocks[layer]; ++block) {
      const std::string name = "layer" + std::to_string(layer + 1) + "." + std::to_string(block);
      tensors[name + ".conv1.weight"] = {};
      if (bottleneck) tensors[name + ".conv3.weight"] = {};
    }
  }
  return tensors;
}

TEST(Architecture, ResNetsAreToldByTheirBlocks) {
  EXPECT_EQ(guess_architecture(resnet({2, 2, 2, 2}, false, 64)).name, "resnet18");
  EXPECT_EQ(guess_architecture(resnet({3, 4, 6, 3}, false, 64)).name, "resnet34");
  EXPECT_EQ(guess_architecture(resnet({3, 4, 6, 3}, true, 64)).name, "resnet50");
  EXPECT_EQ(guess_architecture(resnet({3, 4, 23, 3}, true, 64)).name, "resnet101");
  EXPECT_EQ(guess_architecture(resnet({3, 8, 36, 3}, true, 64)).name, "resnet152");
  EXPECT_EQ(guess_architecture(resnet({3, 4, 6, 3}, true, 128)).name, "unknown") << "Wide ResNet";
  EXPECT_EQ(guess_architecture(resnet({2, 2, 2, 3}, false, 64)).name, "unknown");
  EXPECT_EQ(guess_architecture(resnet({2, 2, 2, 2}, false, 64)).classes, 37);
}

TEST(Architecture, AMobileNetTellsTheHiddenValuesOfItsHead) {
  const auto found = guess_architecture(shapes({{"features.0.0.weight", {16, 3, 3, 3}},
                                                {"features.12.0.weight", {576, 96, 1, 1}},
                                                {"classifier.0.weight", {512, 576}},
                                                {"classifier.3.weight", {5, 512}}}));
  EXPECT_EQ(found.name, "mobilenet_v3_small");
  EXPECT_EQ(found.classes, 5);
  EXPECT_EQ(found.hidden, 512);
}

TEST(Architecture, SomethingElseIsUnknown) {
  EXPECT_EQ(guess_architecture({}).name, "unknown");
  EXPECT_EQ(guess_architecture(shapes({{"conv1.weight", {}}})).name, "unknown");
}

TEST(Inspect, SizesReadWell) {
  EXPECT_EQ(size_text(0), "0 B");
  EXPECT_EQ(size_text(1023), "1023 B");
  EXPECT_EQ(size_text(1024), "1.0 KiB");
  EXPECT_EQ(size_text(1024 * 1024 - 1), "1.0 MiB");
  EXPECT_EQ(size_text(UINT64_MAX), "16.0 EiB");
}

}  // namespace
}  // namespace berth::checkpoint
