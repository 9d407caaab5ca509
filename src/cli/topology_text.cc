// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <set>

#include "cli/gpu_notes.h"
#include "cli/gpus_text.h"
#include "cli/members.h"
#include "cli/table.h"
#include "cli/width.h"
#include "cli/words.h"

namespace berth::cli {

namespace json = base::json;
using base::string_or;

namespace {

// The marks that nvidia-smi uses, from near to far. That of NVLink is followed by the number of
// links.
struct Mark {
  std::string_view closeness, text;
};
constexpr Mark kMarks[] = {
    {"nvlink", "NV"},      {"pcie_switch", "PIX"}, {"host_bridge", "PHB"},
    {"numa_node", "NODE"}, {"system", "SYS"},
};

struct Gpu {
  std::string name, uuid, numa_node, pcie;
  bool narrow = false;                       // its PCIe link
  std::map<std::string, std::string> marks;  // by the peer's UUID
};

std::string meaning_of(std::string_view mark) {
  if (mark == "NV") return tr("so many NVLinks");
  if (mark == "PIX") return tr("PCIe switches, no host bridge");
  if (mark == "PHB") return tr("one PCIe host bridge");
  if (mark == "NODE") return tr("host bridges of one NUMA node");
  return tr("between NUMA nodes, or not known");
}

const Mark& mark_of(std::string_view closeness) {
  for (const Mark& mark : kMarks) {
    if (mark.closeness == closeness) return mark;
  }
  return kMarks[4];
}

Gpu read(const json::object& device) {
  Gpu gpu{string_or(device, "device_name"),
          string_or(device, "uuid"),
          "n/a",
          pcie_text(device),
          pcie_is_narrow(device),
          {}};
  if (const auto node = base::maybe_int(device, "numa_node")) gpu.numa_node = std::to_string(*node);
  const json::array* links = array_in(device, "links");
  for (std::size_t i = 0; links != nullptr && i < links->size(); ++i) {
    if (!(*links)[i].is_object()) continue;
    const json::object& link = (*links)[i].as_object();
    const std::string closeness = string_or(link, "closeness");
    std::string text(mark_of(closeness).text);
    if (closeness == "nvlink") text += std::to_string(base::int_or(link, "nvlinks"));
    gpu.marks[string_or(link, "peer")] = text;
  }
  return gpu;
}

}  // namespace

std::string render_topology(const json::object& report, const Screen& screen) {
  std::vector<Gpu> gpus;
  const json::array* devices = array_in(report, "devices");
  for (std::size_t i = 0; devices != nullptr && i < devices->size(); ++i) {
    // Instances are where their GPU is.
    if ((*devices)[i].is_object() && object_in((*devices)[i].as_object(), "mig") == nullptr)
      gpus.push_back(read((*devices)[i].as_object()));
  }
  if (gpus.empty()) return tr("No GPU on this machine: tasks run on the CPU.") + "\n";
  std::vector<Column> columns{{tr("DEVICE")}};
  for (const Gpu& gpu : gpus) columns.push_back({gpu.name});
  columns.push_back({"NUMA"});
  columns.push_back({"PCIe"});
  Table table(std::move(columns));
  std::set<std::string_view> used;
  for (const Gpu& row : gpus) {
    std::vector<Cell> cells{{printable(row.name), Tone::kBold}};
    for (const Gpu& column : gpus) {
      const auto link = row.marks.find(column.uuid);
      const bool self = &row == &column;
      const std::string mark = self ? "X" : link == row.marks.end() ? "SYS" : link->second;
      for (const Mark& known : kMarks) {
        if (!self && mark.starts_with(known.text) && (mark == known.text || known.text == "NV"))
          used.insert(known.text);
      }
      cells.push_back({mark, self                     ? Tone::kDim
                             : mark == "SYS"          ? Tone::kWarn
                             : mark.starts_with("NV") ? Tone::kGood
                                                      : Tone::kPlain});
    }
    cells.push_back({row.numa_node});
    cells.push_back({row.pcie, row.narrow ? Tone::kWarn : Tone::kPlain});
    table.add(std::move(cells));
  }
  std::string text = table.render(screen);
  if (!used.empty()) text += "\n";
  for (const Mark& mark : kMarks) {
    if (!used.contains(mark.text)) continue;
    const std::string name = std::string(mark.text) + (mark.text == "NV" ? "#" : "");
    text += pad_right(name, 6) + meaning_of(mark.text) + "\n";
  }
  return text;
}

}  // namespace berth::cli
