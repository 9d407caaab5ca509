// SPDX-License-Identifier: Apache-2.0
#include "cli/gpus_text.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>

#include "base/text.h"
#include "cli/drain_text.h"
#include "cli/enforcement_text.h"
#include "cli/gpu_notes.h"
#include "cli/holders_text.h"
#include "cli/members.h"
#include "cli/progress.h"
#include "cli/when.h"
#include "cli/width.h"
#include "cli/words.h"

namespace berth::cli {

std::optional<double> free_gb(const base::json::object& device) {
  for (const char* name : {"effective_free_memory_bytes", "free_memory_bytes"}) {
    if (const auto bytes = base::maybe_bytes(device, name)) return bytes->gib();
  }
  for (const char* name : {"effective_free_memory_gb", "free_memory_gb"}) {
    if (const auto gib = base::maybe_double(device, name)) return gib;
  }
  return std::nullopt;
}

std::string number(const std::optional<double>& value, int decimals, std::string_view unit) {
  if (!value) return "n/a";
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", decimals, *value);
  return text + std::string(unit);
}

namespace json = base::json;
using base::maybe_double;
using base::string_or;

namespace {

std::vector<json::object> devices_of(const json::object& report, const char* list = "devices") {
  std::vector<json::object> result;
  const json::array* devices = array_in(report, list);
  if (devices == nullptr) return result;
  for (const json::value& device : *devices) {
    if (device.is_object()) result.push_back(device.as_object());
  }
  return result;
}

std::string tasks_text(const json::object& device, bool wide) {
  const json::value* tasks = device.if_contains("current_tasks");
  if (tasks == nullptr || !tasks->is_object()) return "";
  std::int64_t sum = 0;
  std::vector<std::string> parts;
  const auto count_of = [&](const char* kind) {
    const std::int64_t count = base::int_or(tasks->as_object(), kind);
    sum += count;
    return std::to_string(count);
  };
  if (const std::string n = count_of("training"); n != "0") parts.push_back(tr("{} train", {n}));
  if (const std::string n = count_of("inference"); n != "0") parts.push_back(tr("{} infer", {n}));
  if (const std::string n = count_of("command"); n != "0") parts.push_back(tr("{} cmd", {n}));
  if (sum == 0) return "-";
  return wide ? base::join(parts, tr(", ")) : std::to_string(sum);
}

// The maker's words go, one by one, where room is short: "NVIDIA GeForce RTX 4090" -> "RTX 4090".
std::string short_model(std::string model, int room) {
  for (const std::string_view word : {"NVIDIA ", "GeForce ", "AMD ", "Intel(R) "}) {
    if (display_width(model) > room && model.starts_with(word)) model.erase(0, word.size());
  }
  return model;
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
  row.healthy = row.healthy || !string_or(device, "no_tasks").empty();
  if (base::bool_or(device, "partitioned") || !string_or(device, "no_tasks").empty()) {
    row.free = row.tasks = "-";  // nothing starts there
    row.free_tone = Tone::kPlain;
  }
  return row;
}

// MIG instances hang below their GPU, which comes before them; how many there are.
std::size_t draw_instances(const std::vector<json::object>& devices, std::vector<Row>& rows) {
  const auto is_instance = [&](std::size_t i) {
    return i < devices.size() && object_in(devices[i], "mig") != nullptr;
  };
  std::size_t count = 0;
  for (std::size_t i = 0; i < devices.size(); ++i) {
    if (!is_instance(i)) continue;
    ++count;
    const std::string profile = string_or(*object_in(devices[i], "mig"), "profile");
    if (!profile.empty()) rows[i].model = printable(profile);
    rows[i].model.insert(0, is_instance(i + 1) ? "├ " : "└ ");
  }
  return count;
}

std::string trouble_line(const json::object& device, int indent, const Screen& screen) {
  const std::string health = string_or(device, "health", "healthy");
  const std::string margin(static_cast<std::size_t>(indent), ' ');
  if (const std::string why = string_or(device, "no_tasks"); !why.empty())
    return margin + paint(printable(tr("takes no tasks: {}", {tr(why)})), Tone::kDim, screen) +
           "\n";
  if (health != "healthy") {
    const std::string reason = string_or(device, "health_reason");
    std::string text =
        printable("✗ " + (reason.empty() ? tr(health) : tr("{}: {}", {tr(health), reason})));
    const auto now = base::now();
    if (const auto since = parse_iso8601(string_or(device, "unhealthy_since")))
      text += tr(", for {}", {words(now - *since)});
    if (const auto probe = parse_iso8601(string_or(device, "next_probe")))
      text += tr(", tried again in {}", {words(*probe - now)});
    if (screen.width > 0) text = wrap(text, screen.width - indent, margin + "  ");
    return margin + paint(text, Tone::kBad, screen) + "\n";
  }
  if (const auto age = maybe_double(device, "age_s"); age && *age > 10) {
    const base::Duration old(static_cast<std::int64_t>(*age * 1000));
    return margin + paint(tr("! these readings are {} old", {words(old)}), Tone::kWarn, screen) +
           "\n";
  }
  return "";
}

std::string note_lines(const json::object& device, int indent, const Screen& screen) {
  const std::string margin(static_cast<std::size_t>(indent), ' ');
  const int room = screen.width > 0 ? screen.width - indent : 0;
  std::string text;
  for (const std::string& note : gpu_notes(device)) {
    text += margin + paint(wrap(printable("! " + note), room, margin + "  "), Tone::kWarn, screen) +
            "\n";
  }
  return text;
}

std::string drain_line(const json::object& device, const json::object& drains, int indent,
                       const Screen& screen) {
  const std::string drain = device_drain(drains, string_or(device, "device_name"));
  if (drain.empty()) return "";
  const std::string margin(static_cast<std::size_t>(indent), ' ');
  const int room = screen.width > 0 ? screen.width - indent : 0;
  return margin + paint(wrap(printable("! " + drain), room, margin + "  "), Tone::kWarn, screen) +
         "\n";
}

int widest(const std::vector<Row>& rows, std::string Row::* field, std::string_view title) {
  int width = 0;
  for (const Row& row : rows) width = std::max(width, display_width(row.*field));
  return width == 0 ? 0 : std::max(width, display_width(title));
}

std::string hint_line(const std::string& hint, const Screen& screen) {
  const std::string label = tr("hint: ");
  const int width = display_width(label);
  return paint(label, Tone::kAccent, screen) +
         wrap(printable(hint), screen.width > 0 ? screen.width - width : 0,
              std::string(static_cast<std::size_t>(width), ' ')) +
         "\n";
}

std::string hint_lines(const json::object& report, const Screen& screen) {
  std::string text;
  const json::array* hints = array_in(report, "hints");
  for (std::size_t i = 0; hints != nullptr && i < hints->size(); ++i) {
    if ((*hints)[i].is_string()) text += hint_line(std::string((*hints)[i].as_string()), screen);
  }
  return text;
}

std::string without_gpu(const json::object& report, const Screen& screen) {
  const std::string hints = hint_lines(report, screen);
  return tr("No GPU on this machine: tasks run on the CPU.") + "\n" +
         (hints.empty() ? hint_line(tr("if there is one, its driver is not loaded: see whether "
                                       "nvidia-smi works; \"berth doctor\" tells more"),
                                    screen)
                        : hints);
}

}  // namespace

std::string render_gpus(const json::object& report, std::string_view source, const Screen& screen,
                        std::size_t processes) {
  std::vector<json::object> devices = devices_of(report);
  const std::size_t usable = devices.size();
  for (auto& other : devices_of(report, "other_devices")) devices.push_back(std::move(other));
  const json::object* drain = object_in(report, "drain");
  const json::object drains = drain != nullptr ? *drain : json::object{};
  if (devices.empty()) return without_gpu(report, screen) + render_drains(drains, {}, screen);
  const int columns = screen.columns();
  std::vector<Row> rows;
  std::set<std::string> names;
  for (const json::object& device : devices) {
    rows.push_back(row_of(device, columns >= 100));
    names.insert(string_or(device, "device_name"));
  }
  const std::size_t instances = draw_instances(devices, rows);

  struct Field {
    std::string title;
    std::string Row::* text;
    int width;
  };
  std::vector<Field> right{{tr("FREE"), &Row::free, 0},
                           {tr("LOAD"), &Row::load, 0},
                           {tr("TEMP"), &Row::temperature, 0},
                           {tr("POWER"), &Row::power, 0},
                           {tr("TASKS"), &Row::tasks, 0}};
  const int name_width = widest(rows, &Row::device, tr("DEVICE"));
  const int memory_width = widest(rows, &Row::memory, "");
  int fixed = name_width + 2 + 2 + 1 + memory_width;
  for (Field& field : right) {
    field.width = widest(rows, field.text, field.title);
    if (field.width > 0) fixed += 2 + field.width;
  }
  // What is left goes to the model's name first, then to the bar.
  constexpr int kBarLeast = 8;
  constexpr int kBarMost = 24;
  int model_width = widest(rows, &Row::model, tr("MODEL"));
  if (fixed + model_width + kBarLeast > columns) {
    const int room = std::max(8, columns - fixed - kBarLeast);
    for (Row& row : rows) row.model = short_model(row.model, room);
    model_width = std::min(widest(rows, &Row::model, tr("MODEL")), room);
  }
  const int bar_width = std::clamp(columns - fixed - model_width, 4, kBarMost);

  std::string head = pad_right(tr("DEVICE"), name_width) + "  " +
                     pad_right(tr("MODEL"), model_width) + "  " +
                     pad_right(tr("MEMORY"), bar_width + 1 + memory_width);
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
            note_lines(devices[i], name_width + 2, screen) +
            drain_line(devices[i], drains, name_width + 2, screen) +
            holder_lines(devices[i], array_in(report, "leases"), base::now(), name_width + 2,
                         screen, processes);
  }
  const std::size_t gpus = usable - instances;
  std::vector<std::string> facts{gpus == 0   ? tr("no GPU that takes tasks: they run on the CPU")
                                 : gpus == 1 ? tr("1 GPU")
                                             : tr("{} GPUs", {std::to_string(gpus)})};
  if (instances > 0)
    facts.push_back(instances == 1 ? tr("1 MIG instance")
                                   : tr("{} MIG instances", {std::to_string(instances)}));
  if (const std::string driver = string_or(report, "driver_version"); !driver.empty())
    facts.push_back(tr("driver {}", {driver}));
  if (const std::string cuda = string_or(report, "cuda_version"); !cuda.empty())
    facts.push_back("CUDA " + cuda);
  facts.emplace_back(source);
  text += "\n" + paint(printable(base::join(facts, " · ")), Tone::kDim, screen) + "\n";
  return text + render_enforcement(report, screen) + render_drains(drains, names, screen) +
         hint_lines(report, screen);
}

}  // namespace berth::cli
