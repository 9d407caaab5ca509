// SPDX-License-Identifier: Apache-2.0
#include "model/device_words.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "base/phrase.h"

namespace berth::model {
namespace {

/// "{}" stands for the next number: "{} of {}" has the holes 0 and 1.
std::multiset<std::string> holes(std::string_view text) {
  std::multiset<std::string> found;
  int next = 0;
  for (auto at = text.find('{'); at != std::string_view::npos; at = text.find('{', at + 1)) {
    const auto name = text.substr(at + 1, text.find('}', at) - at - 1);
    found.insert(name.empty() ? std::to_string(next++) : std::string(name));
  }
  return found;
}

TEST(DeviceWords, every_text_has_a_chinese_one_with_its_holes) {
  std::set<std::string_view> seen;
  for (const auto& [english, chinese] : device_words()) {
    EXPECT_TRUE(seen.insert(english).second) << "twice: " << english;
    EXPECT_FALSE(chinese.empty()) << english;
    EXPECT_EQ(holes(english), holes(chinese)) << english;
    EXPECT_FALSE(english.starts_with("{}{}") || english == "{}") << "fits anything";
    EXPECT_EQ(english.find("{0"), std::string_view::npos) << "holes are in order: " << english;
  }
}

TEST(DeviceWords, a_filled_text_is_found_as_itself_and_keeps_its_values) {
  const std::vector<std::string> values{"0000:01:00.0", "7"};
  for (const auto& [english, chinese] : device_words()) {
    EXPECT_EQ(device_words_in_chinese(base::fill(english, values)), base::fill(chinese, values))
        << english;
  }
}

TEST(DeviceWords, the_most_specific_text_counts) {
  EXPECT_EQ(device_words_in_chinese("the driver has not answered for 2.1 s"),
            "驱动已 2.1 秒无响应");
  EXPECT_EQ(device_words_in_chinese(
                "the driver has not answered for 2.1 s (while its devices were listed)"),
            "驱动已 2.1 秒无响应（枚举设备时）");
}

TEST(DeviceWords, texts_in_holes_are_said_in_chinese_too) {
  EXPECT_EQ(device_words_in_chinese(
                "XID 79: it has fallen off the bus; it must be reset (nvidia-smi -r)"),
            "XID 79：GPU 掉卡（从总线上脱落）；需要复位（nvidia-smi -r）");
  EXPECT_EQ(
      device_words_in_chinese(
          "an NVIDIA GPU is on the PCI bus (0000:01:00.0, 0000:02:00.0) but its driver is not "
          "installed: cannot load libnvidia-ml.so.1: libnvidia-ml.so.1: cannot open shared object "
          "file: No such file or directory; on Debian install the packages nvidia-driver and "
          "libnvidia-ml1 (component non-free)"),
      "PCI 总线上有 NVIDIA GPU（0000:01:00.0, 0000:02:00.0），但未安装其驱动：无法加载 "
      "libnvidia-ml.so.1：libnvidia-ml.so.1：无法打开共享库文件：没有那个文件或目录；Debian "
      "上请安装软件包 nvidia-driver 和 libnvidia-ml1（non-free 组件）");
  EXPECT_EQ(device_words_in_chinese("the NVIDIA device with the driver's number 3 cannot be used: "
                                    "Insufficient Permissions (this user may not open its "
                                    "/dev/nvidia file)"),
            "无法使用驱动编号为 3 的 NVIDIA 设备：权限不足（当前用户无权打开其 /dev/nvidia 文件）");
}

TEST(DeviceWords, what_is_not_known_stays_as_it_is) {
  for (const char* text :
       {"", "a word of a later driver", "no reading for  s", "XID 79: it has fallen off the bus",
        "驱动已 2.1 秒无响应", "{}", "timeout", "gpu is lost"})
    EXPECT_EQ(device_words_in_chinese(text), text);
}

}  // namespace
}  // namespace berth::model
