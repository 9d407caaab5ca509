// SPDX-License-Identifier: Apache-2.0
// The grammar of device strings (contract.md 2).
#include <gtest/gtest.h>

#include "model/request.h"

namespace berth::model {
namespace {

using Mode = Selector::Mode;

TEST(Selector, AutoCpuAndVendors) {
  struct Row {
    std::string_view text;
    Mode mode;
    Vendor vendor;
  };
  for (const Row& row : std::initializer_list<Row>{{"", Mode::kAuto, Vendor::kNvidia},
                                                   {"  ", Mode::kAuto, Vendor::kNvidia},
                                                   {"auto", Mode::kAuto, Vendor::kNvidia},
                                                   {"AuTo", Mode::kAuto, Vendor::kNvidia},
                                                   {"cpu", Mode::kCpu, Vendor::kCpu},
                                                   {" CPU ", Mode::kCpu, Vendor::kCpu},
                                                   {"cuda", Mode::kVendor, Vendor::kNvidia},
                                                   {"ROCM", Mode::kVendor, Vendor::kAmd},
                                                   {"hip", Mode::kVendor, Vendor::kAmd},
                                                   {"xpu", Mode::kVendor, Vendor::kIntel},
                                                   {"npu", Mode::kVendor, Vendor::kAscend}}) {
    const auto selector = parse_selector(row.text);
    ASSERT_TRUE(selector) << row.text;
    EXPECT_EQ(selector->mode, row.mode) << row.text;
    EXPECT_EQ(selector->vendor, row.vendor) << row.text;
  }
}

TEST(Selector, NumberedDevices) {
  struct Row {
    std::string_view text;
    Vendor vendor;
    int index;
  };
  for (const Row& row : std::initializer_list<Row>{{"cuda:0", Vendor::kNvidia, 0},
                                                   {"Cuda:15", Vendor::kNvidia, 15},
                                                   {"rocm:2", Vendor::kAmd, 2},
                                                   {"HIP:3", Vendor::kAmd, 3},
                                                   {"xpu:1", Vendor::kIntel, 1},
                                                   {"\tnpu:7\n", Vendor::kAscend, 7}}) {
    const auto selector = parse_selector(row.text);
    ASSERT_TRUE(selector) << row.text;
    ASSERT_EQ(selector->named.size(), 1U);
    EXPECT_EQ(selector->mode, Mode::kNamed);
    EXPECT_EQ(selector->named[0].vendor, row.vendor) << row.text;
    EXPECT_EQ(selector->named[0].index, row.index) << row.text;
  }
}

TEST(Selector, UuidsAndLists) {
  const auto one = parse_selector("GPU-5FEC1A");
  ASSERT_TRUE(one);
  EXPECT_EQ(one->named.at(0).uuid_prefix, "gpu-5fec1a");
  EXPECT_FALSE(one->named.at(0).vendor);
  EXPECT_EQ(one->text, "GPU-5FEC1A");
  const auto list = parse_selector(" cuda:0 , mig-77,rocm:1");
  ASSERT_TRUE(list);
  ASSERT_EQ(list->named.size(), 3U);
  EXPECT_EQ(list->named[1].uuid_prefix, "mig-77");
  EXPECT_EQ(list->named[2].vendor, Vendor::kAmd);
}

TEST(Selector, WhatIsNotUnderstoodIsASchemaViolationThatNamesIt) {
  for (const std::string_view text : {"gpu",        "cuda:",          "cuda:-1",
                                      "cuda:+1",    "cuda:x",         "cuda:1x",
                                      "cuda:0x1",   "cuda: 1",        "cuda 0",
                                      "cuda:0:",    "cuda::1",        "cuda:0:1:2",
                                      "cuda:0:x",   "rocm:0:1",       "cuda0",
                                      "GPU-",       "MIG-",           "tpu:0",
                                      "cpu:0",      "cuda:0,",        ",",
                                      ",cuda:0",    "cuda:0,,cuda:1", "cuda,cuda:0",
                                      "cuda:0,cpu", "auto,cuda:0",    "cuda:99999999999999999999",
                                      "all"}) {
    const auto selector = parse_selector(text);
    ASSERT_FALSE(selector) << text;
    EXPECT_EQ(selector.error().code, base::ErrorCode::kSchemaViolation) << text;
    EXPECT_NE(selector.error().message.find("\"" + std::string(text) + "\""), std::string::npos)
        << text;
  }
}

TEST(Selector, MigInstancesAreNumberedWithinTheirGpu) {
  const auto selector = parse_selector("CUDA:2:11, cuda:0:0");
  ASSERT_TRUE(selector);
  ASSERT_EQ(selector->named.size(), 2U);
  EXPECT_EQ(selector->named[0].index, 2);
  EXPECT_EQ(selector->named[0].instance, 11);
  EXPECT_EQ(selector->named[1].instance, 0);
  EXPECT_FALSE(parse_selector("cuda:2")->named[0].instance);
}

}  // namespace
}  // namespace berth::model
