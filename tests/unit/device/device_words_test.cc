// SPDX-License-Identifier: Apache-2.0
// Nothing that a back end says of a device is missing in model/device_words.h: the sources are
// searched for sentences, and the drivers' own words are asked for.
#include "model/device_words.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "device/fixture.h"
#include "device/nvml/loader.h"
#include "model/in_chinese.h"

namespace berth::device {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& file) {
  std::stringstream whole;
  whole << std::ifstream(file).rdbuf();
  return whole.str();
}

/// The string literals of `code`, neighbours joined, without those of comments and #include.
std::set<std::string> literals(const std::string& code) {
  std::set<std::string> found;
  std::string text;
  bool open = false;  // `text` may go on in the next literal
  const auto end = [&] {
    if (open) found.insert(text);
    open = false;
    text.clear();
  };
  for (std::size_t at = 0; at < code.size(); ++at) {
    const std::string_view rest = std::string_view(code).substr(at);
    if (rest.starts_with("//") || rest.starts_with("#include")) {
      at = std::min(code.find('\n', at), code.size());
    } else if (rest.starts_with('\'')) {
      at += rest[1] == '\\' ? 3 : rest[2] == '\'' ? 2 : 0;  // else a mark between digits
      end();
    } else if (rest.starts_with('"')) {
      for (++at; code.at(at) != '"'; ++at) {
        if (code.at(at) == '\\') ++at;
        text += code.at(at);
      }
      open = true;
    } else if (std::isspace(static_cast<unsigned char>(code[at])) == 0) {
      end();
    }
  }
  end();
  return found;
}

bool is_known(std::string_view text) {
  for (const auto& row : model::device_words()) {
    if (row.english == text) return true;
  }
  return false;
}

bool is_sentence(const std::string& text) {
  const auto blank = text.find(' ');
  return blank != std::string::npos && std::any_of(text.begin(), text.end(), [](unsigned char c) {
           return std::islower(c) != 0;
         });
}

/// Names, formats, keys of files of the kernel; what is said of the sampler itself, to the log.
const std::set<std::string> kOthers{"%04x  ",
                                    "t%04x  ",
                                    " is ",
                                    " is no argument of the sampler",
                                    " needs a value",
                                    " processor",
                                    ", not 1 to 3600000 milliseconds",
                                    "Ascend ",
                                    "Ascend NPU",
                                    "Block devices",
                                    "Device Minor:",
                                    "Intel ",
                                    "cannot make the sampler's pipe",
                                    "cannot make the sampler's socket",
                                    "cannot start the sampler ",
                                    "core id",
                                    "cpu MHz",
                                    "cpu model",
                                    "inactive_file ",
                                    "model name",
                                    "physical id",
                                    "total_inactive_file "};

TEST(DeviceWordsOfTheSources, the_back_ends_have_no_sentences_of_their_own) {
  std::set<std::string> others;
  for (const auto& file : fs::recursive_directory_iterator(BERTH_SOURCES "/device")) {
    if (file.path().extension() != ".cc" && file.path().extension() != ".h") continue;
    for (const auto& text : literals(text_of(file.path()))) {
      if (is_sentence(text) && !is_known(text)) others.insert(text);
    }
  }
  EXPECT_EQ(others, kOthers) << "what is for people belongs into model/device_words.h";
}

TEST(DeviceWordsOfTheSources, every_text_of_the_header_is_in_the_table) {
  const auto texts = literals(text_of(BERTH_SOURCES "/model/device_words.h"));
  EXPECT_GT(texts.size(), 50U) << "the source was found";
  for (const auto& text : texts) EXPECT_TRUE(is_known(text)) << text;
}

TEST(DeviceWordsOfTheSources, nobody_else_gives_reasons_in_words_of_their_own) {
  for (const auto& file : fs::recursive_directory_iterator(BERTH_SOURCES)) {
    const auto path = file.path().string();
    if (file.path().extension() != ".cc" || path.find("/sim/") != std::string::npos) continue;
    const std::string code = text_of(file.path());
    for (const char* start : {"health_reason = \"", "no_tasks = \"", "hints.push_back(\""})
      EXPECT_EQ(code.find(start), std::string::npos) << path << ": " << start;
  }
}

TEST(DeviceWordsOfTheDrivers, each_error_of_nvidias_library_is_known) {
  const auto library =
      nvml::Library::open(std::string(BERTH_FAKES_DIR) + "/libnvidia-ml.so.1").value();
  for (const int code :
       {1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 25, 999}) {
    const std::string text = library->words(code);
    EXPECT_TRUE(is_known(text)) << code << ": " << text;
  }
}

class DeviceWordsOfMachines : public FakeMachine {};

TEST_F(DeviceWordsOfMachines, each_xid_after_which_a_reset_is_needed_is_said_in_chinese) {
  ctl("init --gpus 1");
  int fatal = 0;
  for (int number = 1; number <= 160; ++number) {
    Machine machine(options());
    const auto inventory = machine.enumerate();
    ctl("xid 0 " + std::to_string(number));
    const auto sample = machine.sample(inventory.devices[0], Scope{});
    if (sample.health == model::Health::kHealthy) continue;
    ++fatal;
    const std::string chinese = model::in_chinese(sample.health_reason);
    EXPECT_TRUE(chinese.starts_with("XID " + std::to_string(number) + "：")) << chinese;
    EXPECT_TRUE(chinese.ends_with("；需要复位（nvidia-smi -r）")) << chinese;
    const auto meaning = chinese.substr(chinese.find("：") + 3);
    EXPECT_EQ(meaning.find(" the "), std::string::npos) << chinese;
    EXPECT_EQ(meaning.find(" its "), std::string::npos) << chinese;
    EXPECT_EQ(meaning.find(" be "), std::string::npos) << chinese;
  }
  EXPECT_GE(fatal, 11);
}

TEST_F(DeviceWordsOfMachines, a_missing_library_is_explained_in_chinese) {
  Folder root;
  root.write("sys/bus/pci/devices/0000:01:00.0/vendor", "0x10de\n");
  root.write("sys/bus/pci/devices/0000:01:00.0/class", "0x030000\n");
  Options missing;
  missing.nvml_library = root.path() + "/libnvidia-ml.so.1";
  missing.sysfs_root = root.path();
  const auto inventory = read_inventory(missing);
  ASSERT_EQ(inventory.hints.size(), 1U);
  const std::string hint = model::in_chinese(inventory.hints[0]);
  EXPECT_TRUE(hint.starts_with("PCI 总线上有 NVIDIA GPU（0000:01:00.0），但未安装其驱动：无法加载"))
      << hint;
  EXPECT_NE(hint.find("：无法打开共享库文件：文件或目录不存在；"), std::string::npos) << hint;
}

}  // namespace
}  // namespace berth::device
