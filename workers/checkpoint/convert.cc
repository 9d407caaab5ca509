// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/convert.h"

#include <boost/json/parse.hpp>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <map>
#include <new>
#include <utility>

#include "checkpoint/half.h"
#include "checkpoint/torch_writer.h"

namespace berth::checkpoint {
namespace {

using protocol::ErrorCode;
using protocol::failed;
using protocol::Result;
using protocol::Status;

bool is_floating(Dtype dtype) {
  return dtype == Dtype::kF64 || dtype == Dtype::kF32 || dtype == Dtype::kF16 ||
         dtype == Dtype::kBf16;
}

/// A number as an element of the file; the address may be any.
template <typename T>
T element(const uint8_t* bytes, uint64_t index) {
  T value;
  std::memcpy(&value, bytes + index * sizeof(T), sizeof(T));
  return value;
}

double read(Dtype dtype, const uint8_t* bytes, uint64_t index) {
  switch (dtype) {
    case Dtype::kF64:
      return element<double>(bytes, index);
    case Dtype::kF32:
      return element<float>(bytes, index);
    case Dtype::kF16:
      return from_half(element<uint16_t>(bytes, index));
    default:
      return from_bfloat16(element<uint16_t>(bytes, index));
  }
}

/// The float nearest to `value`; if it is not exact, the one whose last bit is set ("round to
/// odd"), so that rounding it once more to 16 bits gives what rounding `value` would.
float narrowed_to_odd(double value) {
  const auto nearest = static_cast<float>(value);
  if (static_cast<double>(nearest) == value || !std::isfinite(value)) return nearest;
  uint32_t bits = 0;
  std::memcpy(&bits, &nearest, sizeof bits);
  if ((bits & 1) != 0) return nearest;
  return std::nextafter(nearest, value > nearest ? HUGE_VALF : -HUGE_VALF);
}

void write(Dtype dtype, double value, uint8_t* bytes, uint64_t index, uint64_t* overflowed) {
  bool infinite = false;
  if (dtype == Dtype::kF32) {
    const auto narrow = static_cast<float>(value);
    infinite = std::isinf(narrow);
    std::memcpy(bytes + index * sizeof narrow, &narrow, sizeof narrow);
  } else {
    const float wide = narrowed_to_odd(value);
    const uint16_t narrow = dtype == Dtype::kF16 ? to_half(wide) : to_bfloat16(wide);
    infinite = std::isinf(dtype == Dtype::kF16 ? from_half(narrow) : from_bfloat16(narrow));
    std::memcpy(bytes + index * sizeof narrow, &narrow, sizeof narrow);
  }
  if (infinite && std::isfinite(value)) ++*overflowed;
}

}  // namespace

Result<Converted> convert(const CheckpointFile& file, const std::string& out,
                          const Conversion& conversion) try {
  Converted done;
  std::vector<TensorView> tensors;
  std::vector<std::vector<uint8_t>> buffers;
  for (const auto& [name, tensor] : file.tensors()) {
    TensorView view = tensor;
    if (conversion.dtype && is_floating(view.dtype) && view.dtype != *conversion.dtype) {
      const uint64_t elements = view.size / dtype_size(view.dtype);
      auto& buffer = buffers.emplace_back(elements * dtype_size(*conversion.dtype));
      for (uint64_t i = 0; i < elements; ++i) {
        write(*conversion.dtype, read(view.dtype, view.bytes, i), buffer.data(), i,
              &done.overflowed);
      }
      view.dtype = *conversion.dtype;
      view.bytes = buffer.data();
      view.size = buffer.size();
      ++done.converted;
    }
    done.bytes += view.size;
    tensors.push_back(std::move(view));
  }
  done.tensors = tensors.size();
  Status written;
  if (conversion.format == TargetFormat::kSafetensors) {
    std::map<std::string, std::string> metadata = file.metadata();
    // What readers of safetensors go by to tell whose weights they are.
    if (file.format() != Format::kSafetensors) metadata.emplace("format", "pt");
    written = write_safetensors(out, std::move(tensors), metadata);
  } else {
    for (const auto& [key, value] : file.metadata()) done.lost_metadata.push_back(key);
    written = write_torch(out, tensors);
  }
  if (!written) return forward_error(written);
  return done;
} catch (const std::bad_alloc&) {
  return failed(ErrorCode::kOutOfMemory, "not enough memory to convert to " + out, out);
}

std::optional<boost::json::object> sidecar_of(const std::map<std::string, std::string>& metadata) {
  const auto text = [&](const char* key) {
    const auto found = metadata.find(key);
    return found == metadata.end() ? std::string() : found->second;
  };
  if (text("berth.model").empty()) return std::nullopt;
  boost::json::object sidecar{{"model", text("berth.model")}};
  boost::json::error_code error;
  const auto names = boost::json::parse(text("berth.class_names"), error);
  if (!error && names.is_array()) {
    sidecar["num_classes"] = names.get_array().size();
    sidecar["class_names"] = names;
  }
  for (const char* field : {"image_size", "epoch"}) {
    const int number = std::atoi(text((std::string("berth.") + field).c_str()).c_str());
    if (number > 0) sidecar[field] = number;
  }
  return sidecar;
}

}  // namespace berth::checkpoint
