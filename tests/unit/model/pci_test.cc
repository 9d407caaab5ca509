// SPDX-License-Identifier: Apache-2.0
#include "model/pci.h"

#include <gtest/gtest.h>

namespace berth::model {
namespace {

TEST(Pci, AddressesOfNvmlAndSysfsAreTheSame) {
  EXPECT_EQ(parse_pci("00000000:17:00.0"), parse_pci("0000:17:00.0"));
  EXPECT_EQ(to_text(*parse_pci("0001:A3:1f.7")), "0001:a3:1f.7");
  for (const char* wrong : {"", "17:00.0", "0000:17:00", "0000:zz:00.0", "card0"})
    EXPECT_FALSE(parse_pci(wrong)) << wrong;
}

}  // namespace
}  // namespace berth::model
