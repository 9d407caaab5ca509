// SPDX-License-Identifier: Apache-2.0
#include "cli/gpus_text.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/text.h"
#include "cli/progress.h"
#include "cli/width.h"

namespace berth::cli {

std::optional<double> free_gb(const base::json::object& device) {
  const auto effective = base::maybe_double(device, "effective_free_memory_gb");
  return effective ? effective : base::maybe_double(device, "free_memory_gb");
}

namespace json = base::json;
using base::maybe_double;
using base::string_or;

namespace {

constexpr std::size_t kProcessesShown = 4;

std::vector<json::object> devices_of(const json::object& report) {
  std::vector<json::object> result;
  const json::value* devices = report.if_contains("devices");
  if (devices == nullptr || !devices->is_array()) return result;
  for (const json::value& device : devices->as_array()) {
    if (device.is_object()) result.push_back(device.as_object());
  }
  return result;
}

std::string number(const std::optional<double>& value, int decimals, std::string_view unit) {
  if (!value) return "n/a";
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", decimals, *value);
  return text + std::string(unit);
}

std::string tasks_text(const json::object& device, bool wide) {
  const json::value* tasks = device.if_contains("current_tasks");
  if (tasks == nullptr || !tasks->is_object()) return "";
  std::int64_t sum = 0;
  std::vector<std::string> parts;
  for (const auto& [kind, short_name] :
       {std::pair{"training", "train"}, {"inference", "infer"}, {"command", "cmd"}}) {
    const std::int64_t count = base::int_or(tasks->as_object(), kind);
    sum += count;
    if (count > 0) parts.push_back(std::to_string(count) + " " + short_name);
  }
  if (sum == 0) return "-";
  return wide ? base::join(parts, ", ") : std::to_string(sum);
}

// The maker's words go, one by one, where room is short: "NVIDIA GeForce RTX 4090" -> "RTX 4090".
std::string short_model(std::string model, int room) {
  for (const std::string_view word : {"NVIDIA ", "GeForce ", "AMD ", "Intel(R) "}) {
    if (display_width(model) > room && model.starts_with(word)) model.erase(0, word.size());
  }
  return model;
}

// The program without its directory: "/usr/bin/python3 train.py" -> "python3 train.py".
std::string short_command(const std::string& command) {
  const auto end = command.find(' ');
  const auto slash = command.rfind('/', end);
  return command.starts_with('/') && slash != std::string::npos ? command.substr(slash + 1)
                                                                : command;
}

struct Row {
  std::string device, model, memory, free, load, temperature, power, tasks;
  double used = 0;  // shares of the total
  double promised = 0;
  bool known = false;
  Tone free_tone = Tone::kPlain;
  Tone heat_tone = Tone::kPlain;
  bool healthy = true;
};

Row row_of(const json::object& device, bool wide) {
  Row row;
  row.device = printable(string_or(device, "device_name"));
  row.model = printable(string_or(device, "name"));
  const auto total = maybe_double(device, "total_memory_gb");
  const auto used = maybe_double(device, "allocated_memory_gb");
  const auto promised = maybe_double(device, "cached_memory_gb");
  const auto free = free_gb(device);
  row.memory = total || used ? number(used, 1, "") + "/" + number(total, 1, " GB") : "n/a";
  if (total && *total > 0 && used) {
    row.known = true;
    row.used = *used / *total;
    row.promised = promised.value_or(*used) / *total;
    if (free && *free / *total < 0.1) row.free_tone = Tone::kBad;
  }
  row.free = number(free, 1, " GB");
  row.load = number(maybe_double(device, "sm_utilization"), 0, "%");
  const auto heat = maybe_double(device, "temperature_c");
  row.temperature = number(heat, 0, "°C");
  if (heat && *heat >= 85) row.heat_tone = Tone::kBad;
  row.power = number(maybe_double(device, "power_w"), 0, "W");
  row.tasks = tasks_text(device, wide);
  row.healthy = string_or(device, "health", "healthy") == "healthy";
  return row;
}

struct Process {
  std::int64_t pid = 0;
  std::optional<double> memory;
  std::string user, command, task;
};

std::vector<Process> processes_of(const json::object& device) {
  std::vector<Process> result;
  const json::value* list = device.if_contains("processes");
  if (list == nullptr || !list->is_array()) return result;
  for (const json::value& item : list->as_array()) {
    if (!item.is_object()) continue;
    const json::object& process = item.as_object();
    result.push_back({base::int_or(process, "pid"), maybe_double(process, "used_memory_gb"),
                      printable(string_or(process, "user")),
                      printable(string_or(process, "command")),
                      printable(string_or(process, "task_id"))});
  }
  std::stable_sort(result.begin(), result.end(), [](const Process& a, const Process& b) {
    return a.memory.value_or(0) > b.memory.value_or(0);
  });
  return result;
}

std::string memory_words(const std::optional<double>& gib) {
  return gib ? base::to_text(base::Bytes::from_gib(*gib)) : "n/a";
}

std::string process_lines(const json::object& device, int indent, const Screen& screen) {
  const std::vector<Process> all = processes_of(device);
  std::string text;
  const std::string margin(static_cast<std::size_t>(indent), ' ');
  for (std::size_t i = 0; i < all.size() && i < kProcessesShown; ++i) {
    const Process& process = all[i];
    const std::string mark = i + 1 == std::min(all.size(), kProcessesShown + 1) ? "└ " : "├ ";
    const std::string left = pad_left(memory_words(process.memory), 9) + "  " +
                             pad_left(std::to_string(process.pid), 7) + "  " +
                             pad_right(fit(process.user, 8), 8) + "  ";
    const std::string task = process.task.empty() ? "" : "  task " + process.task.substr(0, 8);
    std::string command = process.command.empty() ? "?" : short_command(process.command);
    if (screen.width > 0) {
      command = fit(command, std::max(8, screen.width - indent - 2 - display_width(left) -
                                             display_width(task)));
    }
    text += margin + paint(mark + left + command, Tone::kDim, screen) +
            paint(task, Tone::kAccent, screen) + "\n";
  }
  if (all.size() > kProcessesShown) {
    double rest = 0;
    for (std::size_t i = kProcessesShown; i < all.size(); ++i) rest += all[i].memory.value_or(0);
    text += margin +
            paint("└ and " + std::to_string(all.size() - kProcessesShown) + " more, " +
                      memory_words(rest),
                  Tone::kDim, screen) +
            "\n";
  }
  return text;
}

std::string trouble_line(const json::object& device, int indent, const Screen& screen) {
  const std::string health = string_or(device, "health", "healthy");
  const std::string margin(static_cast<std::size_t>(indent), ' ');
  if (health != "healthy") {
    const std::string reason = string_or(device, "health_reason");
    std::string text = printable("✗ " + health + (reason.empty() ? "" : ": " + reason));
    if (screen.width > 0) text = wrap(text, screen.width - indent, margin + "  ");
    return margin + paint(text, Tone::kBad, screen) + "\n";
  }
  if (const auto age = maybe_double(device, "age_s"); age && *age > 10) {
    return margin +
           paint("! these readings are " + number(age, 0, " s") + " old", Tone::kWarn, screen) +
           "\n";
  }
  return "";
}

int widest(const std::vector<Row>& rows, std::string Row::* field, std::string_view title) {
  int width = 0;
  for (const Row& row : rows) width = std::max(width, display_width(row.*field));
  return width == 0 ? 0 : std::max(width, display_width(title));
}

std::string without_gpu(const json::object& report, const Screen& screen) {
  std::string text = "No GPU on this machine: tasks run on the CPU.\n";
  const json::value* hints = report.if_contains("hints");
  if (hints != nullptr && hints->is_array()) {
    for (const json::value& hint : hints->as_array()) {
      if (!hint.is_string()) continue;
      text += paint("hint: ", Tone::kAccent, screen) +
              wrap(printable(std::string(hint.as_string())),
                   screen.width > 0 ? screen.width - 6 : 0, "      ") +
              "\n";
    }
    if (!hints->as_array().empty()) return text;
  }
  return text + paint("hint: ", Tone::kAccent, screen) +
         wrap(
             "if there is one, its driver is not loaded: see whether nvidia-smi works; \"berth "
             "doctor\" tells more",
             screen.width > 0 ? screen.width - 6 : 0, "      ") +
         "\n";
}

}  // namespace

std::string render_gpus(const json::object& report, std::string_view source, const Screen& screen) {
  const std::vector<json::object> devices = devices_of(report);
  if (devices.empty()) return without_gpu(report, screen);
  const int columns = screen.columns();
  std::vector<Row> rows;
  for (const json::object& device : devices) rows.push_back(row_of(device, columns >= 100));

  struct Field {
    std::string title;
    std::string Row::* text;
    int width;
  };
  std::vector<Field> right{{"FREE", &Row::free, 0},
                           {"LOAD", &Row::load, 0},
                           {"TEMP", &Row::temperature, 0},
                           {"POWER", &Row::power, 0},
                           {"TASKS", &Row::tasks, 0}};
  const int name_width = widest(rows, &Row::device, "DEVICE");
  const int memory_width = widest(rows, &Row::memory, "");
  int fixed = name_width + 2 + 2 + 1 + memory_width;
  for (Field& field : right) {
    field.width = widest(rows, field.text, field.title);
    if (field.width > 0) fixed += 2 + field.width;
  }
  // What is left goes to the model's name first, then to the bar.
  constexpr int kBarLeast = 8;
  constexpr int kBarMost = 24;
  int model_width = widest(rows, &Row::model, "MODEL");
  if (fixed + model_width + kBarLeast > columns) {
    const int room = std::max(8, columns - fixed - kBarLeast);
    for (Row& row : rows) row.model = short_model(row.model, room);
    model_width = std::min(widest(rows, &Row::model, "MODEL"), room);
  }
  const int bar_width = std::clamp(columns - fixed - model_width, 4, kBarMost);

  std::string head = pad_right("DEVICE", name_width) + "  " + pad_right("MODEL", model_width) +
                     "  " + pad_right("MEMORY", bar_width + 1 + memory_width);
  for (const Field& field : right) {
    if (field.width > 0) head += "  " + pad_left(field.title, field.width);
  }
  std::string text = paint(head, Tone::kDim, screen) + "\n";
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Row& row = rows[i];
    text +=
        paint(pad_right(row.device, name_width), row.healthy ? Tone::kBold : Tone::kBad, screen) +
        "  " + pad_right(fit(row.model, model_width), model_width) + "  " +
        (row.known ? bar(row.used, row.promised, bar_width, load_tone(row.used), screen)
                   : std::string(static_cast<std::size_t>(bar_width), ' ')) +
        " " + pad_left(row.memory, memory_width);
    for (const Field& field : right) {
      if (field.width == 0) continue;
      const std::string& value = row.*field.text;
      Tone tone = value == "n/a" || value == "-" ? Tone::kDim : Tone::kPlain;
      if (field.text == &Row::free && tone == Tone::kPlain) tone = row.free_tone;
      if (field.text == &Row::temperature && tone == Tone::kPlain) tone = row.heat_tone;
      text += "  " + pad_left(paint(value, tone, screen), field.width);
    }
    text += "\n" + trouble_line(devices[i], name_width + 2, screen) +
            process_lines(devices[i], name_width + 2, screen);
  }
  std::vector<std::string> facts{std::to_string(devices.size()) +
                                 (devices.size() == 1 ? " GPU" : " GPUs")};
  if (const std::string driver = string_or(report, "driver_version"); !driver.empty())
    facts.push_back("driver " + driver);
  if (const std::string cuda = string_or(report, "cuda_version"); !cuda.empty())
    facts.push_back("CUDA " + cuda);
  facts.emplace_back(source);
  text += "\n" + paint(printable(base::join(facts, " · ")), Tone::kDim, screen) + "\n";
  if (const json::value* hints = report.if_contains("hints");
      hints != nullptr && hints->is_array()) {
    for (const json::value& hint : hints->as_array()) {
      if (!hint.is_string()) continue;
      text += paint("hint: ", Tone::kAccent, screen) +
              wrap(printable(std::string(hint.as_string())),
                   screen.width > 0 ? screen.width - 6 : 0, "      ") +
              "\n";
    }
  }
  return text;
}

