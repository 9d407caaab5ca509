// SPDX-License-Identifier: Apache-2.0
#include <ATen/Context.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include "checkpoint/safetensors.h"
#include "runtime/torch_session.h"
#include "temporary_folder.h"
#include "vision/classifier.h"
#include "vision/model_names.h"
#include "vision/model_registry.h"
#include "vision/optimizer.h"
#include "vision/weight_average.h"
#include "vision/weights.h"

namespace berth::vision {
namespace {

using protocol::ErrorCode;
using tests::TemporaryFolder;

std::shared_ptr<Classifier> make(const std::string& name, int64_t classes) {
  at::manual_seed(0);
  return create_model(name, {classes}).value();
}

struct Published {
  const char* name;
  int64_t parameters;
  size_t keys;
};

class PublishedCounts : public testing::TestWithParam<Published> {};

TEST_P(PublishedCounts, AreMet) {
  const auto model = make(GetParam().name, 1000);
  int64_t parameters = 0;
  for (const auto& parameter : model->parameters()) parameters += parameter.numel();
  EXPECT_EQ(parameters, GetParam().parameters);
  EXPECT_EQ(model->named_parameters().size() + model->named_buffers().size(), GetParam().keys);
}

INSTANTIATE_TEST_SUITE_P(Resnets, PublishedCounts,
                         testing::Values(Published{"resnet18", 11689512, 122},
                                         Published{"resnet34", 21797672, 218},
                                         Published{"resnet50", 25557032, 320},
                                         Published{"resnet101", 44549160, 626},
                                         Published{"resnet152", 60192808, 932}),
                         [](const auto& row) { return std::string(row.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Transformers, PublishedCounts,
    testing::Values(Published{"vit_b_16", 86567656, 152}, Published{"vit_b_32", 88224232, 152},
                    Published{"vit_l_16", 304326632, 296}, Published{"vit_l_32", 306535400, 296},
                    Published{"vit_h_14", 632045800, 392}, Published{"swin_v2_t", 28351570, 233},
                    Published{"swin_v2_s", 49737442, 449}, Published{"swin_v2_b", 87930848, 449}),
    [](const auto& row) { return std::string(row.param.name); });

INSTANTIATE_TEST_SUITE_P(Mobilenets, PublishedCounts,
                         testing::Values(Published{"mobilenet_v3_small", 2542856, 244},
                                         Published{"mobilenet_v3_large", 5483032, 312}),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(Models, CarryTorchvisionsNames) {
  const auto small = make("resnet18", 10)->named_parameters();
  for (const char* name :
       {"conv1.weight", "bn1.weight", "bn1.bias", "layer1.0.conv1.weight", "layer1.1.bn2.bias",
        "layer2.0.downsample.0.weight", "layer4.0.downsample.1.bias", "fc.weight", "fc.bias"}) {
    EXPECT_TRUE(small.contains(name)) << name;
  }
  EXPECT_FALSE(small.contains("layer1.0.downsample.0.weight"));
  EXPECT_TRUE(make("resnet18", 10)->named_buffers().contains("layer1.0.bn1.num_batches_tracked"));
  const auto large = make("resnet50", 10)->named_parameters();
  EXPECT_TRUE(large.contains("layer1.0.downsample.0.weight"));
  EXPECT_EQ(large["layer3.5.conv3.weight"].sizes(), (std::vector<int64_t>{1024, 256, 1, 1}));
}

TEST(Models, EveryListedNameCanBeBuiltAndOthersCannot) {
  for (const std::string& name : model_names()) EXPECT_TRUE(create_model(name, {2})) << name;
  const auto unknown = create_model("vgg16", {2});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::kBadRequest);
  EXPECT_NE(unknown.error().message.find("resnet101"), std::string::npos);
}

TEST(Models, GiveOneScorePerClass) {
  const c10::NoGradGuard no_grad;
  for (const char* name : {"resnet18", "resnet50"}) {
    EXPECT_EQ(make(name, 7)->forward(at::rand({2, 3, 64, 64})).sizes(),
              (std::vector<int64_t>{2, 7}));
  }
}

TEST(Models, TheSameSeedGivesTheSameWeights) {
  const auto a = make("resnet18", 3), b = make("resnet18", 3);
  EXPECT_TRUE(a->named_parameters()["layer3.1.conv2.weight"].equal(
      b->named_parameters()["layer3.1.conv2.weight"]));
}

TEST(Weights, ComeBackAsTheyWereSaved) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/w.safetensors";
  const c10::NoGradGuard no_grad;
  const auto one = make("resnet18", 3);
  one->forward(at::rand({4, 3, 64, 64}));  // Moves the running statistics.
  ASSERT_TRUE(save_weights(*one, path, {}));
  at::manual_seed(99);
  const auto two = create_model("resnet18", {3}).value();
  const auto other_head = load_weights(two.get(), path, HeadRule::kMustMatch);
  ASSERT_TRUE(other_head) << other_head.error().message;
  EXPECT_FALSE(*other_head);
  one->eval();
  two->eval();
  const at::Tensor x = at::rand({2, 3, 64, 64});
  EXPECT_TRUE(one->forward(x).equal(two->forward(x)));
  EXPECT_EQ(checkpoint::SafetensorsFile::open(path)->tensors().size(), 122u);
}

TEST(Weights, AnotherHeadIsLeftOutOnlyWhereAllowed) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/w.safetensors";
  ASSERT_TRUE(save_weights(*make("resnet18", 5), path, {}));
  at::manual_seed(7);
  const auto model = create_model("resnet18", {2}).value();
  const at::Tensor head = model->named_parameters()["fc.weight"].detach().clone();
  const auto refused = load_weights(model.get(), path, HeadRule::kMustMatch);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kCheckpointMismatch);
  EXPECT_NE(refused.error().message.find("fc.weight is [5, 512], the model needs [2, 512]"),
            std::string::npos)
      << refused.error().message;
  EXPECT_EQ(refused.error().file, path);
  const auto taken = load_weights(model.get(), path, HeadRule::kMayDiffer);
  ASSERT_TRUE(taken);
  EXPECT_TRUE(*taken);
  EXPECT_TRUE(model->named_parameters()["fc.weight"].equal(head));
  EXPECT_TRUE(model->named_parameters()["conv1.weight"].equal(
      make("resnet18", 5)->named_parameters()["conv1.weight"]));
}

TEST(Weights, OfAnotherModelAreNamedTensorByTensor) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/w.safetensors";
  ASSERT_TRUE(save_weights(*make("resnet34", 5), path, {}));
  const auto loaded = load_weights(make("resnet50", 5).get(), path, HeadRule::kMayDiffer);
  ASSERT_FALSE(loaded);
  const std::string& message = loaded.error().message;
  EXPECT_NE(message.find("missing: "), std::string::npos) << message;
  EXPECT_NE(message.find("more"), std::string::npos) << message;
}

