// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/inspect.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <cstdio>
#include <iterator>
#include <map>

#include "checkpoint/architecture.h"
#include "checkpoint/quoted.h"
#include "protocol/text.h"

namespace berth::checkpoint {
namespace {

constexpr size_t kLabelWidth = 12;
constexpr size_t kLongestValue = 100;

struct DtypeSum {
  uint64_t tensors = 0, bytes = 0;
};

struct Sums {
  std::map<std::string, DtypeSum> dtypes;
  uint64_t parameters = 0, bytes = 0;
};

/// Files do not tell parameters from buffers; torchvision's buffers have these names.
bool is_buffer(const std::string& name) {
  constexpr std::string_view kBuffers[] = {"running_mean", "running_var", "num_batches_tracked",
                                           "relative_position_index", "relative_coords_table"};
  return std::any_of(std::begin(kBuffers), std::end(kBuffers),
                     [&](std::string_view buffer) { return protocol::ends_with(name, buffer); });
}

Sums sums_of(const CheckpointFile& file) {
  Sums sums;
  for (const auto& [name, tensor] : file.tensors()) {
    DtypeSum& dtype = sums.dtypes[dtype_name(tensor.dtype)];
    ++dtype.tensors;
    dtype.bytes += tensor.size;
    sums.bytes += tensor.size;
    if (!is_buffer(name)) sums.parameters += tensor.size / dtype_size(tensor.dtype);
  }
  return sums;
}

const char* format_word(Format format) {
  switch (format) {
    case Format::kSafetensors:
      return "safetensors";
    case Format::kTorchZip:
      return "torch_zip";
    case Format::kTorchScript:
      return "torchscript";
    case Format::kTorchLegacy:
      return "torch_legacy";
  }
  return "unknown";
}

std::string shape_text(const std::vector<int64_t>& shape) {
  if (shape.empty()) return "scalar";
  std::string text;
  for (const int64_t side : shape) text += (text.empty() ? "" : " x ") + std::to_string(side);
  return text;
}

/// 11689512 -> "11,689,512".
std::string grouped(uint64_t number) {
  std::string text = std::to_string(number);
  for (size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

std::string padded(std::string text, size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

std::string right(const std::string& text, size_t width) {
  return text.size() < width ? std::string(width - text.size(), ' ') + text : text;
}

void put(std::string* out, const std::string& label, const std::string& value) {
  *out += "  " + padded(label, kLabelWidth) + value + "\n";
}

std::string model_text(const Architecture& model) {
  std::string text = model.name;
  if (model.classes) text += ", " + grouped(static_cast<uint64_t>(*model.classes)) + " classes";
  if (model.hidden) text += ", head with " + std::to_string(*model.hidden) + " hidden values";
  if (model.image_size) {
    const std::string side = std::to_string(*model.image_size);
    text += ", pictures of " + side + " x " + side;
  }
  return text;
}

void put_tensors(const CheckpointFile& file, std::string* out) {
  size_t name_width = 4, shape_width = 5;
  constexpr size_t kWidestName = 80;
  for (const auto& [name, tensor] : file.tensors()) {
    name_width = std::max(name_width, std::min(readable(name).size(), kWidestName));
    shape_width = std::max(shape_width, shape_text(tensor.shape).size());
  }
  *out += "\n  " + padded("NAME", name_width) + "  DTYPE  " + padded("SHAPE", shape_width) + "  " +
          right("SIZE", 10) + "\n";
  for (const auto& [name, tensor] : file.tensors()) {
    *out += "  " + padded(readable(name), name_width) + "  " + padded(dtype_name(tensor.dtype), 5) +
            "  " + padded(shape_text(tensor.shape), shape_width) + "  " +
            right(size_text(tensor.size), 10) + "\n";
  }
}

}  // namespace

std::string size_text(uint64_t bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return std::to_string(bytes) + " B";
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  // What would be shown as 1024.0 belongs to the next unit.
  for (; value >= 1023.95 && unit + 1 < std::size(kUnits); ++unit) value /= 1024;
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %s", value, kUnits[unit]);
  return text;
}

std::string inspection_text(const CheckpointFile& file, const std::string& path, bool all_tensors) {
  const Sums sums = sums_of(file);
  std::string out = path + "\n";
  put(&out, "format", std::string(format_name(file.format())) + ", " + size_text(file.file_size()));
  put(&out, "model", model_text(guess_architecture(file.tensors())));
  put(&out, "parameters", grouped(sums.parameters));
  put(&out, "tensors", grouped(file.tensors().size()) + ", " + size_text(sums.bytes));
  for (const auto& [name, sum] : sums.dtypes) {
    put(&out, "",
        padded(name, 6) + right(grouped(sum.tensors), 7) + right(size_text(sum.bytes), 13));
  }
  size_t key_width = 0;
  for (const auto& [key, value] : file.metadata()) {
    key_width = std::max(key_width, std::min<size_t>(readable(key, 40).size(), 40));
  }
  std::string label = "metadata";
  for (const auto& [key, value] : file.metadata()) {
    put(&out, label, padded(readable(key, 40), key_width) + "  " + readable(value, kLongestValue));
    label.clear();
  }
  label = "notes";
  for (const std::string& note : file.notes()) {
    put(&out, label, note);
    label.clear();
  }
  if (all_tensors) put_tensors(file, &out);
  return out;
}

boost::json::object inspection_json(const CheckpointFile& file, const std::string& path,
                                    bool all_tensors) {
  const Sums sums = sums_of(file);
  const Architecture model = guess_architecture(file.tensors());
  const auto number = [](const std::optional<int64_t>& value) {
    return value ? boost::json::value(*value) : boost::json::value(nullptr);
  };
  boost::json::object out{{"file", path},
                          {"format", format_word(file.format())},
                          {"bytes", file.file_size()},
                          {"model", nullptr},
                          {"parameters", sums.parameters},
                          {"tensor_count", file.tensors().size()}};
  if (model.name != "unknown") {
    out["model"] = {{"name", model.name},
                    {"num_classes", number(model.classes)},
                    {"hidden", number(model.hidden)},
                    {"image_size", number(model.image_size)}};
  }
  boost::json::object& dtypes = out["dtypes"].emplace_object();
  for (const auto& [name, sum] : sums.dtypes) {
    dtypes[name] = {{"tensors", sum.tensors}, {"bytes", sum.bytes}};
  }
  boost::json::object& metadata = out["metadata"].emplace_object();
  for (const auto& [key, value] : file.metadata()) metadata[key] = value;
  out["notes"] = boost::json::array(file.notes().begin(), file.notes().end());
  if (!all_tensors) return out;
  boost::json::array& tensors = out["tensors"].emplace_array();
  for (const auto& [name, tensor] : file.tensors()) {
    tensors.push_back({{"name", name},
                       {"dtype", dtype_name(tensor.dtype)},
                       {"shape", boost::json::array(tensor.shape.begin(), tensor.shape.end())},
                       {"bytes", tensor.size}});
  }
  return out;
}

}  // namespace berth::checkpoint