std::string render_check(const json::object& report, std::string_view lang, const Screen& screen) {
  const bool zh = lang == "zh";
  const std::vector<json::object> devices = devices_of(report);
  const std::string double_line(80, '=');
  const std::string single_line(80, '-');
  std::string text =
      std::string(zh ? "🔍 GPU 显存检查工具\n" : "🔍 GPU memory check\n") + double_line + "\n";
  if (devices.empty()) {
    return text + (zh ? "❌ 未检测到 GPU 设备\n" : "❌ No GPU found\n") +
           (zh ? "   环境变量设置: export SENSEVOICE_DEVICE=cpu\n"
               : "   Environment: export SENSEVOICE_DEVICE=cpu\n");
  }
  const std::string count = std::to_string(devices.size());
  text += zh ? "✅ 检测到 " + count + " 个 GPU 设备\n\n📊 GPU 显存使用情况:\n"
             : "✅ Found " + count + (devices.size() == 1 ? " GPU\n" : " GPUs\n") +
                   "\n📊 GPU memory in use:\n";
  text += single_line + "\n";
  const auto line = [&](std::string_view chinese, std::string_view english,
                        const std::string& value) {
    text += "   " + pad_right(std::string(zh ? chinese : english) + ":", 13) + value + "\n";
  };
  for (const json::object& device : devices) {
    const auto total = maybe_double(device, "total_memory_gb");
    const auto used = maybe_double(device, "allocated_memory_gb");
    const auto share =
        total && used && *total > 0 ? std::optional(100 * *used / *total) : std::nullopt;
    const std::string icon = !share ? "⚪" : *share < 10 ? "🟢" : *share < 50 ? "🟡" : "🔴";
    const Tone tone = !share        ? Tone::kDim
                      : *share < 10 ? Tone::kGood
                      : *share < 50 ? Tone::kWarn
                                    : Tone::kBad;
    text += icon + " " +
            paint("GPU " + std::to_string(base::int_or(device, "id")) + ": " +
                      printable(string_or(device, "name")),
                  Tone::kBold, screen) +
            "\n";
    line("总显存", "Total", number(total, 2, " GB"));
    line("已使用", "Used", number(used, 2, " GB"));
    line("可用", "Free", number(maybe_double(device, "free_memory_gb"), 2, " GB"));
    line("使用率", "In use", paint(number(share, 1, "%"), tone, screen));
    if (const std::string health = string_or(device, "health", "healthy"); health != "healthy") {
      line(
          "状态", "Health",
          paint(printable(health + ": " + string_or(device, "health_reason")), Tone::kBad, screen));
    }
    const json::value* known = device.if_contains("processes");
    const std::vector<Process> all = processes_of(device);
    if (known == nullptr || !known->is_array())
      line("占用进程", "Processes", "n/a");
    else
      line("占用进程", "Processes", std::to_string(all.size()) + (zh ? " 个" : ""));
    for (std::size_t i = 0; i < all.size() && i < 5; ++i) {
      text +=
          "      - PID " + std::to_string(all[i].pid) + ": " + memory_words(all[i].memory) + "\n";
    }
    if (all.size() > 5) {
      const std::string more = std::to_string(all.size() - 5);
      text += zh ? "      ... 还有 " + more + " 个进程\n" : "      ... and " + more + " more\n";
    }
    text += "\n";
  }
  const auto best = choose(report, PickOptions{});
  if (!best) return text + printable(best.error().message) + "\n";
  const json::object& device = best->front();
  const std::string index = std::to_string(base::int_or(device, "id"));
  const std::string free = number(maybe_double(device, "free_memory_gb"), 2, " GB");
  text += zh ? "💡 推荐使用 GPU " + index + " (空闲显存最多: " + free + ")\n   环境变量设置: "
             : "💡 Use GPU " + index + " (most memory free: " + free + ")\n   Environment: ";
  return text +
         paint("export SENSEVOICE_DEVICE=" + string_or(device, "device_name"), Tone::kBold,
               screen) +
         "\n";
}

}  // namespace berth::cli
