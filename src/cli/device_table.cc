// SPDX-License-Identifier: Apache-2.0
#include "cli/device_table.h"

#include <algorithm>
#include <cstdint>

#include "base/text.h"
#include "cli/drain_text.h"
#include "cli/gpu_notes.h"
#include "cli/gpus_text.h"
#include "cli/holders_text.h"
#include "cli/members.h"
#include "cli/progress.h"
#include "cli/when.h"
#include "cli/width.h"
#include "cli/words.h"

namespace berth::cli {

namespace json = base::json;
using base::maybe_double;
using base::string_or;

namespace {

int leases_on(const json::object& device, const json::array* leases) {
  int count = 0;
  for (std::size_t i = 0; leases != nullptr && i < leases->size(); ++i) {
    const json::object* lease = (*leases)[i].if_object();
    const json::array* shares = lease != nullptr ? array_in(*lease, "devices") : nullptr;
    if (shares == nullptr) continue;
    count += std::any_of(shares->begin(), shares->end(), [&](const json::value& share) {
      return share.is_object() &&
             string_or(share.as_object(), "device") == string_or(device, "device_name");
    });
  }
  return count;
}

// How much is said of what runs on a device: only how many, leases apart, each kind.
enum class Detail : std::uint8_t { kCount, kLeases, kKinds };
Detail detail_for(int columns) {
  if (columns >= 100) return Detail::kKinds;
  return columns >= 60 ? Detail::kLeases : Detail::kCount;
}

// The daemon counts a lease among the commands, since it holds a device as they do.
std::string tasks_text(const json::object& device, int leases, Detail detail) {
  const json::object* tasks = object_in(device, "current_tasks");
  if (tasks == nullptr) return "";
  const std::int64_t training = base::int_or(*tasks, "training");
  const std::int64_t inference = base::int_or(*tasks, "inference");
  if (detail == Detail::kCount) leases = 0;  // no room to tell them apart
  const std::int64_t command = std::max<std::int64_t>(0, base::int_or(*tasks, "command") - leases);
  std::vector<std::string> parts;
  if (detail != Detail::kKinds) {
    const std::int64_t sum = training + inference + command;
    if (sum > 0) parts.push_back(std::to_string(sum));
  } else {
    if (training > 0) parts.push_back(tr("{} train", {std::to_string(training)}));
    if (inference > 0) parts.push_back(tr("{} infer", {std::to_string(inference)}));
    if (command > 0) parts.push_back(tr("{} cmd", {std::to_string(command)}));
  }
  if (leases > 0)
    parts.push_back(leases == 1 ? tr("1 lease") : tr("{} leases", {std::to_string(leases)}));
  return parts.empty() ? "-" : base::join(parts, tr(", "));
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

Row row_of(const json::object& device, int leases, Detail detail) {
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
  row.tasks = tasks_text(device, leases, detail);
  row.healthy = string_or(device, "health", "healthy") == "healthy";
  row.healthy = row.healthy || !string_or(device, "no_tasks").empty();
  if (base::bool_or(device, "partitioned") || !string_or(device, "no_tasks").empty()) {
    row.free = row.tasks = "-";  // nothing starts there
    row.free_tone = Tone::kPlain;
  }
  return row;
}

// MIG instances hang below their GPU, which comes before them.
void draw_instances(const std::vector<json::object>& devices, std::vector<Row>& rows) {
  for (std::size_t i = 0; i < devices.size(); ++i) {
    if (!is_mig_instance(devices[i])) continue;
    const std::string profile = string_or(*object_in(devices[i], "mig"), "profile");
    if (!profile.empty()) rows[i].model = printable(profile);
    const bool more = i + 1 < devices.size() && is_mig_instance(devices[i + 1]);
    rows[i].model.insert(0, more ? "├ " : "└ ");
  }
}

// Below a device. Each line is painted by itself, since `berth top` may show only some of them.
std::string below(const std::string& text, Tone tone, int indent, const Screen& screen) {
  const std::string margin(static_cast<std::size_t>(indent), ' ');
  const std::string whole = printable(text);
  const bool fits = screen.width <= 0 || display_width(whole) <= screen.width - indent;
  const int room = fits ? 0 : std::max(1, screen.width - indent - 2);
  std::string lines;
  for (const std::string& line : base::split(wrap(whole, room, "  "), '\n'))
    lines += margin + paint(line, tone, screen) + "\n";
  return lines;
}

std::string trouble_line(const json::object& device, int indent, const Screen& screen) {
  const std::string health = string_or(device, "health", "healthy");
  if (const std::string why = string_or(device, "no_tasks"); !why.empty())
    return below(tr("takes no tasks: {}", {tr_reason(why)}), Tone::kDim, indent, screen);
  if (health != "healthy") {
    const std::string reason = string_or(device, "health_reason");
    std::string text =
        "✗ " + (reason.empty() ? tr(health) : tr("{}: {}", {tr(health), tr_reason(reason)}));
    const auto now = base::now();
    if (const auto since = parse_iso8601(string_or(device, "unhealthy_since")))
      text += tr(", for {}", {words(now - *since)});
    if (const auto probe = parse_iso8601(string_or(device, "next_probe")))
      text += tr(", tried again in {}", {words(*probe - now)});
    return below(text, Tone::kBad, indent, screen);
  }
  if (const auto age = maybe_double(device, "age_s"); age && *age > 10) {
    const base::Duration old(static_cast<std::int64_t>(*age * 1000));
    return below(tr("! these readings are {} old", {words(old)}), Tone::kWarn, indent, screen);
  }
  return "";
}

std::string note_lines(const json::object& device, const json::object& drains, int indent,
                       const Screen& screen) {
  std::string text;
  for (const std::string& note : gpu_notes(device))
    text += below("! " + note, Tone::kWarn, indent, screen);
  const std::string drain = device_drain(drains, string_or(device, "device_name"));
  return drain.empty() ? text : text + below("! " + drain, Tone::kWarn, indent, screen);
}

int widest(const std::vector<Row>& rows, std::string Row::* field, std::string_view title) {
  int width = 0;
  for (const Row& row : rows) width = std::max(width, display_width(row.*field));
  return width == 0 ? 0 : std::max(width, display_width(title));
}

// The columns and how wide they are; 0: left out.
struct Layout {
  struct Field {
    std::string title;
    std::string Row::* text;
    int width = 0;
  };
  int name = 0, model = 0, bar = 0, figures = 0;
  std::vector<Field> right;

  [[nodiscard]] int memory() const { return bar + (bar > 0 && figures > 0 ? 1 : 0) + figures; }
  [[nodiscard]] int total() const {
    int sum = name + 2 + memory() + (model > 0 ? 2 + model : 0);
    for (const Field& field : right) sum += field.width > 0 ? 2 + field.width : 0;
    return sum;
  }
  void leave_out(std::string Row::* text) {
    for (Field& field : right) field.width = field.text == text ? 0 : field.width;
  }
};

constexpr int kModelLeast = 8;
constexpr int kBarLeast = 4;
constexpr int kBarGood = 8;  // not for more than that is the model's name cut
constexpr int kBarMost = 24;

// On a screen that is too narrow for all what matters least goes first. At the end there are name
// and memory, the figures rather than the bar: they are exact.
void leave_out_columns(Layout& to, int columns) {
  const auto narrow = [&] { return to.total() > columns; };
  for (std::string Row::* text : {&Row::power, &Row::temperature}) {
    if (narrow()) to.leave_out(text);
  }
  if (narrow()) to.model = 0;
  for (std::string Row::* text : {&Row::free, &Row::tasks}) {
    if (narrow()) to.leave_out(text);
  }
  if (narrow()) to.bar = 0;
  if (narrow()) to.leave_out(&Row::load);
  if (!narrow()) return;
  to.figures = 0;
  to.bar = kBarLeast;
}

// Shortens the models' names where that is needed.
Layout lay_out(std::vector<Row>& rows, const Screen& screen) {
  const int columns = screen.columns();
  const int model = widest(rows, &Row::model, tr("MODEL"));
  Layout to{widest(rows, &Row::device, tr("DEVICE")),
            std::min(model, kModelLeast),
            kBarLeast,
            widest(rows, &Row::memory, ""),
            {{tr("FREE"), &Row::free},
             {tr("LOAD"), &Row::load},
             {tr("TEMP"), &Row::temperature},
             {tr("POWER"), &Row::power},
             {tr("TASKS"), &Row::tasks}}};
  for (Layout::Field& field : to.right) field.width = widest(rows, field.text, field.title);
  if (screen.width > 0) leave_out_columns(to, columns);
  // What is left goes to the model's name first, then to the bar.
  const int rest = columns - to.total() + to.model + to.bar;  // for both
  if (to.model > 0) {
    to.model = model;
    if (model + kBarGood > rest) {
      const int room = std::max(kModelLeast, rest - kBarGood);
      for (Row& row : rows) row.model = short_model(row.model, room);
      to.model = std::min(widest(rows, &Row::model, tr("MODEL")), room);
    }
  }
  if (to.bar > 0) to.bar = std::clamp(rest - to.model, kBarLeast, kBarMost);
  return to;
}

std::string head_line(const Layout& to) {
  std::string head = pad_right(tr("DEVICE"), to.name) + "  ";
  if (to.model > 0) head += pad_right(tr("MODEL"), to.model) + "  ";
  head += pad_right(fit(tr("MEMORY"), to.memory()), to.memory());
  for (const Layout::Field& field : to.right) {
    if (field.width > 0) head += "  " + pad_left(field.title, field.width);
  }
  return head;
}

std::string row_line(const Row& row, const Layout& to, const Screen& screen) {
  std::string text =
      paint(pad_right(row.device, to.name), row.healthy ? Tone::kBold : Tone::kBad, screen) + "  ";
  if (to.model > 0) text += pad_right(fit(row.model, to.model), to.model) + "  ";
  if (to.bar > 0)
    text += row.known ? bar(row.used, row.promised, to.bar, load_tone(row.used), screen)
                      : std::string(static_cast<std::size_t>(to.bar), ' ');
  if (to.bar > 0 && to.figures > 0) text += " ";
  if (to.figures > 0) text += pad_left(row.memory, to.figures);
  for (const Layout::Field& field : to.right) {
    if (field.width == 0) continue;
    const std::string& value = row.*field.text;
    Tone tone = value == "n/a" || value == "-" ? Tone::kDim : Tone::kPlain;
    if (field.text == &Row::free && tone == Tone::kPlain) tone = row.free_tone;
    if (field.text == &Row::temperature && tone == Tone::kPlain) tone = row.heat_tone;
    text += "  " + pad_left(paint(value, tone, screen), field.width);
  }
  return text;
}

}  // namespace

std::vector<json::object> reported_devices(const json::object& report) {
  std::vector<json::object> result;
  for (const char* list : {"devices", "other_devices"}) {
    const json::array* devices = array_in(report, list);
    for (std::size_t i = 0; devices != nullptr && i < devices->size(); ++i) {
      if ((*devices)[i].is_object()) result.push_back((*devices)[i].as_object());
    }
  }
  return result;
}

bool is_mig_instance(const json::object& device) { return object_in(device, "mig") != nullptr; }

std::string render_device_table(const json::object& report, const Screen& screen,
                                std::optional<std::size_t> processes) {
  const std::vector<json::object> devices = reported_devices(report);
  if (devices.empty()) return "";
  const json::object* drain = object_in(report, "drain");
  const json::object drains = drain != nullptr ? *drain : json::object{};
  const json::array* leases = array_in(report, "leases");
  std::vector<Row> rows;
  for (const json::object& device : devices)
    rows.push_back(row_of(device, leases_on(device, leases), detail_for(screen.columns())));
  draw_instances(devices, rows);
  const Layout layout = lay_out(rows, screen);
  const int indent = layout.name + 2;
  std::string text = paint(head_line(layout), Tone::kDim, screen) + "\n";
  for (std::size_t i = 0; i < rows.size(); ++i) {
    text += row_line(rows[i], layout, screen) + "\n" + trouble_line(devices[i], indent, screen) +
            note_lines(devices[i], drains, indent, screen);
    if (processes)
      text += holder_lines(devices[i], leases, base::now(), indent, screen, *processes);
  }
  return text;
}

}  // namespace berth::cli
