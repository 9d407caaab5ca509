// SPDX-License-Identifier: Apache-2.0
// What torch.save and torch.jit.save write, composed by hand.
#include "checkpoint/torch_file.h"

#include <gtest/gtest.h>

#include "checkpoint_bytes.h"
#include "opened_checkpoint.h"

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
using tests::torch_legacy;
using tests::torch_zip;

const std::string kSix = floats({1, 2, 3, 4, 5, 6});

Opened open_tensor(const TensorWords& words, const std::string& storage = kSix) {
  return Opened(torch_zip(dict_op({{"w", words.op()}}), {storage}));
}

std::string storage_class(const std::string& name) { return "torch\n" + name + "\n"; }

TEST(TorchFile, ATensorIsReadWhereItLies) {
  const Opened opened = open_tensor({});
  EXPECT_EQ(opened.numbers("w"), (Floats{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(opened.file().format(), Format::kTorchZip);
  EXPECT_EQ(opened.file().tensors().at("w").shape, (std::vector<int64_t>{2, 3}));
}

TEST(TorchFile, StridedTensorsBecomeRowMajor) {
  TensorWords words;
  words.shape = {3, 2};
  words.stride = {1, 3};
  EXPECT_EQ(open_tensor(words).numbers("w"), (Floats{1, 4, 2, 5, 3, 6}));
  words.shape = {2, 1, 2};
  words.stride = {3, 1000, 2};
  EXPECT_EQ(open_tensor(words).numbers("w"), (Floats{1, 3, 4, 6}))
      << "a side of one may have any stride";
  words.shape = {4};
  words.stride = {0};
  words.offset = 5;
  EXPECT_EQ(open_tensor(words).numbers("w"), (Floats{6, 6, 6, 6}));
  words.shape = {2, 2};
  words.stride = {1, 2};
  words.offset = 1;
  EXPECT_EQ(open_tensor(words).numbers("w"), (Floats{2, 4, 3, 5}));
}

TEST(TorchFile, PartsOfAStorageScalarsAndEmptyTensorsAreRead) {
  TensorWords words;
  words.shape = {2};
  words.stride = {1};
  words.offset = 3;
  EXPECT_EQ(open_tensor(words).numbers("w"), (Floats{4, 5}));
  words.shape = words.stride = {};
  EXPECT_EQ(open_tensor(words).numbers("w"), (Floats{4}));
  words.shape = {0, 5};
  words.stride = {5, 1};
  words.offset = 0;
  words.elements = 0;
  const Opened empty = open_tensor(words, "");
  EXPECT_EQ(empty.numbers("w"), Floats{});
  EXPECT_EQ(empty.file().tensors().at("w").shape, (std::vector<int64_t>{0, 5}));
}

TEST(TorchFile, EveryDtypeIsToldByItsStorage) {
  const std::vector<std::pair<const char*, Dtype>> kinds{
      {"DoubleStorage", Dtype::kF64}, {"FloatStorage", Dtype::kF32},
      {"HalfStorage", Dtype::kF16},   {"BFloat16Storage", Dtype::kBf16},
      {"LongStorage", Dtype::kI64},   {"IntStorage", Dtype::kI32},
      {"ShortStorage", Dtype::kI16},  {"CharStorage", Dtype::kI8},
      {"ByteStorage", Dtype::kU8},    {"BoolStorage", Dtype::kBool}};
  for (const auto& [name, dtype] : kinds) {
    TensorWords words;
    words.storage_class = storage_class(name);
    const Opened opened = open_tensor(words, std::string(6 * dtype_size(dtype), '\1'));
    ASSERT_EQ(opened.problem(), "");
    EXPECT_EQ(opened.file().tensors().at("w").dtype, dtype);
    EXPECT_EQ(opened.file().tensors().at("w").size, 6 * dtype_size(dtype));
  }
  TensorWords cuda;
  cuda.storage_class = "torch.cuda\nFloatStorage\n";
  EXPECT_EQ(open_tensor(cuda).numbers("w").size(), 6u);
}

TEST(TorchFile, UnsupportedTensorsAreRefusedByName) {
  TensorWords words;
  words.storage_class = storage_class("ComplexFloatStorage");
  const std::string message = open_tensor(words).problem();
  EXPECT_NE(message.find("\"w\""), std::string::npos) << message;
  EXPECT_NE(message.find("ComplexFloatStorage"), std::string::npos) << message;
  words.storage_class = storage_class("QInt8Storage");
  EXPECT_NE(open_tensor(words).problem().find("QInt8Storage"), std::string::npos);
  words = {};
  words.function = "torch._utils\n_rebuild_sparse_tensor\n";
  EXPECT_NE(open_tensor(words).problem().find("sparse"), std::string::npos);
  words = {};
  words.storage_class = "evil\nFloatStorage\n";
  EXPECT_NE(open_tensor(words).problem(), "");
}

TEST(TorchFile, TensorsOutsideOfTheirStorageAreRefused) {
  const auto refused = [](auto change) {
    TensorWords words;
    change(&words);
    return !open_tensor(words).problem().empty();
  };
  EXPECT_TRUE(refused([](TensorWords* w) { w->offset = 1; }));
  EXPECT_TRUE(refused([](TensorWords* w) { w->offset = -1; }));
  EXPECT_TRUE(refused([](TensorWords* w) { w->offset = INT64_MAX; }));
  EXPECT_TRUE(refused([](TensorWords* w) { w->elements = 5; })) << "more than the storage says";
  EXPECT_TRUE(refused([](TensorWords* w) { w->elements = 7; })) << "more than the file has";
  EXPECT_TRUE(refused([](TensorWords* w) { w->elements = INT64_MAX; }));
  EXPECT_TRUE(refused([](TensorWords* w) { w->shape = {2, 4}; }));
  EXPECT_TRUE(refused([](TensorWords* w) { w->shape = {3, 3}; }));
  EXPECT_TRUE(refused([](TensorWords* w) { w->shape = {-2, 3}; }));
  EXPECT_TRUE(refused([](TensorWords* w) { w->stride = {3, -1}; }));
  EXPECT_TRUE(refused([](TensorWords* w) { w->stride = {3}; }));
  EXPECT_TRUE(refused([](TensorWords* w) { w->stride = {4, 1}; }));
  EXPECT_TRUE(refused([](TensorWords* w) { w->stride = {INT64_MAX, 1}; }));
  EXPECT_TRUE(refused([](TensorWords* w) { w->stride = {INT64_MAX, INT64_MAX}; }));
  EXPECT_TRUE(refused([](TensorWords* w) { w->shape = {INT64_MAX, INT64_MAX}; }));
  EXPECT_TRUE(refused([](TensorWords* w) { w->shape = {int64_t{1} << 32, int64_t{1} << 32}; }))
      << "the product wraps to 0";
  EXPECT_TRUE(refused([](TensorWords* w) { w->key = "1"; })) << "no such storage";
  EXPECT_TRUE(refused([](TensorWords* w) { w->key = "../data.pkl"; }));
}

TEST(TorchFile, ASmallFileCannotAskForMuchMemory) {
  TensorWords words;
  words.shape = {1 << 30};
  words.stride = {0};
  EXPECT_NE(open_tensor(words).problem().find("more of memory"), std::string::npos);
}

TEST(TorchFile, AllWaysToBuildATensorAreUnderstood) {
  TensorWords words;
  const std::string parameter = "ctorch._utils\n_rebuild_parameter\n(" + words.op() + "\x88" +
                                "ccollections\nOrderedDict\n)RtR";
  words.function = "torch._utils\n_rebuild_tensor\n";
  const std::string old = words.op();
  // A subclass of Tensor: (function, class, arguments, state).
  const std::string plain = TensorWords{}.op();
  const size_t arguments = plain.find('(');
  const std::string subclass =
      "ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_tensor_v2\n"
      "cmine\nTensor\n" +
      plain.substr(arguments, plain.size() - arguments - 1) + "}tR";
  const Opened opened(torch_zip(dict_op({{"p", parameter}, {"o", old}, {"s", subclass}}), {kSix}));
  for (const char* name : {"p", "o", "s"}) {
    EXPECT_EQ(opened.numbers(name), (Floats{1, 2, 3, 4, 5, 6})) << name;
  }
}

TEST(TorchFile, UntypedStoragesCountBytes) {
  const auto version3 = [](const std::string& dtype, int64_t bytes) {
    return "ctorch._utils\n_rebuild_tensor_v3\n((" + text_op("storage") +
           "ctorch.storage\nUntypedStorage\n" + text_op("0") + text_op("cpu") + int_op(bytes) +
           "tQ" + int_op(0) + tests::tuple_op({6}) + tests::tuple_op({1}) + "\x89}ctorch\n" +
           dtype + "\n}tR";
  };
  EXPECT_EQ(Opened(torch_zip(dict_op({{"w", version3("float32", 24)}}), {kSix})).numbers("w"),
            (Floats{1, 2, 3, 4, 5, 6}));
  EXPECT_NE(Opened(torch_zip(dict_op({{"w", version3("float64", 24)}}), {kSix})).problem(), "");
  EXPECT_NE(Opened(torch_zip(dict_op({{"w", version3("float32", 25)}}), {kSix})).problem(), "");
  EXPECT_NE(Opened(torch_zip(dict_op({{"w", version3("float8_e4m3fn", 24)}}), {kSix}))
                .problem()
                .find("float8_e4m3fn"),
            std::string::npos);
}

TEST(TorchFile, TorchScriptIsToldApartAndRead) {
  const std::string script = "c__torch__\nNet\n)\x81}(" + text_op("training") + "\x88" +
                             text_op("weight") + TensorWords{}.op() + text_op("part") +
                             "c__torch__.torch.nn\nLinear\n)\x81}(" + text_op("bias") +
                             TensorWords{}.op() + "ubub";
  const Opened opened(tests::zip_of({{"n/data.pkl", tests::pickle_of(script)},
                                     {"n/data/0", kSix},
                                     {"n/code/net.py", "packed", 8},
                                     {"n/version", "3\n"}}));
  EXPECT_EQ(opened.names(), (Names{"part.bias", "weight"}));
  EXPECT_EQ(opened.file().format(), Format::kTorchScript);
}

TEST(TorchFile, BigEndianFilesAreRefused) {
  const std::string value = tests::pickle_of(dict_op({{"w", TensorWords{}.op()}}));
  const auto zip = [&](const std::string& order) {
    return tests::zip_of({{"a/data.pkl", value}, {"a/data/0", kSix}, {"a/byteorder", order}});
  };
  EXPECT_EQ(Opened(zip("little")).problem(), "");
  EXPECT_NE(Opened(zip("big")).problem().find("big-endian"), std::string::npos);
  TensorWords words;
  words.legacy = true;
  EXPECT_NE(Opened(torch_legacy(dict_op({{"w", words.op()}}), {{"0", kSix}}, false))
                .problem()
                .find("big-endian"),
            std::string::npos);
}

TEST(TorchFile, TheLegacyFormatIsRead) {
  TensorWords a, b;
  a.legacy = b.legacy = true;
  b.key = "77";
  b.elements = 2;
  b.shape = {2};
  b.stride = {1};
  const std::string bytes =
      torch_legacy(dict_op({{"a", a.op()}, {"b", b.op()}}), {{"77", floats({8, 9})}, {"0", kSix}});
  const Opened opened(bytes);
  EXPECT_EQ(opened.numbers("a"), (Floats{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(opened.numbers("b"), (Floats{8, 9}));
  EXPECT_EQ(opened.file().format(), Format::kTorchLegacy);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_NE(Opened(bytes.substr(0, size)).problem(), "") << size;
  }
}

TEST(TorchFile, ViewsOfPyTorchBefore04AreRead) {
  const auto view = [](int64_t begin, int64_t count) {
    return "ctorch._utils\n_rebuild_tensor\n((" + text_op("storage") + "ctorch\nFloatStorage\n" +
           text_op("0") + text_op("cpu") + int_op(6) + "(" + text_op("1") + int_op(begin) +
           int_op(count) + "ttQ" + int_op(0) + tests::tuple_op({2}) + tests::tuple_op({1}) + "tR";
  };
  const auto open = [&](int64_t begin, int64_t count) {
    return Opened(torch_legacy(dict_op({{"w", view(begin, count)}}), {{"0", kSix}}));
  };
  EXPECT_EQ(open(2, 2).numbers("w"), (Floats{3, 4}));
  EXPECT_NE(open(5, 2).problem(), "");
  EXPECT_NE(open(2, 1).problem(), "");
  EXPECT_NE(open(INT64_MAX, 2).problem(), "");
}

TEST(TorchFile, LegacyStoragesThatLieAboutTheirSizeAreRefused) {
  TensorWords words;
  words.legacy = true;
  const std::string bytes = torch_legacy(dict_op({{"w", words.op()}}), {{"0", kSix}});
  const size_t count = bytes.size() - kSix.size() - 8;
  for (const uint64_t number : {uint64_t{7}, UINT64_MAX, uint64_t{1} << 62}) {
    std::string changed = bytes;
    changed.replace(count, 8, tests::little_endian(number, 8));
    EXPECT_NE(Opened(changed).problem(), "") << number;
  }
}

}  // namespace
}  // namespace berth::checkpoint
