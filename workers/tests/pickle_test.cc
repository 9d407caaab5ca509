// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/pickle.h"

#include <gtest/gtest.h>

#include "checkpoint/pickle_text.h"
#include "checkpoint/plain_value.h"
#include "checkpoint_bytes.h"

namespace berth::checkpoint {
namespace {

using tests::little_endian;
using tests::text_op;

Pickle read(const std::string& bytes) {
  auto pickle = Pickle::read(bytes, "x");
  EXPECT_TRUE(pickle) << (pickle ? "" : pickle.error().message);
  return pickle ? std::move(*pickle) : *Pickle::read("N.", "nothing");
}

/// What is wrong with these bytes; empty if they can be read.
std::string problem(const std::string& bytes, const PickleLimits& limits = {}) {
  const auto pickle = Pickle::read(bytes, "x", limits);
  if (pickle) return {};
  EXPECT_EQ(pickle.error().code, protocol::ErrorCode::kCheckpointMismatch);
  return pickle.error().message;
}

/// The pickle's value as JSON; "-" if it is not plain.
std::string json(const std::string& bytes) {
  const Pickle pickle = read(bytes);
  PlainBudget budget;
  const auto value = plain_json(pickle, pickle.root_value(), &budget);
  if (!value) return "-";
  if (value->is_string()) return "\"" + std::string(value->get_string()) + "\"";
  return *plain_text(pickle, pickle.root_value(), &budget);
}

TEST(Pickle, NumbersOfEveryOpcodeAreRead) {
  EXPECT_EQ(json("N."), "null");
  EXPECT_EQ(json("\x88."), "true");
  EXPECT_EQ(json("\x89."), "false");
  EXPECT_EQ(json("I01\n."), "true");
  EXPECT_EQ(json("I00\n."), "false");
  EXPECT_EQ(json("I-12\n."), "-12");
  EXPECT_EQ(json("K\xFF."), "255");
  EXPECT_EQ(json(std::string("M\x01\x02.", 4)), "513");
  EXPECT_EQ(json("J\xFE\xFF\xFF\xFF."), "-2");
  EXPECT_EQ(json("L123L\n."), "123");
  EXPECT_EQ(json("L-123\n."), "-123");
  EXPECT_EQ(json(std::string("\x8a\x00.", 3)), "0");
  EXPECT_EQ(json(std::string("\x8a\x01\x80.", 4)), "-128");
  EXPECT_EQ(json(std::string("\x8a\x02\x80\x00.", 5)), "128");
  EXPECT_EQ(json(std::string("\x8b\x01\x00\x00\x00\x07.", 7)), "7");
  EXPECT_EQ(json("F0.25\n."), "0.25");
  EXPECT_EQ(json(std::string("G\x3F\xF8\x00\x00\x00\x00\x00\x00.", 10)), "1.5");
  EXPECT_EQ(json(std::string("G\x7F\xF0\x00\x00\x00\x00\x00\x00.", 10)), "null") << "infinity";
}

TEST(Pickle, IntegersBeyond64BitsKeepTheirDigits) {
  EXPECT_EQ(json(std::string("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 13)),
            "\"119547037146038801333356\"");
  EXPECT_EQ(json("L340282366920938463463374607431768211455L\n."),
            "\"340282366920938463463374607431768211455\"");
  EXPECT_EQ(json("\x8a\x11" + std::string(16, '\xFF') + std::string(1, '\0') + "."),
            "\"340282366920938463463374607431768211455\"");
  EXPECT_EQ(wide_decimal(std::string(15, '\0') + "\x80"),
            "-170141183460469231731687303715884105728");
  EXPECT_EQ(wide_decimal(std::string(9, '\xFF')), "-1");
  EXPECT_EQ(json("\x8a\x20" + std::string(32, '\x01') + "."), "-") << "too large to be told";
}

TEST(Pickle, TextsOfEveryOpcodeAreRead) {
  EXPECT_EQ(json("X\x03" + std::string(3, '\0') + "abc."), "\"abc\"");
  EXPECT_EQ(json("\x8c\x03"
                 "abc."),
            "\"abc\"");
  EXPECT_EQ(json("\x8d" + little_endian(3, 8) + "abc."), "\"abc\"");
  EXPECT_EQ(json("U\x03"
                 "abc."),
            "\"abc\"");
  EXPECT_EQ(json("T" + little_endian(3, 4) + "abc."), "\"abc\"");
  EXPECT_EQ(json("S'a\\'b\\x41\\n\\101'\n."), "\"a'bA\nA\"");
  EXPECT_EQ(json("Vk\\u00e4\xE4\\U0001F600\n."), "\"k\xC3\xA4\xC3\xA4\xF0\x9F\x98\x80\"");
  const Pickle bytes = read("C\x02\x01\x02.");
  EXPECT_EQ(bytes.root_value().kind, ValueKind::kBytes);
  EXPECT_EQ(bytes.root_value().text, "\x01\x02");
  EXPECT_EQ(read("\x96" + little_endian(1, 8) + "z.").root_value().text, "z");
}

TEST(Pickle, ContainersOfEveryOpcodeAreRead) {
  EXPECT_EQ(json("]."), "[]");
  EXPECT_EQ(json("(K\x01K\x02l."), "[1,2]");
  EXPECT_EQ(json("]K\x01"
                 "a(K\x02K\x03"
                 "e."),
            "[1,2,3]");
  EXPECT_EQ(json(")."), "[]");
  EXPECT_EQ(json("(K\x01K\x02t."), "[1,2]");
  EXPECT_EQ(json("K\x01\x85."), "[1]");
  EXPECT_EQ(json("K\x01K\x02\x86."), "[1,2]");
  EXPECT_EQ(json("K\x01K\x02K\x03\x87."), "[1,2,3]");
  EXPECT_EQ(json("}."), "{}");
  EXPECT_EQ(json("(" + text_op("a") +
                 "K\x01"
                 "d."),
            "{\"a\":1}");
  EXPECT_EQ(json("}" + text_op("a") + "K\x01s(K\x05K\x02u."), "{\"a\":1,\"5\":2}");
  EXPECT_EQ(json("\x8f(K\x01\x90."), "[1]");
  EXPECT_EQ(json("(K\x01\x91."), "[1]");
}

TEST(Pickle, TheMemoAndTheStackWorkAsInPython) {
  EXPECT_EQ(json("]q\x05"
                 "h\x05"
                 "0."),
            "[]");
  EXPECT_EQ(json("]p7\ng7\n0."), "[]");
  EXPECT_EQ(json(std::string("]r\x00\x01\x00\x00j\x00\x01\x00\x00"
                             "0.",
                             13)),
            "[]");
  EXPECT_EQ(json("K\x09\x94]\x94h" + std::string(1, '\0') + "a."), "[9]");
  EXPECT_EQ(json("K\x01"
                 "2\x86."),
            "[1,1]");
  EXPECT_EQ(json("K\x01(K\x02K\x03"
                 "1."),
            "1");
  EXPECT_EQ(json("K\x01(0."), "1") << "POP takes an empty MARK away";
  EXPECT_EQ(json("\x80\x04\x95" + little_endian(99, 8) + "K\x01."), "1");
}

TEST(Pickle, ObjectsBecomeRecordsAndNothingIsCalled) {
  const Pickle system = read("cos\nsystem\n(" + text_op("touch /tmp/berth-was-here") + "tR.");
  EXPECT_EQ(system.root_value().kind, ValueKind::kObject);
  EXPECT_EQ(system.class_of(system.root_value()), "os.system");
  const Pickle stack =
      read(text_op("a.b") + text_op("C") + "\x93)\x81}" + text_op("x") + "K\x07sb.");
  EXPECT_EQ(stack.class_of(stack.root_value()), "a.b.C");
  EXPECT_EQ(stack.find(stack.at(stack.root_value().state), "x")->integer, 7);
  const Pickle old = read("(K\x01ia\nB\n.");
  EXPECT_EQ(old.class_of(old.root_value()), "a.B");
  const Pickle older = read("(ca\nB\nK\x01o.");
  EXPECT_EQ(older.class_of(older.root_value()), "a.B");
  EXPECT_EQ(older.at(older.root_value().arguments).items.size(), 1u);
  const Pickle base = read("ccopyreg\n_reconstructor\n(ca\nB\nc__builtin__\nobject\nNtR.");
  EXPECT_EQ(base.class_of(base.root_value()), "a.B");
  const Pickle named = read("ca\nB\n)}\x92.");
  EXPECT_EQ(named.class_of(named.root_value()), "a.B");
  EXPECT_EQ(read("Pabc\n.").root_value().kind, ValueKind::kPersistent);
}

TEST(Pickle, WhatFollowsTheStopIsLeftAlone) {
  const Pickle pickle = read("K\x01.rest");
  EXPECT_EQ(pickle.consumed(), 3u);
}

TEST(Pickle, PlainValuesOfKnownClassesAreRead) {
  EXPECT_EQ(json("cargparse\nNamespace\n)\x81}" + text_op("lr") + "K\x01sb."), "{\"lr\":1}");
  EXPECT_EQ(json("cpathlib\nPosixPath\n(" + text_op("/") + text_op("a") + text_op("b") + "tR."),
            "\"/a/b\"");
  EXPECT_EQ(json("ctorch\nSize\n(K\x02K\x03t\x85R."), "[2,3]");
  EXPECT_EQ(json("ccollections\nOrderedDict\n)R" + text_op("a") + "K\x01s."), "{\"a\":1}");
  EXPECT_EQ(json("ccollections\nOrderedDict\n]](" + text_op("a") +
                 "K\x01"
                 "ea\x85R."),
            "{\"a\":1}")
      << "as Python 2 writes it";
  const std::string one_and_a_half = std::string(6, '\0') + "\xF8\x3F";
  EXPECT_EQ(json("cnumpy.core.multiarray\nscalar\n(" + std::string("cnumpy\ndtype\n(") +
                 text_op("f8") + "\x89\x88tR" + "C\x08" + one_and_a_half + "tR."),
            "1.5");
  EXPECT_EQ(json("cnumpy.core.multiarray\nscalar\n(" + std::string("cnumpy\ndtype\n(") +
                 text_op("f8") + "\x89\x88tR" + "c_codecs\nencode\n(" +
                 text_op(std::string(6, '\0') + "\xC3\xB8\x3F") + text_op("latin1") + "tRtR."),
            "1.5")
      << "as protocol 2 has bytes";
  EXPECT_EQ(json("ca\nB\n)R."), "-");
  EXPECT_EQ(json("](ca\nB\n)Re."), "-") << "a list of something else is not plain";
}

TEST(Pickle, MalformedOnesAreRefusedWithThePlace) {
  EXPECT_NE(problem("").find("without a STOP"), std::string::npos);
  EXPECT_NE(problem("K\x01"), "");
  EXPECT_NE(problem("."), "") << "no value";
  EXPECT_NE(problem("NN\xFF.").find("unknown opcode 0xff (at byte 2)"), std::string::npos);
  EXPECT_NE(problem(std::string("\x00.", 2)), "");
  EXPECT_NE(problem("\x80\x06N."), "") << "a protocol of the future";
  EXPECT_NE(problem("\x82\x01."), "") << "extension codes";
  EXPECT_NE(problem("\x97."), "") << "out-of-band buffers";
  for (const char* bytes : {"a.",
                            "]a.",
                            "s.",
                            "}s.",
                            "}Ns.",
                            "u.",
                            "}(Nu.",
                            "NNa.",
                            "N)b.",
                            ")NNs.",
                            "t.",
                            "l.",
                            "(",
                            "0.",
                            "1.",
                            "2.",
                            "(2.",
                            "q\x01.",
                            "h\x01.",
                            "g1\n.",
                            "gx\n.",
                            "p-1\n.",
                            "\x94.",
                            "\x85.",
                            "N\x86.",
                            "NN\x87.",
                            "R.",
                            "NR.",
                            "\x81.",
                            "b.",
                            "Nb.",
                            "o.",
                            "(o.",
                            "Q.",
                            "\x93.",
                            "NN\x93.",
                            "X\xFF\xFF\xFF\xFFz.",
                            "Ix\n.",
                            "I\n.",
                            "I1",
                            "Lx\n.",
                            "L-\n.",
                            "Fx\n.",
                            "Sabc\n.",
                            "S'abc\n.",
                            "S'a\\q'\n.",
                            "S'\\x4'\n.",
                            "V\\u12\n.",
                            "V\\UFFFFFFFF\n.",
                            "cab\n",
                            "\x8b\xFF\xFF\xFF\xFF.",
                            "\x90.",
                            "\x91.",
                            "d.",
                            "(Nd.",
                            "e.",
                            "](N(Nu."}) {
    EXPECT_NE(problem(bytes), "") << bytes;
  }
}

TEST(Pickle, AFileCannotMakeItTakeMoreThanTheLimits) {
  PickleLimits limits;
  limits.values = 100;
  limits.references = 50;
  limits.memo = 20;
  limits.depth = 10;
  limits.text = 30;
  const auto times = [](const std::string& what, int count) {
    std::string out;
    for (int i = 0; i < count; ++i) out += what;
    return out;
  };
  EXPECT_EQ(problem(times("]", 90) + ".", limits), "");
  EXPECT_NE(problem(times("]", 110) + ".", limits), "") << "objects";
  EXPECT_NE(problem(times("N", 110) + ".", limits), "") << "the stack, with nothing made";
  EXPECT_EQ(problem("]" + times("Na", 50) + ".", limits), "");
  EXPECT_NE(problem("]" + times("Na", 51) + ".", limits), "") << "members";
  EXPECT_NE(problem("N" + times("\x94", 21) + ".", limits), "") << "remembered objects";
  EXPECT_NE(problem(times("(", 11) + "N.", limits), "") << "MARKs";
  EXPECT_NE(problem("X" + little_endian(31, 4) + std::string(31, 'a') + ".", limits), "")
      << "a text";
  EXPECT_NE(problem(text_op(std::string(20, 'm')) + "q\x01" + text_op("n") + "q\x02" +
                        times("h\x01h\x02\x93", 2) + ".",
                    limits),
            "")
      << "names joined from the same texts again and again";
  limits.bytes = 4;
  EXPECT_NE(problem("NNNNNN.", limits), "") << "the whole";
}

TEST(Pickle, DeepNestingAndCyclesNeedNoDeepStack) {
  std::string deep;
  for (int i = 0; i < 200'000; ++i) deep += "]";
  for (int i = 0; i < 199'999; ++i) deep += "a";
  const Pickle pickle = read(deep + ".");
  EXPECT_EQ(pickle.root_value().items.size(), 1u);
  EXPECT_EQ(json(deep + "."), "-");
  EXPECT_EQ(json("]q\x01h\x01"
                 "a."),
            "-")
      << "a list in itself";
  EXPECT_EQ(json("}q\x01" + text_op("a") + "h\x01s."), "-");
}

TEST(Pickle, AHugeTreeOfSharedListsIsGivenUp) {
  std::string bytes = "]q\x01";
  for (int i = 0; i < 31; ++i)
    bytes +=
        "](h\x01h\x01"
        "eq\x01";  // twice as many leaves each time
  EXPECT_EQ(json(bytes + "."), "-");
}

TEST(PickleText, MalformedFormsAreRefused) {
  EXPECT_EQ(unquoted("'a\\\\b'"), "a\\b");
  EXPECT_EQ(unquoted("\"a'b\""), "a'b");
  EXPECT_EQ(unquoted("'a\\"), std::nullopt);
  EXPECT_EQ(unquoted("'"), std::nullopt);
  EXPECT_EQ(latin1_bytes("\xC3\xBF"), "\xFF");
  EXPECT_EQ(latin1_bytes("\xE2\x82\xAC"), std::nullopt);
  EXPECT_EQ(latin1_bytes("\xC3"), std::nullopt);
}

}  // namespace
}  // namespace berth::checkpoint
