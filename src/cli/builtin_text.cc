// SPDX-License-Identifier: Apache-2.0
#include "cli/builtin_text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <map>
#include <vector>

#include "base/text.h"
#include "cli/members.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "cli/task_text.h"
#include "cli/when.h"
#include "cli/width.h"
#include "cli/words.h"

namespace berth::cli {

namespace json = base::json;
using base::maybe_double;
using base::maybe_int;
using base::string_or;

namespace {

constexpr int kBarWidth = 24;

const json::object& metrics_of(const json::object& task) {
  static const json::object kNone;
  const json::value* metrics = task.if_contains("latest_metrics");
  return metrics != nullptr && metrics->is_object() ? metrics->as_object() : kNone;
}

// A metric as `format` has it; empty when there is none.
std::string metric(const json::object& metrics, const char* key, const char* format) {
  const auto value = maybe_double(metrics, key);
  if (!value) return "";
  char text[48];
  std::snprintf(text, sizeof text, format, *value);
  return text;
}

std::string titled(const std::string& title, const std::string& value) {
  return value.empty() ? "" : title + " " + value;
}

std::string both(const std::string& title, const std::string& trained,
                 const std::string& validated) {
  if (validated.empty()) return titled(title, trained);
  return trained.empty() ? tr("{} val {}", {title, validated})
                         : tr("{} {}, val {}", {title, trained, validated});
}

std::vector<std::string> metric_texts(const json::object& task, bool brief) {
  const json::object& metrics = metrics_of(task);
  std::vector<std::string> parts;
  if (brief) {
    const std::string validated = metric(metrics, "val_acc", "%.1f%%");
    parts = {
        titled(tr("loss"), metric(metrics, "train_loss", "%.4f")),
        titled(tr("acc"), validated.empty() ? metric(metrics, "train_acc", "%.1f%%") : validated),
        titled(tr("best"), metric(metrics, "best_acc", "%.1f%%"))};
  } else {
    parts = {both(tr("loss"), metric(metrics, "train_loss", "%.4f"),
                  metric(metrics, "val_loss", "%.4f")),
             both(tr("acc"), metric(metrics, "train_acc", "%.2f%%"),
                  metric(metrics, "val_acc", "%.2f%%")),
             titled(tr("best"), metric(metrics, "best_acc", "%.2f%%"))};
  }
  std::erase(parts, std::string());
  return parts;
}

// "epoch  3/10": as wide for every epoch.
std::string epoch_text(std::int64_t epoch, std::int64_t total) {
  const std::string last = std::to_string(total);
  return tr("epoch {}/{}", {pad_left(std::to_string(epoch), static_cast<int>(last.size())), last});
}

}  // namespace

std::string progress_line(const json::object& task, base::Time now, const Screen& screen) {
  const std::string state = string_or(task, "status");
  if (state != "running")
    return fit(printable(tr("{}: {}", {tr(state), string_or(task, "message")})),
               screen.columns() - 1);
  const double share = static_cast<double>(base::int_or(task, "progress")) / 100;
  const int width = std::clamp(screen.columns() / 4, 8, kBarWidth);
  char percent[16];
  std::snprintf(percent, sizeof percent, "%3.0f%%", 100 * share);
  std::string line =
      bar(share, 0, width, share >= 1 ? Tone::kGood : Tone::kAccent, screen) + " " + percent;

  std::vector<std::string> parts = metric_texts(task, true);
  const auto epoch = maybe_int(task, "current_epoch");
  const auto total = maybe_int(task, "total_epochs");
  if (epoch && total) parts.insert(parts.begin(), epoch_text(*epoch, *total));
  if (const auto files = maybe_int(task, "items_total")) {
    parts.push_back(tr("{} of {} files",
                       {std::to_string(base::int_or(task, "items_done")), std::to_string(*files)}));
  }
  parts.push_back(printable(string_or(task, "device")));
  const auto started = parse_iso8601(string_or(task, "started_at"));
  if (started && share > 0.02 && share < 1) {
    const auto spent = static_cast<double>((now - *started).count());
    const base::Duration rest(static_cast<std::int64_t>(spent * (1 - share) / share));
    parts.push_back(tr("{} left", {words(rest)}));
  }
  int used = display_width(line);
  for (const std::string& part : parts) {
    if (part.empty() || used + 2 + display_width(part) >= screen.columns()) continue;
    line += "  " + part;
    used += 2 + display_width(part);
  }
  return line;
}

std::string epoch_line(const json::object& task) {
  const json::object& metrics = metrics_of(task);
  const auto epoch = maybe_int(metrics, "epoch");
  if (!epoch || !maybe_double(metrics, "val_acc")) return "";
  const auto total = maybe_int(metrics, "total_epochs");
  std::string line =
      epoch_text(*epoch, total ? *total : base::int_or(task, "total_epochs", *epoch));
  for (const std::string& part : metric_texts(task, false)) line += "  " + part;
  return line;
}

std::string ending(const json::object& task) {
  const std::string state = string_or(task, "status");
  const std::string word = tr(state), why = printable(failure(task));
  return why.empty() || why == word ? word : tr("{}: {}", {word, why});
}

std::string training_summary(const json::object& task, const Screen& screen) {
  const std::string state = string_or(task, "status");
  const auto started = parse_iso8601(string_or(task, "started_at"));
  const auto finished = parse_iso8601(string_or(task, "finished_at"));
  std::string text;
  if (state == "completed") {
    text = paint(tr("done"), Tone::kGood, screen);
    if (const std::string best = metric(metrics_of(task), "best_acc", "%.2f%%"); !best.empty())
      text = tr("{}, best accuracy {}", {text, best});
  } else {
    text = paint(ending(task), Tone::kBad, screen);
  }
  if (started && finished) text = tr("{}, after {}", {text, words(*finished - *started)});
  if (const std::string device = string_or(task, "device"); !device.empty())
    text = tr("{} on {}", {text, printable(device)});
  text += "\n";
  const json::object* result = object_in(task, "result");
  if (const auto lost = result == nullptr ? 0 : base::int_or(*result, "unreadable"); lost > 0) {
    text += paint(tr("pictures that could not be read and were left out: {} (berth logs has them)",
                     {std::to_string(lost)}),
                  Tone::kWarn, screen) +
            "\n";
  }
  if (const std::string where = string_or(task, "save_path");
      !where.empty() && state == "completed") {
    text += tr("weights in {}", {paint(printable(where), Tone::kBold, screen)}) + "\n";
  }
  return text;
}

namespace {

// "48x32 at 10,20": whole pixels.
std::string box_text(const json::object& prediction) {
  const json::value* box = prediction.if_contains("box");
  if (box == nullptr || !box->is_array() || box->as_array().size() != 4) return "";
  std::array<std::string, 4> numbers;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const json::value& number = box->as_array()[i];
    if (number.is_number())
      numbers[i] = std::to_string(static_cast<long long>(std::lround(number.to_number<double>())));
  }
  return tr("{}x{} at {},{}", {numbers[2], numbers[3], numbers[0], numbers[1]});
}

}  // namespace

