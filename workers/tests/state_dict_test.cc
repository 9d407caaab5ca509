// SPDX-License-Identifier: Apache-2.0
// Where weights are found in what people save.
#include "checkpoint/state_dict.h"

#include <gtest/gtest.h>

#include "checkpoint_bytes.h"
#include "opened_checkpoint.h"
#include "temporary_folder.h"

namespace berth::checkpoint {
namespace {

using tests::dict_op;
using tests::Floats;
using tests::floats;
using tests::int_op;
using tests::Names;
using tests::Opened;
using tests::TensorWords;
using tests::text_op;
using tests::torch_zip;

const std::string kSix = floats({1, 2, 3, 4, 5, 6});

/// A module: its parameters, buffers and parts.
std::string module_op(const std::vector<std::pair<std::string, std::string>>& parameters,
                      const std::vector<std::pair<std::string, std::string>>& buffers,
                      const std::vector<std::pair<std::string, std::string>>& modules,
                      const std::string& more = "") {
  return "cmodels.mine\nNet\n)\x81}(" + text_op("_parameters") + dict_op(parameters) +
         text_op("_buffers") + dict_op(buffers) + text_op("_modules") + dict_op(modules) + more +
         "ub";
}

TEST(StateDict, WeightsAreFoundInsideOfOtherThings) {
  const std::string weights = dict_op({{"w", TensorWords{}.op()}});
  for (const char* key : {"state_dict", "model_state_dict", "model", "net"}) {
    const Opened opened(torch_zip(dict_op({{"epoch", int_op(7)}, {key, weights}}), {kSix}));
    EXPECT_EQ(opened.names(), Names{"w"}) << key;
    EXPECT_EQ(opened.file().metadata().at("epoch"), "7");
  }
  const Opened nested(torch_zip(dict_op({{"model", dict_op({{"state_dict", weights}})}}), {kSix}));
  EXPECT_EQ(nested.names(), Names{"w"});
  const Opened several(
      torch_zip(dict_op({{"a", weights}, {"b", weights}, {"optimizer", weights}}), {kSix}));
  EXPECT_EQ(several.names(), (Names{"a.w", "b.w"}));
  ASSERT_EQ(several.file().notes().size(), 1u);
  EXPECT_NE(several.file().notes()[0].find("optimizer"), std::string::npos);
}

TEST(StateDict, AveragedWeightsArePreferredIfTheyAreComplete) {
  TensorWords late;
  late.shape = late.stride = {};
  late.offset = 5;
  const std::string w = TensorWords{}.op(), averaged = late.op();
  const Opened complete(torch_zip(
      dict_op({{"model", dict_op({{"w", w}})}, {"ema", dict_op({{"w", averaged}})}}), {kSix}));
  EXPECT_EQ(complete.numbers("w"), Floats{6});
  EXPECT_FALSE(complete.file().notes().empty());
  const Opened partial(torch_zip(
      dict_op({{"model", dict_op({{"w", w}, {"v", w}})}, {"ema", dict_op({{"w", averaged}})}}),
      {kSix}));
  EXPECT_EQ(partial.numbers("w").size(), 6u);
  const Opened none(torch_zip(dict_op({{"model", dict_op({{"w", w}})}, {"ema", "N"}}), {kSix}));
  EXPECT_EQ(none.numbers("w").size(), 6u);
}

TEST(StateDict, PlainValuesBesideTheWeightsBecomeMetadata) {
  TensorWords number;
  number.shape = number.stride = {};
  number.offset = 2;
  const Opened opened(torch_zip(dict_op({{"state_dict", dict_op({{"w", TensorWords{}.op()}})},
                                         {"arch", text_op("resnet18")},
                                         {"done", "\x88"},
                                         {"nothing", "N"},
                                         {"best", number.op()},
                                         {"class_names", "](" + text_op("a") + text_op("b") + "e"},
                                         {"opt", dict_op({{"lr", "F0.1\n"}})},
                                         {"other", "cmine\nThing\n)R"}}),
                                {kSix}));
  const std::map<std::string, std::string> expected{{"arch", "resnet18"},
                                                    {"done", "true"},
                                                    {"best", "3.0"},
                                                    {"class_names", R"(["a","b"])"},
                                                    {"opt", R"({"lr":0.1})"}};
  EXPECT_EQ(opened.problem(), "");
  EXPECT_EQ(opened.file().metadata(), expected);
  ASSERT_EQ(opened.file().notes().size(), 1u);
  EXPECT_EQ(opened.file().notes()[0], "\"other\" (mine.Thing) is left out");
}

TEST(StateDict, PrefixesOfWrappersAreTakenOffOnlyIfAllNamesHaveThem) {
  const std::string w = TensorWords{}.op();
  EXPECT_EQ(Opened(torch_zip(dict_op({{"module.a", w}, {"module.b.c", w}}), {kSix})).names(),
            (Names{"a", "b.c"}));
  EXPECT_EQ(Opened(torch_zip(dict_op({{"module.a", w}, {"b", w}}), {kSix})).names(),
            (Names{"b", "module.a"}));
  EXPECT_EQ(Opened(torch_zip(dict_op({{"_orig_mod.module.a", w}}), {kSix})).names(), Names{"a"});
  EXPECT_EQ(Opened(torch_zip(dict_op({{"module.a", w}, {"n_averaged", w}}), {kSix})).names(),
            Names{"a"});
  EXPECT_EQ(Opened(torch_zip(dict_op({{"module.", w}}), {kSix})).names(), Names{"module."});
}

TEST(StateDict, AWholeModuleGivesWhatItsStateDictWouldHave) {
  const std::string w = TensorWords{}.op();
  const std::string passing = text_op("_non_persistent_buffers_set") + "c__builtin__\nset\n](" +
                              text_op("passing") + "e\x85R" + text_op("names") +
                              dict_op({{"0", text_op("cat")}});
  const std::string layer =
      module_op({{"weight", w}, {"bias", "N"}}, {{"mean", w}, {"passing", w}}, {}, passing);
  const std::string net =
      module_op({{"scale", w}}, {}, {{"0", layer}, {"gone", "N"}},
                text_op("names") + dict_op({{"0", text_op("cat")}}) + text_op("hidden") + w);
  const Names expected{"0.mean", "0.weight", "scale"};
  const Opened alone(torch_zip(net, {kSix}));
  EXPECT_EQ(alone.names(), expected);
  EXPECT_EQ(alone.file().metadata().at("names"), R"({"0":"cat"})");
  EXPECT_EQ(Opened(torch_zip(dict_op({{"model", net}, {"ema", "N"}}), {kSix})).names(), expected);
}

TEST(StateDict, ModulesInCirclesOrTooDeepAreRefused) {
  const std::string w = TensorWords{}.op();
  const std::string itself = "cmine\nNet\n)\x81q\x09}(" + text_op("_parameters") + "}" +
                             text_op("_buffers") + "}" + text_op("_modules") +
                             dict_op({{"me", "h\x09"}}) + "ub";
  EXPECT_NE(Opened(torch_zip(itself, {kSix})).problem().find("deep"), std::string::npos);
  std::string deep = module_op({{"w", w}}, {}, {});
  for (int i = 0; i < 100; ++i) deep = module_op({}, {}, {{"m", deep}});
  EXPECT_NE(Opened(torch_zip(deep, {kSix})).problem().find("deep"), std::string::npos);
  // Each level has the one below twice: 2^60 modules.
  std::string shared = module_op({{"w", w}}, {}, {}) + "q\x09";
  for (int i = 0; i < 60; ++i)
    shared += module_op({}, {}, {{"a", "h\x09"}, {"b", "h\x09"}}) + "q\x09";
  EXPECT_NE(Opened(torch_zip(shared, {kSix})).problem(), "");
  EXPECT_NE(Opened(torch_zip("}q\x09(" + text_op("model") + "h\x09u", {kSix})).problem(), "");
}

TEST(StateDict, WithoutWeightsTheMessageSaysWhatIsThere) {
  EXPECT_NE(Opened(torch_zip(dict_op({{"epoch", int_op(1)}}), {})).problem().find("\"epoch\""),
            std::string::npos);
  EXPECT_NE(Opened(torch_zip(TensorWords{}.op(), {kSix})).problem().find("one tensor"),
            std::string::npos);
  EXPECT_NE(Opened(torch_zip("]", {})).problem().find("a list"), std::string::npos);
  EXPECT_NE(Opened(torch_zip("cmine\nThing\n)R", {})).problem().find("mine.Thing"),
            std::string::npos);
}

TEST(StateDict, NothingIsEverCalled) {
  const tests::TemporaryFolder folder;
  const std::string mark = folder.path() + "/called";
  const std::string call = "cos\nsystem\n(" + text_op("touch " + mark) + "tR";
  const Opened opened(torch_zip(
      dict_op({{"state_dict", dict_op({{"w", TensorWords{}.op()}})}, {"x", call}}), {kSix}));
  EXPECT_EQ(opened.names(), Names{"w"});
  EXPECT_FALSE(std::filesystem::exists(mark));
}

}  // namespace
}  // namespace berth::checkpoint
