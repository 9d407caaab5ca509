// SPDX-License-Identifier: Apache-2.0
#include "cli/signal_text.h"

#include <cmath>
#include <cstdio>
#include <vector>

#include "base/text.h"
#include "cli/members.h"
#include "cli/table.h"
#include "cli/words.h"
#include "model/task_type.h"

namespace berth::cli {

namespace json = base::json;
using base::int_or;
using base::maybe_double;
using base::string_or;

namespace {

constexpr std::size_t kNamesShown = 8;

std::string number(const json::object& stats, const char* key) {
  return std::to_string(int_or(stats, key));
}

// As `format` has it; empty where there is none.
std::string figure(const json::object& of, const char* key, const char* format) {
  const auto value = maybe_double(of, key);
  if (!value) return "";
  char text[48];
  std::snprintf(text, sizeof text, format, *value);
  return text;
}

std::string frequency(const json::object& of, const char* key) {
  const auto value = maybe_double(of, key);
  return value ? frequency_text(*value) : "";
}

std::string with_time(std::string done, const json::object& stats) {
  const std::string seconds = figure(stats, "seconds", "%.2f");
  return seconds.empty() ? done : tr("{}, in {} s", {done, seconds});
}

std::string left_out(const json::object& stats) {
  const json::object* unreadable = object_in(stats, "unreadable");
  const std::int64_t count = unreadable == nullptr ? 0 : int_or(*unreadable, "count");
  if (count == 0) return "";
  const json::array* files = array_in(*unreadable, "files");
  if (files == nullptr || files->empty() || !files->front().is_object())
    return std::to_string(count);
  const std::string file = string_or(files->front().as_object(), "file");
  const std::string message = tr_reason(string_or(files->front().as_object(), "message"));
  if (message.find(file) != std::string::npos)
    return tr("{}: {}", {std::to_string(count), message});
  return tr("{}, the first {}: {}", {std::to_string(count), file, message});
}

std::string not_finite(const json::object& stats) {
  const std::int64_t count = int_or(stats, "samples_not_finite");
  if (count == 0) return "";
  return tr("samples that are NaN or infinite count as 0 (met {} times)", {std::to_string(count)});
}

std::string classes(const json::object& stats) {
  const json::object* per_class = object_in(stats, "per_class");
  if (per_class == nullptr) return "";
  std::vector<std::string> shown;
  for (const auto& [name, count] : *per_class) {
    if (shown.size() < kNamesShown && count.is_number())
      shown.push_back(std::string(name) + " " + std::to_string(count.to_number<std::int64_t>()));
  }
  const std::string text = base::join(shown, tr(", "));
  if (per_class->size() <= kNamesShown) return text;
  return tr("{}, and {} more", {text, std::to_string(per_class->size() - kNamesShown)});
}

std::string render_pictures(std::string_view type, const json::object& stats,
                            const Screen& screen) {
  const std::string done =
      tr("{} of {} recordings", {number(stats, "pictures"), number(stats, "files")});
  return render_fields({{tr("images"), {with_time(done, stats)}},
                        {tr("classes"), {type == model::kIqDataset ? classes(stats) : ""}},
                        {tr("left out"), {left_out(stats), Tone::kWarn}},
                        {tr("note"), {not_finite(stats), Tone::kWarn}},
                        {tr("result"), {string_or(stats, "save_path"), Tone::kBold}}},
                       screen);
}

std::string render_waterfall(const json::object& stats, const Screen& screen) {
  return render_fields({{tr("images"), {with_time(number(stats, "frames"), stats)}},
                        {tr("note"), {not_finite(stats), Tone::kWarn}},
                        {tr("result"), {string_or(stats, "save_path"), Tone::kBold}}},
                       screen);
}

void add_measured(const json::object& measured, Table& table) {
  const std::string file = string_or(measured, "file");
  const bool found = base::bool_or(measured, "signal_found");
  table.add({{file.substr(file.rfind('/') + 1)},
             {found ? figure(measured, "snr_db", "%.1f dB") : tr("no signal"),
              found ? Tone::kBold : Tone::kDim},
             {figure(measured, "full_band_snr_db", "%.1f dB")},
             {frequency(measured, "bandwidth_hz")},
             {frequency(measured, "centre_offset_hz")},
             {figure(measured, "reference_snr_db", "%.1f dB")}});
}

Table measured_table() {
  return Table({{tr("RECORDING"), false, 12},
                {tr("SNR"), true},
                {tr("WHOLE BAND"), true},
                {tr("BANDWIDTH"), true},
                {tr("OFFSET"), true},
                {tr("STATED"), true}});
}

std::string render_measured(const json::object& stats, const Screen& screen) {
  Table table = measured_table();
  if (const json::array* files = array_in(stats, "files")) {
    for (const json::value& file : *files) {
      if (file.is_object()) add_measured(file.as_object(), table);
    }
  }
  const std::string others =
      render_fields({{tr("left out"), {left_out(stats), Tone::kWarn}}}, screen);
  return table.render(screen) + (others.empty() ? "" : "\n" + others);
}

// "12 at -20 to 2 dB".
std::string copies(const json::object& stats) {
  const json::array* files = array_in(stats, "files");
  if (files == nullptr || files->empty()) return "";
  const auto ratio = [](const json::value& file) {
    return file.is_object() ? figure(file.as_object(), "snr_db", "%g") : "";
  };
  return tr("{}, {} to {} dB",
            {std::to_string(files->size()), ratio(files->front()), ratio(files->back())});
}

std::string render_copies(const json::object& stats, const Screen& screen) {
  Table table = measured_table();
  if (const json::object* measured = object_in(stats, "measured")) add_measured(*measured, table);
  const json::array* above = array_in(stats, "snr_db_left_out");
  const std::size_t count = above == nullptr ? 0 : above->size();
  return table.render(screen) + "\n" +
         render_fields(
             {{tr("copies"), {with_time(copies(stats), stats)}},
              {tr("left out"),
               {count == 0 ? "" : tr("{} ratios above its own", {std::to_string(count)})}},
              {tr("result"), {string_or(stats, "save_path"), Tone::kBold}}},
             screen);
}

}  // namespace

std::string frequency_text(double hertz) {
  struct Unit {
    double size;
    const char* name;
  };
  constexpr Unit kUnits[] = {{1e9, "GHz"}, {1e6, "MHz"}, {1e3, "kHz"}, {1, "Hz"}};
  const Unit* unit = kUnits;
  while (unit->size > 1 && std::abs(hertz) < unit->size) ++unit;
  char text[48];
  std::snprintf(text, sizeof text, "%.2f %s", hertz / unit->size, unit->name);
  return text;
}

std::string render_signal_stats(std::string_view task_type, const json::object& stats,
                                const Screen& screen) {
  if (task_type == model::kWaterfall) return render_waterfall(stats, screen);
  if (task_type == model::kSnr) return render_measured(stats, screen);
  if (task_type == model::kAwgn) return render_copies(stats, screen);
  return render_pictures(task_type, stats, screen);
}

}  // namespace berth::cli