std::string render_predictions(const json::object& result, const std::string& result_path,
                               std::size_t rows, const Screen& screen) {
  std::string text;
  std::map<std::string, std::int64_t> classes;
  std::size_t count = 0;
  std::size_t shown = 0;
  const json::value* predictions = result.if_contains("predictions");
  if (predictions != nullptr && predictions->is_array()) {
    // Spread over the whole list: sorted by path, its beginning is mostly one class.
    const std::size_t all = predictions->as_array().size();
    Table table(
        {{tr("IMAGE"), false, 12}, {tr("BOX")}, {tr("CLASS"), false, 8}, {tr("CONFIDENCE"), true}});
    for (const json::value& item : predictions->as_array()) {
      if (!item.is_object()) continue;
      const std::string name = string_or(item.as_object(), "class");
      ++classes[name];
      const std::size_t index = count++;
      if (all > rows && (shown >= rows || index < shown * all / rows)) continue;
      ++shown;
      const auto confidence = maybe_double(item.as_object(), "confidence");
      char percent[16] = "n/a";
      if (confidence) std::snprintf(percent, sizeof percent, "%.1f%%", 100 * *confidence);
      const Tone tone = !confidence          ? Tone::kDim
                        : *confidence >= 0.8 ? Tone::kGood
                        : *confidence >= 0.5 ? Tone::kWarn
                                             : Tone::kBad;
      table.add({{string_or(item.as_object(), "path")},
                 {box_text(item.as_object())},
                 {name},
                 {percent, tone}});
    }
    if (!table.empty()) text += table.render(screen);
    if (count > shown) {
      const std::string rest = tr("{} of {} shown", {std::to_string(shown), std::to_string(count)});
      text += paint(rest, Tone::kDim, screen) + "\n";
    }
  }

  std::vector<std::pair<std::string, std::int64_t>> order(classes.begin(), classes.end());
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::vector<std::string> tops;
  for (std::size_t i = 0; i < order.size() && i < 8; ++i)
    tops.push_back(order[i].first + " " + std::to_string(order[i].second));
  if (order.size() > 8)
    tops.push_back(tr("and {} classes more", {std::to_string(order.size() - 8)}));

  std::string images =
      std::to_string(base::int_or(result, "images", static_cast<std::int64_t>(count)));
  const std::string seconds = metric(result, "seconds", "%.2f");
  const std::string rate = metric(result, "images_per_second", "%.1f");
  if (!seconds.empty() && !rate.empty())
    images = tr("{} in {} s ({} per second)", {images, seconds, rate});
  const json::value* failed = result.if_contains("failed");
  const bool any_failed = failed != nullptr && failed->is_array() && !failed->as_array().empty();
  std::string failures;
  if (any_failed) {
    failures = std::to_string(failed->as_array().size());
    if (const json::value& first = failed->as_array().front(); first.is_object()) {
      failures = tr("{}, the first {}: {}", {failures, string_or(first.as_object(), "path"),
                                             tr_reason(string_or(first.as_object(), "reason"))});
    }
  }
  if (!text.empty()) text += "\n";
  const bool places = result.if_contains("pictures") != nullptr;
  return text + render_fields({{places ? tr("boxes") : tr("images"), {images}},
                               {tr("classes"), {base::join(tops, tr(", "))}},
                               {tr("failed"), {failures, Tone::kBad}},
                               {tr("model"), {string_or(result, "model")}},
                               {tr("result"), {result_path, Tone::kBold}}},
                              screen);
}

