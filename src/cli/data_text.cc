// SPDX-License-Identifier: Apache-2.0
#include "cli/data_text.h"

#include <cstdio>
#include <vector>

#include "base/text.h"
#include "cli/table.h"
#include "cli/task_text.h"
#include "cli/words.h"
#include "model/task_type.h"

namespace berth::cli {

namespace json = base::json;
using base::string_or;

namespace {

constexpr std::size_t kNamesShown = 8;

std::string number(const json::object& stats, const char* key) {
  return std::to_string(base::int_or(stats, key));
}

std::string images(std::string_view type, const json::object& stats) {
  if (type == model::kDataAugmentation) {
    return tr("{} originals, {} made of them by {} methods",
              {number(stats, "original_images"), number(stats, "augmented_images"),
               number(stats, "methods_used")});
  }
  if (type == model::kImageCrop) return number(stats, "success");
  const std::string parts = tr(
      "{}: {} train, {} valid",
      {number(stats, "total_images"), number(stats, "train_images"), number(stats, "val_images")});
  return base::int_or(stats, "test_images") == 0
             ? parts
             : tr("{}, {} test", {parts, number(stats, "test_images")});
}

std::string names(const json::object& stats, const char* key) {
  const json::value* list = stats.if_contains(key);
  if (list == nullptr || !list->is_array()) return "";
  std::vector<std::string> shown;
  for (const json::value& name : list->as_array()) {
    if (name.is_string() && shown.size() < kNamesShown) shown.emplace_back(name.as_string());
  }
  std::string text = base::join(shown, tr(", "));
  if (const std::size_t all = list->as_array().size(); all > kNamesShown)
    text = tr("{}, and {} more", {text, std::to_string(all - kNamesShown)});
  return text;
}

std::string failures(const json::object& stats) {
  if (base::int_or(stats, "failed") == 0) return "";
  const std::string count = number(stats, "failed");
  const json::value* list = stats.if_contains("failed_files");
  if (list == nullptr || !list->is_array() || list->as_array().empty() ||
      !list->as_array().front().is_object()) {
    return count;
  }
  const json::object& first = list->as_array().front().as_object();
  return tr("{}, the first {}: {}",
            {count, string_or(first, "path"), tr_reason(string_or(first, "reason"))});
}

}  // namespace

std::string kind_text(const json::object& task) {
  const std::string type = string_or(task, "task_type");
  if (model::is_preprocessing(type) || type == model::kBenchmark) return tr_code(type);
  const std::string kind = string_or(task, "kind", type);
  return tr(kind);
}

std::string render_data_stats(std::string_view task_type, const json::object& stats,
                              const Screen& screen) {
  std::string done = images(task_type, stats);
  if (const auto seconds = base::maybe_double(stats, "seconds")) {
    char text[32];
    std::snprintf(text, sizeof text, "%.2f", *seconds);
    done = tr("{}, in {} s", {done, text});
  }
  const std::string skipped = number(stats, "skipped_files");
  return render_fields({{tr("images"), {done}},
                        {tr("classes"), {names(stats, "classes")}},
                        {tr("empty classes"), {names(stats, "empty_classes"), Tone::kWarn}},
                        {tr("failed"), {failures(stats), Tone::kBad}},
                        {tr("left out"), {skipped == "0" ? "" : tr("{} other files", {skipped})}},
                        {tr("result"), {string_or(stats, "output_path"), Tone::kBold}}},
                       screen);
}

}  // namespace berth::cli