// The first two steps by hand: with a constant gradient g the moments are corrected to g and g^2,
// so every step is learning rate * sign(g) (up to epsilon).
TEST(Adam, StepsByTheLearningRateUnderAConstantGradient) {
  at::Tensor value = at::rand({40000}).set_requires_grad(true);
  const at::Tensor before = value.detach().clone();
  Optimizer adam({value}, {});
  for (int i = 0; i < 2; ++i) {
    value.mutable_grad() = at::full_like(before, -3.0);
    adam.step(0.01);
  }
  EXPECT_LT((value.detach() - before - 0.02).abs().max().item<float>(), 1e-5);
}

TEST(Adam, BothWaysOfUpdatingAgree) {
  at::manual_seed(1);
  const at::Tensor start = at::randn({3, 5, 7, 7});
  // The fused loop takes float32; float64 goes through tensor operations.
  at::Tensor fused =
      start.clone().contiguous(at::MemoryFormat::ChannelsLast).set_requires_grad(true);
  at::Tensor plain = start.to(at::kDouble).set_requires_grad(true);
  Optimizer fused_adam({fused}, {}), plain_adam({plain}, {});
  for (int i = 0; i < 5; ++i) {
    const at::Tensor gradient = at::randn({3, 5, 7, 7});  // Another memory order than `fused`.
    fused.mutable_grad() = gradient.clone();
    plain.mutable_grad() = gradient.to(at::kDouble);
    fused_adam.step(0.1);
    plain_adam.step(0.1);
  }
  EXPECT_LT((fused.detach().to(at::kDouble) - plain.detach()).abs().max().item<double>(), 1e-4);
}

TEST(WeightAverage, FollowsTheWeightsAndComesBack) {
  at::Tensor weight = at::rand({3, 2}).set_requires_grad(true);
  at::Tensor counter = at::full_like(at::rand({1}), 0).to(at::kLong);
  WeightAverage average({weight, counter});
  {
    const c10::NoGradGuard no_grad;
    weight.fill_(1);
    for (int i = 0; i < 400; ++i) average.after_step();
    weight.fill_(2);
    counter.fill_(7);
    for (int i = 0; i < 4; ++i) average.after_step();
  }
  average.exchange();
  // Many updates at 1, then one at 2 with weight 0.1.
  EXPECT_NEAR(weight.sum().item<double>() / 6, 1.1, 1e-3);
  EXPECT_EQ(counter.item<int64_t>(), 7);
  EXPECT_TRUE(weight.requires_grad());
  average.exchange();
  EXPECT_EQ(weight.sum().item<double>(), 12);
}

TEST(Guarded, NamesFailedAllocations) {
  const auto too_much = runtime::guarded("trying", []() -> protocol::Status {
    at::rand({int64_t{1} << 50});
    return {};
  });
  ASSERT_FALSE(too_much);
  EXPECT_EQ(too_much.error().code, ErrorCode::kOutOfMemory) << too_much.error().message;
  const auto wrong = runtime::guarded("trying", []() -> protocol::Status {
    at::rand({2, 3}).matmul(at::rand({2, 3}));
    return {};
  });
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, ErrorCode::kInternal);
}

}  // namespace
}  // namespace berth::vision