namespace {

// "-5dB" before "10dB"; what is no number after those, by name.
bool comes_before(const json::object* one, const json::object* other) {
  const auto ratio = [](const json::object& group) {
    const std::string text = string_or(group, "snr");
    char* end = nullptr;
    const double number = std::strtod(text.c_str(), &end);
    return end == text.c_str() ? std::numeric_limits<double>::infinity() : number;
  };
  return ratio(*one) < ratio(*other);
}

std::vector<const json::object*> groups_of(const json::object& result) {
  std::vector<const json::object*> groups;
  if (const json::array* list = array_in(result, "groups")) {
    for (const json::value& group : *list) {
      if (group.is_object()) groups.push_back(&group.as_object());
    }
  }
  std::stable_sort(groups.begin(), groups.end(), comes_before);
  return groups;
}

Tone accuracy_tone(const json::object& group) {
  const double accuracy = base::double_or(group, "accuracy");
  return accuracy >= 80 ? Tone::kGood : accuracy >= 50 ? Tone::kWarn : Tone::kBad;
}

}  // namespace

std::string render_benchmark(const json::object& result, const Screen& screen) {
  Table table({{tr("SNR")},
               {tr("COLORMAP")},
               {tr("IMAGES"), true},
               {tr("ACCURACY"), true},
               {tr("TOP-3"), true},
               {tr("mAP"), true},
               {tr("MACRO F1"), true}});
  double right = 0;
  std::int64_t images = 0;
  std::int64_t lost = 0;
  for (const json::object* group : groups_of(result)) {
    const std::int64_t count = base::int_or(*group, "images");
    right += base::double_or(*group, "accuracy") * static_cast<double>(count);
    images += count;
    lost += base::int_or(*group, "unreadable");
    table.add({{string_or(*group, "snr")},
               {string_or(*group, "colormap")},
               {std::to_string(count)},
               {metric(*group, "accuracy", "%.1f%%"), accuracy_tone(*group)},
               {metric(*group, "top3_acc", "%.3f")},
               {metric(*group, "mAP", "%.1f%%")},
               {metric(*group, "macro_f1", "%.3f")}});
  }
  char accuracy[24] = "";
  if (images > 0)
    std::snprintf(accuracy, sizeof accuracy, "%.2f%%", right / static_cast<double>(images));
  const json::array* passed = array_in(result, "passed_over");
  std::vector<std::string> left_out;
  if (passed != nullptr && !passed->empty())
    left_out.push_back(tr("folders that are no class: {}", {std::to_string(passed->size())}));
  if (lost > 0)
    left_out.push_back(tr("pictures that could not be read: {}", {std::to_string(lost)}));
  return table.render(screen) + "\n" +
         render_fields({{tr("images"), {std::to_string(images)}},
                        {tr("accuracy"), {accuracy}},
                        {tr("left out"), {base::join(left_out, tr(", ")), Tone::kWarn}},
                        {tr("model"), {string_or(result, "model")}},
                        {tr("result"), {string_or(result, "result_path"), Tone::kBold}}},
                       screen);
}

}  // namespace berth::cli
