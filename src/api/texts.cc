// SPDX-License-Identifier: Apache-2.0
#include "api/texts.h"

#include <array>

#include "api/chinese.h"
#include "base/shortage.h"
#include "base/text.h"
#include "core/words.h"
#include "model/task_type.h"

namespace berth::api {

namespace {

using model::TaskState;

struct Pair {
  std::string_view chinese;
  std::string_view english;
  [[nodiscard]] std::string_view in(Language language) const {
    return language == Language::kChinese ? chinese : english;
  }
  [[nodiscard]] std::string filled(Language language, const std::string& value) const {
    return base::fill(in(language), {value});
  }
};

// In the order of Phrase; "{}" is the argument. The Chinese ones are the originals' texts.
constexpr std::array<Pair, 23> kPhrases{{
    {"任务 {} 不存在", "There is no task {}"},
    {"任务 {} 不存在或无法取消", "Task {} has ended: there is nothing to cancel"},
    {"任务 {} 不存在或无法删除", "Task {} does not exist or cannot be removed: cancel it first"},
    {"训练任务已停止", "The training is being stopped"},
    {"任务已取消", "The task is cancelled"},
    {"任务记录已删除", "The task's record is removed"},
    {"资源配置已更新", "The limits are changed"},
    {"任务结束", "The task has ended"},
    {"已启动 {} 个推理任务", "{} inference tasks started"},
    {"训练任务已启动", "The training has been started"},
    {"不支持的模型: {}", "The model is not supported: {}"},
    {"训练集路径不存在: {}", "The training set's path does not exist: {}"},
    {"验证集路径不存在: {}", "The validation set's path does not exist: {}"},
    {"配置文件不存在: {}", "The configuration file does not exist: {}"},
    {"模型权重不存在: {}", "The weights do not exist: {}"},
    {"模型权重是目录: {}，请指定其中的文件，例如 best_model.safetensors",
     "The weights are a folder: {}; name the file in it, such as best_model.safetensors"},
    {"数据路径不存在: {}", "The source path does not exist: {}"},
    {"任务 {} 正在取消，尚未结束", "Task {} is being cancelled and has not ended yet: try again"},
    {"任务 {} 尚无指标：第一个轮次还没有结束",
     "Task {} has no metrics yet: its first epoch has not ended"},
    {"输入路径不存在: {}", "The input path does not exist: {}"},
    {"数据集路径不存在: {}", "The data set's path does not exist: {}"},
    {"预处理任务已取消", "The preprocessing task is cancelled"},
    {"任务状态为 {}，无法取消", "The task is {}: there is nothing to cancel"},
}};

// What the originals call the work: a training, an inference; ours too: a command.
std::string_view work(std::string_view type, Language language) {
  if (type == "training") return Pair{"训练", "Training"}.in(language);
  if (type == "inference") return Pair{"推理", "Inference"}.in(language);
  if (type == model::kBenchmark) return Pair{"基准测试", "Benchmark"}.in(language);
  if (type == model::kDatasetSplit) return Pair{"数据集分割", "Data set split"}.in(language);
  if (type == model::kDataAugmentation) return Pair{"数据增强", "Data augmentation"}.in(language);
  if (type == model::kImageCrop) return Pair{"裁剪", "Crop"}.in(language);
  if (type == model::kSpectrogram) return Pair{"频谱图绘制", "Spectrogram"}.in(language);
  if (type == model::kWaterfall) return Pair{"瀑布图绘制", "Waterfall"}.in(language);
  if (type == model::kIqDataset) return Pair{"IQ数据集生成", "IQ data set"}.in(language);
  if (type == model::kSnr) return Pair{"信噪比测量", "SNR measurement"}.in(language);
  if (type == model::kAwgn) return Pair{"加噪", "Addition of noise"}.in(language);
  return Pair{"任务", "Task"}.in(language);
}

// Its shorter name, which the originals use for a work that failed.
std::string_view failed_work(std::string_view type, Language language) {
  if (language == Language::kEnglish) return work(type, language);
  if (type == model::kDatasetSplit) return "分割";
  if (type == model::kDataAugmentation) return "增强";
  return work(type, language);
}

// A preprocessing task at work: its files counted, once it has said how many there are.
std::string preprocessing_message(const model::TaskRecord& record, Language language) {
  if (record.items_total) {
    const auto counts =
        std::to_string(record.items_done.value_or(0)) + "/" + std::to_string(*record.items_total);
    return Pair{"处理中 ({})", "Working ({})"}.filled(language, counts);
  }
  if (record.type == model::kDatasetSplit)
    return std::string(Pair{"正在分割数据集...", "Splitting the data set..."}.in(language));
  if (record.type == model::kDataAugmentation)
    return std::string(Pair{"正在进行数据增强...", "Augmenting the data set..."}.in(language));
  if (model::is_signal(record.type))
    return std::string(Pair{"正在处理信号...", "Working on the recordings..."}.in(language));
  return std::string(Pair{"正在裁剪图像...", "Cropping the images..."}.in(language));
}

std::string fallback_note(std::string_view fallback, Language language) {
  if (fallback == "no_gpu") {
    return std::string(
        Pair{"（未检测到GPU，使用CPU）", " (no GPU on this machine: running on the CPU)"}.in(
            language));
  }
  if (fallback == "gpus_busy") {
    return std::string(
        Pair{"（GPU资源不足，使用CPU）", " (no GPU was free in time: running on the CPU)"}.in(
            language));
  }
  if (fallback == "worker_without_gpu") {
    return std::string(
        Pair{"（内置程序未启用GPU支持，使用CPU）",
             " (the built-in workers are built without GPU support: running on the CPU)"}
            .in(language));
  }
  return {};
}

}  // namespace

Language language_of(const http::Request& request, std::string_view task_type) {
  if (request.language == "en") return Language::kEnglish;
  if (request.language == "zh") return Language::kChinese;
  return task_type == "command" ? Language::kEnglish : Language::kChinese;
}

Language own_language(const http::Request& request) {
  return request.language == "zh" ? Language::kChinese : Language::kEnglish;
}

std::string_view say(std::string_view words, Language language) {
  return language == Language::kChinese ? chinese(words) : words;
}

std::string say(const base::Phrase& words, Language language) {
  // Only there: what a user wrote, as the reason of a drain, is not to be taken for a back end's.
  if (words.pattern == core::words::kStateAndReason && words.values.size() == 2 &&
      language == Language::kChinese) {
    return base::fill(say(words.pattern, language),
                      {std::string(state_of_device(words.values[0])), in_chinese(words.values[1])});
  }
  std::vector<std::string> values;
  for (const auto& value : words.values) values.emplace_back(say(value, language));
  return base::fill(say(words.pattern, language), values);
}

std::string say_reason(std::string_view words, Language language) {
  if (language == Language::kEnglish) return std::string(words);
  const auto state = state_of_device(words);
  return state != words ? std::string(state) : in_chinese(words);
}

namespace {

// Chinese beside Chinese stands without a blank, an amount or a name with one.
std::string behind_chinese(std::string text) {
  const bool plain = !text.empty() && static_cast<unsigned char>(text.front()) < 0x80;
  return plain ? " " + text : text;
}

std::string in_chinese(const base::Shortage& shortage) {
  constexpr auto kLanguage = Language::kChinese;
  std::vector<std::string> said;
  for (const auto& device : shortage.devices) {
    const auto available = say(device.available, kLanguage);
    said.push_back(
        base::fill(say(device.amount ? base::kNeedsAndHas : base::kNeedsAndThere, kLanguage),
                   {device.name, behind_chinese(say(device.needed, kLanguage)),
                    device.amount ? behind_chinese(available) : available}));
  }
  if (shortage.more > 0)
    said.push_back(base::fill(say(base::kAndMore, kLanguage), {std::to_string(shortage.more)}));
  return base::fill(say(shortage.what, kLanguage), {base::join(said, "；")});
}

}  // namespace

void say_detail(const http::Request& request, http::Response& response) {
  if (request.language != "zh") return;
  if (response.shortage != nullptr) {
    response.body = base::to_text(base::json::object{{"detail", in_chinese(*response.shortage)}});
    return;
  }
  auto body = base::parse_json(response.body);
  if (!body || !body->is_object()) return;
  auto* detail = body->as_object().if_contains("detail");
  if (detail == nullptr) return;
  if (detail->is_string()) *detail = in_chinese(std::string_view(detail->get_string()));
  if (detail->is_array()) {
    for (auto& fault : detail->get_array()) {
      if (!fault.is_object()) continue;
      auto* text = fault.get_object().if_contains("msg");
      if (text != nullptr && text->is_string())
        *text = in_chinese(std::string_view(text->get_string()));
    }
  }
  response.body = base::to_text(*body);
}

std::string status_message(const model::TaskRecord& record, Language language) {
  const std::string what(work(record.type, language));
  const bool chinese = language == Language::kChinese;
  switch (record.state) {
    case TaskState::kPending:
      return chinese ? "等待开始" : "Waiting to start";
    case TaskState::kQueued:
      if (record.held) return chinese ? "已搁置" : "On hold";
      if (record.not_before) {
        const auto at = base::iso8601(*record.not_before);
        return chinese ? "将于 " + at + " 重试" : "Tried again at " + at;
      }
      return chinese ? "等待资源..." : "Waiting for a device...";
    case TaskState::kRunning:
      if (record.cancelling) return chinese ? "正在取消..." : "Cancelling...";
      if (model::is_preprocessing(record.type)) return preprocessing_message(record, language);
      return what + (chinese ? "中..." : " is running") + fallback_note(record.fallback, language);
    case TaskState::kCompleted:
      return what + (chinese ? "完成" : " completed") + fallback_note(record.fallback, language);
    case TaskState::kCancelled:
      if (record.failure)
        return (chinese ? "任务已取消: " : "Cancelled: ") +
               say_reason(record.failure->message, language);
      if (chinese)
        return record.type == "training" && record.attempt > 0 ? "训练已被用户取消" : "任务已取消";
      return "Cancelled by the user";
    case TaskState::kFailed:
      break;
  }
  const std::string cause =
      record.failure ? say_reason(record.failure->message, language) : std::string();
  return std::string(failed_work(record.type, language)) + (chinese ? "失败: " : " failed: ") +
         cause;
}

std::string render_record(std::string_view text, Language language) {
  auto parsed = base::parse_json(text);
  if (!parsed || !parsed->is_object()) return std::string(text);
  base::json::object& record = parsed->as_object();
  const std::string code = base::string_or(record, "code");
  std::vector<std::string> args;
  if (const auto* list = record.if_contains("args"); list != nullptr && list->is_array()) {
    for (const auto& item : list->as_array()) {
      if (item.is_string()) args.emplace_back(item.as_string());
    }
  }
  args.resize(5);
  const std::string what(work(args[0], language));
  const bool chinese = language == Language::kChinese;
  std::string message;
  if (code == "waiting") {
    message = chinese ? "等待" + args[0] + "资源..." : "Waiting for " + args[0] + "...";
  } else if (code == "allocated") {
    message = chinese ? "资源已分配，使用设备: " + args[0] : "Device assigned: " + args[0];
  } else if (code == "no_gpu" || code == "worker_without_gpu") {
    message = code == "no_gpu" ? (chinese ? "未检测到GPU，使用CPU"
                                          : "No GPU on this machine: running on the CPU")
              : chinese        ? "内置程序未启用GPU支持，使用CPU"
                        : "The built-in workers are built without GPU support: running on the CPU";
  } else if (code == "started") {
    message = chinese ? "开始" + what + "..." : what + " starts...";
  } else if (code == "memory_taken") {
    message = chinese ? "启动前 " + args[0] + " 的显存已被占用（需要 " + args[1] + "，可用 " +
                            args[2] + "），重新等待资源"
                      : "The memory of " + args[0] + " was taken just before the start (" +
                            args[1] + " needed, " + args[2] + " free): waiting for a device again";
  } else if (code == "memory_over") {
    message = chinese ? "在 " + args[0] + " 上占用显存 " + args[1] + "，超出预留的 " + args[2]
                      : "Holds " + args[1] + " on " + args[0] + ", where " + args[2] +
                            " are reserved for it";
  } else if (code == "memory_limit") {
    message = chinese
                  ? "因超出显存预留而停止：" + args[0] + " 上占用 " + args[1] + "，预留 " + args[2]
                  : "Stopped for its memory: used " + args[1] + " of " + args[2] + " reserved on " +
                        args[0];
  } else if (code == "device_not_ready") {
    message = chinese ? "启动前 " + args[0] + " 状态异常（" + say_reason(args[1], language) +
                            "），重新等待资源"
                      : args[0] + " was not ready just before the start (" + args[1] +
                            "): waiting for a device again";
  } else if (code == "completed") {
    message = chinese ? what + "完成！" : what + " completed!";
  } else if (code == "failed") {
    message = std::string(failed_work(args[0], language)) + (chinese ? "失败: " : " failed: ") +
              say_reason(args[1], language);
  } else if (code == "gpus_busy") {
    message = chinese ? "GPU资源不足，使用CPU" : "No GPU was free in time: running on the CPU";
  } else if (code == "device_lost") {
    message = chinese ? "设备 " + args[0] + " 已失效，结束任务进程"
                      : "The device " + args[0] + " was lost: the task's processes are killed";
  } else if (code == "tried_again") {
    message = chinese ? "第 " + args[0] + " 次重试，共 " + args[1] + " 次"
                      : "Queued again, retry " + args[0] + " of " + args[1];
    if (!args[2].empty()) message += chinese ? "，最早于 " + args[2] : ", not before " + args[2];
    if (!args[3].empty())
      message += chinese ? "，显存需求提高到 " + args[3] : ", now with " + args[3] + " of memory";
    if (!args[4].empty()) {
      message += chinese ? "；旧进程无法结束，其设备已被隔离"
                         : "; the old process cannot be killed: its device is closed";
    }
  } else if (code == "cancel_requested") {
    message = chinese ? "任务已被用户取消" : "The user cancelled the task";
  } else if (code == "cancelled") {
    message = chinese ? "任务已取消" : "The task is cancelled";
  } else {
    message = code;
  }
  base::json::object result{{"timestamp", base::string_or(record, "timestamp")},
                            {"level", base::string_or(record, "level", "INFO")},
                            {"message", message}};
  if (code == "completed") result["stage"] = "completed";
  return base::to_text(result);
}

std::string phrase(Phrase which, Language language, std::string_view argument) {
  return base::fill(kPhrases.at(static_cast<std::size_t>(which)).in(language),
                    {std::string(argument)});
}

}  // namespace berth::api
