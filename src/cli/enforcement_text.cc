// SPDX-License-Identifier: Apache-2.0
#include "cli/enforcement_text.h"

#include <algorithm>
#include <vector>

#include "base/text.h"
#include "cli/members.h"
#include "cli/width.h"
#include "cli/words.h"

namespace berth::cli {

namespace json = base::json;
using base::string_or;

namespace {

std::string in_brackets(const std::string& what, const std::string& more) {
  return more.empty() ? what : tr("{} ({})", {what, more});
}

// "watchdog: warn" -> "warn".
std::string after_colon(const std::string& text) {
  const auto colon = text.find(": ");
  return colon == std::string::npos ? text : text.substr(colon + 2);
}

}  // namespace

std::string rung_text(const json::object& enforcement) {
  const std::string rung = string_or(enforcement, "rung");
  const std::string by = string_or(enforcement, "by");
  if (rung == "none") return tr("none");
  if (rung == "mps") return "CUDA MPS";
  if (rung == "hints") return tr("hints to the program, which may ignore them");
  if (rung == "kernel") return in_brackets(tr("kernel or driver"), tr_reason(by));
  if (rung == "watchdog") return in_brackets(tr("watchdog"), after_colon(by));
  return in_brackets(rung, by);
}

std::string other_gpus_text(bool fenced, const std::string& why_open) {
  if (fenced) return tr("cannot be opened");
  return in_brackets(tr("can be opened"), tr_reason(why_open));
}

std::string render_enforcement(const json::object& report, const Screen& screen) {
  std::vector<std::pair<std::string, std::vector<std::string>>> answers;
  const json::array* devices = array_in(report, "devices");
  for (std::size_t i = 0; devices != nullptr && i < devices->size(); ++i) {
    if (!(*devices)[i].is_object()) continue;
    const json::object& device = (*devices)[i].as_object();
    const json::object* enforcement = object_in(device, "enforcement");
    if (enforcement == nullptr) continue;
    const std::string text =
        tr("memory limit: {}; other GPUs: {}",
           {rung_text(*enforcement), other_gpus_text(base::bool_or(*enforcement, "fenced"),
                                                     string_or(*enforcement, "fence_missing"))});
    auto known =
        std::ranges::find_if(answers, [&](const auto& answer) { return answer.first == text; });
    if (known == answers.end()) known = answers.insert(answers.end(), {text, {}});
    known->second.push_back(string_or(device, "device_name"));
  }
  std::string lines;
  for (const auto& [text, names] : answers) {
    const std::string line =
        answers.size() == 1 ? text : tr("{}: {}", {base::join(names, tr(", ")), text});
    lines += paint(wrap(printable(line), screen.width, "  "), Tone::kDim, screen) + "\n";
  }
  return lines;
}

}  // namespace berth::cli
