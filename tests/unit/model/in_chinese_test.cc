// SPDX-License-Identifier: Apache-2.0
#include "model/in_chinese.h"

#include "base/renderings.h"
#include "model/device_words.h"
#include "model/task_words.h"
#include "model/worker_words.h"

namespace berth::model {
namespace {

TEST(InChinese, every_text_has_a_chinese_one_with_its_holes) {
  for (const auto table : {device_words(), task_words(), worker_words(), system_words()}) {
    base::check_rows(table);
    base::check_found(table, in_chinese, "Permission denied", "权限不足");
  }
}

TEST(InChinese, workers_say_what_is_said_of_them) {
  base::check_said(worker_words(), {BERTH_ROOT "/workers"});
}

TEST(InChinese, what_the_daemon_says_is_said_by_its_words) {
  std::stringstream header;
  header << std::ifstream(BERTH_ROOT "/src/model/task_words.h").rdbuf();
  const auto text = header.str();
  std::size_t constants = 0;
  for (auto at = text.find("view k"); at != std::string::npos; at = text.find("view k", at + 1))
    ++constants;
  EXPECT_EQ(constants, task_words().size() + 2) << "two are of lists, which the API says";
}

TEST(InChinese, a_driver_s_word_in_what_is_said_of_it) {
  EXPECT_EQ(in_chinese("XID 79: it has fallen off the bus; it must be reset (nvidia-smi -r)"),
            "XID 79：GPU 掉卡（从总线上脱落）；需要复位（nvidia-smi -r）");
  EXPECT_EQ(in_chinese("an NVIDIA GPU is on the PCI bus (0000:01:00.0, 0000:02:00.0) but its "
                       "driver is not installed: cannot load libnvidia-ml.so.1: "
                       "libnvidia-ml.so.1: cannot open shared object file: No such file or "
                       "directory; on Debian install the packages nvidia-driver and "
                       "libnvidia-ml1 (component non-free)"),
            "PCI 总线上有 NVIDIA GPU（0000:01:00.0, 0000:02:00.0），但未安装其驱动：无法加载 "
            "libnvidia-ml.so.1：libnvidia-ml.so.1：无法打开共享库文件：文件或目录不存在；Debian "
            "上请安装软件包 nvidia-driver 和 libnvidia-ml1（non-free 组件）");
}

TEST(InChinese, what_is_needed_stands_behind_a_reason) {
  EXPECT_EQ(
      in_chinese("cannot write /d/a: No space left on device; 5 bytes are needed and 3 are free: "
                 "free some space or choose another save_path"),
      "无法写入 /d/a：磁盘空间不足；需要 5 字节，剩余 3 字节：请腾出空间或换一个 save_path");
}

TEST(InChinese, words_of_users_stay) {
  EXPECT_EQ(in_chinese("Task timeout has ended and cannot be held or released"),
            "任务 timeout 已结束，不能搁置或释放");
  EXPECT_EQ(in_chinese("cannot execute temperature: No such file or directory"),
            "无法执行 temperature：文件或目录不存在");
  EXPECT_EQ(in_chinese("cannot read /d: 2/a.png: Permission denied"),
            "无法读取 /d: 2/a.png：权限不足");
}

TEST(InChinese, what_a_program_said_last_stays) {
  EXPECT_EQ(in_chinese("exit status 3: timeout; Permission denied"),
            "退出码 3：timeout; Permission denied");
  EXPECT_EQ(in_chinese("none of the pictures in /d/a could be read; the first: cannot decode "
                       "/d/a/x.png: the file is empty"),
            "/d/a 中的图片均无法读取；第一张：无法解码 /d/a/x.png：文件为空");
}

TEST(InChinese, what_is_not_known_stays_as_it_is) {
  for (const char* text :
       {"", "a word of a later driver", "no reading for  s", "XID 79: it has fallen off the bus",
        "驱动已 2.1 秒无响应", "{}", "timeout", "gpu is lost", "ValueError: a; b"})
    EXPECT_EQ(in_chinese(text), text);
}

}  // namespace
}  // namespace berth::model
