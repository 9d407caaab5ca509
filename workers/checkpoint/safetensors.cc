// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/safetensors.h"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cstring>
#include <optional>
#include <utility>

#include "checkpoint/quoted.h"
#include "protocol/event_writer.h"
#include "protocol/output_file.h"

namespace berth::checkpoint {
namespace {

using protocol::ErrorCode;
using protocol::failed;
using protocol::Result;
using protocol::Status;

constexpr uint64_t kMostHeaderBytes = 100'000'000;
constexpr size_t kAlignment = 64;
constexpr const char* kMetadata = "__metadata__";

std::optional<int64_t> non_negative(const boost::json::value& value) {
  if (value.is_int64() && value.get_int64() >= 0) return value.get_int64();
  return std::nullopt;
}

/// One entry of the header; an error message instead if it is malformed.
tl::expected<TensorView, std::string> parse_tensor(const std::string& name,
                                                   const boost::json::value& value,
                                                   const uint8_t* data, uint64_t data_size) {
  const auto wrong = [&](const std::string& what) {
    return tl::unexpected<std::string>("tensor " + quoted(name) + " " + what);
  };
  const boost::json::object* entry = value.if_object();
  if (entry == nullptr) return wrong("is not described by an object");
  const auto* dtype = entry->if_contains("dtype");
  const auto* shape = entry->if_contains("shape");
  const auto* offsets = entry->if_contains("data_offsets");
  if (dtype == nullptr || !dtype->is_string() || shape == nullptr || !shape->is_array() ||
      offsets == nullptr || !offsets->is_array() || offsets->get_array().size() != 2) {
    return wrong("lacks dtype, shape or data_offsets");
  }
  TensorView tensor;
  tensor.name = name;
  const auto type = dtype_of(std::string_view(dtype->get_string()));
  if (!type) return wrong("has the unknown dtype " + quoted(std::string_view(dtype->get_string())));
  tensor.dtype = *type;
  for (const auto& side : shape->get_array()) {
    const auto length = non_negative(side);
    if (!length) return wrong("has a side that is not a count");
    tensor.shape.push_back(*length);
  }
  const auto begin = non_negative(offsets->get_array()[0]);
  const auto end = non_negative(offsets->get_array()[1]);
  if (!begin || !end || *begin > *end || static_cast<uint64_t>(*end) > data_size) {
    return wrong("has offsets outside of the file's data (" + std::to_string(data_size) +
                 " bytes; cut short, a download that did not finish?)");
  }
  tensor.bytes = data + *begin;
  tensor.size = static_cast<uint64_t>(*end - *begin);
  if (byte_size(tensor.shape, tensor.dtype) != tensor.size) {
    return wrong("takes " + std::to_string(tensor.size) +
                 " bytes, which does not agree with its shape and dtype");
  }
  return tensor;
}

/// The message if the tensors leave a hole, overlap or do not reach the end.
std::optional<std::string> layout_problem(const std::map<std::string, TensorView>& tensors,
                                          const uint8_t* data, uint64_t data_size) {
  std::vector<const TensorView*> order;
  for (const auto& [name, tensor] : tensors) order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const TensorView* a, const TensorView* b) {
    return a->bytes != b->bytes ? a->bytes < b->bytes : a->size < b->size;
  });
  const uint8_t* at = data;
  for (const TensorView* tensor : order) {
    if (tensor->bytes < at) return "tensor " + quoted(tensor->name) + " overlaps another one";
    if (tensor->bytes > at) return "there is a hole before tensor " + quoted(tensor->name);
    at += tensor->size;
  }
  const auto left = data_size - static_cast<uint64_t>(at - data);
  if (left != 0) return std::to_string(left) + " bytes at the end belong to no tensor";
  return std::nullopt;
}

}  // namespace

Result<SafetensorsFile> SafetensorsFile::open(const std::string& path) {
  auto mapping = MappedFile::open(path);
  if (!mapping) return forward_error(mapping);
  return from(std::move(*mapping), path);
}

Result<SafetensorsFile> SafetensorsFile::from(MappedFile mapping, const std::string& path) {
  SafetensorsFile file;
  file.mapping_ = std::move(mapping);
  if (auto parsed = file.parse(path); !parsed) return forward_error(parsed);
  return file;
}

Status SafetensorsFile::parse(const std::string& path) {
  const auto wrong = [&](const std::string& what) {
    return failed(ErrorCode::kCheckpointMismatch,
                  path + " is not a valid safetensors file: " + what, path);
  };
  const auto* bytes = reinterpret_cast<const uint8_t*>(mapping_.bytes().data());
  const size_t size = mapping_.bytes().size();
  uint64_t header_size = 0;
  if (size < sizeof header_size) return wrong("it has only " + std::to_string(size) + " bytes");
  std::memcpy(&header_size, bytes, sizeof header_size);
  if (header_size > kMostHeaderBytes || header_size > size - sizeof header_size) {
    return wrong("its header claims " + std::to_string(header_size) +
                 " bytes (a PyTorch .pth file, or cut short?)");
  }
  boost::json::error_code error;
  const boost::json::string_view text(reinterpret_cast<const char*>(bytes) + sizeof header_size,
                                      static_cast<size_t>(header_size));
  const boost::json::value header = boost::json::parse(text, error);
  if (error || !header.is_object()) return wrong("its header is not a JSON object");
  const uint8_t* data = bytes + sizeof header_size + header_size;
  const uint64_t data_size = size - sizeof header_size - header_size;
  for (const auto& [key, value] : header.get_object()) {
    const std::string name(key);
    if (name == kMetadata) {
      if (!value.is_object()) return wrong("its metadata is not an object");
      for (const auto& [word, meaning] : value.get_object()) {
        if (!meaning.is_string()) return wrong("its metadata holds more than texts");
        metadata_[std::string(word)] = std::string_view(meaning.get_string());
      }
      continue;
    }
    auto tensor = parse_tensor(name, value, data, data_size);
    if (!tensor) return wrong(tensor.error());
    tensors_[name] = std::move(*tensor);
  }
  if (const auto problem = layout_problem(tensors_, data, data_size)) return wrong(*problem);
  return {};
}

Status write_safetensors(const std::string& path, std::vector<TensorView> tensors,
                         const std::map<std::string, std::string>& metadata) {
  // Wide elements first, so that every tensor lies at a multiple of its element's size.
  std::sort(tensors.begin(), tensors.end(), [](const TensorView& a, const TensorView& b) {
    const size_t a_size = dtype_size(a.dtype), b_size = dtype_size(b.dtype);
    return a_size != b_size ? a_size > b_size : a.name < b.name;
  });
  boost::json::object header;
  if (!metadata.empty()) {
    boost::json::object& words = header[kMetadata].emplace_object();
    for (const auto& [word, meaning] : metadata) words[word] = meaning;
  }
  uint64_t offset = 0;
  for (const TensorView& tensor : tensors) {
    if (byte_size(tensor.shape, tensor.dtype) != tensor.size || header.contains(tensor.name) ||
        tensor.name == kMetadata) {
      return failed(ErrorCode::kInternal,
                    "tensor \"" + tensor.name + "\" occurs twice or has a wrong size", path);
    }
    boost::json::array shape(tensor.shape.begin(), tensor.shape.end());
    header[tensor.name] = {{"dtype", dtype_name(tensor.dtype)},
                           {"shape", std::move(shape)},
                           {"data_offsets", {offset, offset + tensor.size}}};
    offset += tensor.size;
  }
  std::string text = protocol::valid_utf8(boost::json::serialize(header));
  const uint64_t prefix = sizeof(uint64_t);
  text.append((kAlignment - (prefix + text.size()) % kAlignment) % kAlignment, ' ');
  const uint64_t header_size = text.size();
  auto file = protocol::OutputFile::create(path, prefix + header_size + offset);
  if (!file) return forward_error(file);
  Status written = file->write(&header_size, sizeof header_size);
  if (written) written = file->write(text.data(), text.size());
  for (const TensorView& tensor : tensors) {
    if (written) written = file->write(tensor.bytes, tensor.size);
  }
  if (!written) return written;
  return file->commit();
}

}  // namespace berth::checkpoint
