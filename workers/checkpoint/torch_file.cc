// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/torch_file.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <utility>

#include "checkpoint/pickle.h"
#include "checkpoint/quoted.h"
#include "checkpoint/state_dict.h"
#include "protocol/event_writer.h"
#include "protocol/json_text.h"

namespace berth::checkpoint {
namespace {

using protocol::ErrorCode;
using protocol::failed;
using protocol::Result;
using protocol::Status;

constexpr std::string_view kPickleEntry = "/data.pkl";
constexpr const char* kLegacyMagic = "119547037146038801333356";  // 0x1950a86a20f9469cfc6c
constexpr int64_t kLegacyVersion = 1001;
constexpr uint64_t kExtraBytes = 64u << 20;
constexpr const char* kBigEndian =
    " was written on a big-endian machine, which is not supported: load it there and save it as "
    "safetensors";

/// The bytes of the storage with that key.
using Storages = std::function<Result<std::string_view>(const std::string& key)>;

/// A single element as JSON has numbers.
std::string number_text(const TensorView& tensor) {
  const auto as = [&](auto zero) {
    std::memcpy(&zero, tensor.bytes, sizeof zero);
    return zero;
  };
  switch (tensor.dtype) {
    case Dtype::kF64:
      return protocol::json_text(protocol::finite_or_null(as(double{})));
    case Dtype::kF32:
      return protocol::json_text(protocol::finite_or_null(as(float{})));
    case Dtype::kI64:
      return std::to_string(as(int64_t{}));
    case Dtype::kI32:
      return std::to_string(as(int32_t{}));
    case Dtype::kI16:
      return std::to_string(as(int16_t{}));
    case Dtype::kI8:
      return std::to_string(as(int8_t{}));
    case Dtype::kU8:
      return std::to_string(as(uint8_t{}));
    case Dtype::kBool:
      return as(uint8_t{}) != 0 ? "true" : "false";
    default:
      return {};
  }
}

Status place_all(StateDict state, const Storages& storages, const std::string& path,
                 TorchContent* content) {
  const auto place = [&](const std::string& name,
                         const TensorRecord& record) -> Result<TensorView> {
    auto storage = storages(record.storage.key);
    if (!storage) return forward_error(storage);
    auto view = place_tensor(name, record, *storage, &content->owned);
    if (view) return std::move(*view);
    return failed(ErrorCode::kCheckpointMismatch,
                  path + ": tensor " + quoted(name) + " " + view.error(), path);
  };
  for (const auto& [name, record] : state.tensors) {
    auto view = place(name, record);
    if (!view) return forward_error(view);
    content->tensors[name] = std::move(*view);
  }
  content->metadata = std::move(state.metadata);
  for (const auto& [name, record] : state.numbers) {
    const auto view = place(name, record);
    const std::string text = view ? number_text(*view) : std::string();
    if (!text.empty()) content->metadata[name] = text;
  }
  for (std::string& text : state.notes) content->notes.push_back(std::move(text));
  return {};
}

}  // namespace

std::string torch_root(const ZipArchive& archive) {
  for (const auto& [name, entry] : archive.entries()) {
    const size_t slash = name.find('/');
    if (slash != std::string::npos && name.compare(slash, std::string::npos, kPickleEntry) == 0) {
      return name.substr(0, slash);
    }
  }
  return {};
}

Result<TorchContent> read_torch_zip(const ZipArchive& archive, const std::string& path) {
  const std::string root = torch_root(archive);
  TorchContent content;
  content.owned.bytes_left = archive.size() + kExtraBytes;
  if (archive.contains(root + "/byteorder")) {
    const auto order = archive.stored(root + "/byteorder");
    if (order && *order == "big") {
      return failed(ErrorCode::kCheckpointMismatch, path + kBigEndian, path);
    }
  }
  const auto scripts = archive.entries().lower_bound(root + "/code/");
  content.script = scripts != archive.entries().end() &&
                   scripts->first.compare(0, root.size() + 6, root + "/code/") == 0;
  const std::string entry = root + std::string(kPickleEntry);
  auto text = archive.stored(entry);
  if (!text) return forward_error(text);
  if (zip_crc(*text) != archive.entries().find(entry)->second.crc) {
    content.notes.push_back("data.pkl's checksum differs: written without checksums, or damaged");
  }
  auto pickle = Pickle::read(*text, path + ": data.pkl");
  if (!pickle) return forward_error(pickle);
  auto state = find_state_dict(*pickle, path);
  if (!state) return forward_error(state);
  const Storages storages = [&](const std::string& key) {
    return archive.stored(root + "/data/" + key);
  };
  if (auto placed = place_all(std::move(*state), storages, path, &content); !placed) {
    return forward_error(placed);
  }
  return content;
}

namespace {

/// The legacy format, read from front to back.
class LegacyReader {
 public:
  LegacyReader(std::string_view bytes, const std::string& path) : rest_(bytes), path_(path) {}

  Result<TorchContent> read() {
    TorchContent content;
    content.owned.bytes_left = rest_.size() + kExtraBytes;
    if (auto header = read_header(); !header) return forward_error(header);
    auto object = next("the object");
    if (!object) return forward_error(object);
    if (auto found = read_storages(*object); !found) return forward_error(found);
    auto state = find_state_dict(*object, path_);
    if (!state) return forward_error(state);
    const Storages storages = [this](const std::string& key) -> Result<std::string_view> {
      const auto found = storages_.find(key);
      if (found != storages_.end()) return found->second;
      return wrong("has no storage " + quoted(key));
    };
    if (auto placed = place_all(std::move(*state), storages, path_, &content); !placed) {
      return forward_error(placed);
    }
    return content;
  }

 private:
  tl::unexpected<protocol::Error> wrong(const std::string& problem) const {
    return failed(ErrorCode::kCheckpointMismatch, path_ + " " + problem, path_);
  }

  Result<Pickle> next(const char* what) {
    auto pickle = Pickle::read(rest_, path_ + ": " + what);
    if (pickle) rest_.remove_prefix(pickle->consumed());
    return pickle;
  }

  Status read_header() {
    for (const char* what : {"the magic number", "the version", "the description"}) {
      auto pickle = next(what);
      if (!pickle) return forward_error(pickle);
      const Value& value = pickle->root_value();
      if (what == std::string_view("the version") && value.integer != kLegacyVersion) {
        return wrong("has the unknown legacy version " + std::to_string(value.integer));
      }
      const Value* little = pickle->find(value, "little_endian");
      if (little != nullptr && little->kind == ValueKind::kBool && little->integer == 0) {
        return failed(ErrorCode::kCheckpointMismatch, path_ + kBigEndian, path_);
      }
    }
    return {};
  }

  /// Storages say how many elements they have, the object's pickle how large those are.
  Status read_storages(const Pickle& object) {
    std::map<std::string, size_t> element_sizes;
    for (ValueId id = 0; id < object.size(); ++id) {
      const auto record = storage_record(object, object.at(id));
      if (record) element_sizes[record->key] = record->element_size;
    }
    auto keys = next("the list of storages");
    if (!keys) return forward_error(keys);
    for (const ValueId id : keys->root_value().items) {
      const std::string key(keys->at(id).text);
      const auto size = element_sizes.find(key);
      if (size == element_sizes.end() || size->second == 0) {
        return wrong("has a storage " + quoted(key) + " of unknown type");
      }
      uint64_t elements = 0, bytes = 0;
      if (rest_.size() < sizeof elements) return wrong("is cut short before a storage");
      std::memcpy(&elements, rest_.data(), sizeof elements);
      rest_.remove_prefix(sizeof elements);
      if (__builtin_mul_overflow(elements, uint64_t{size->second}, &bytes) ||
          bytes > rest_.size()) {
        return wrong("is cut short: storage " + quoted(key) + " has " + std::to_string(elements) +
                     " elements, " + std::to_string(rest_.size()) + " bytes are left");
      }
      storages_[key] = rest_.substr(0, bytes);
      rest_.remove_prefix(bytes);
    }
    return {};
  }

  std::string_view rest_;
  std::string path_;
  std::map<std::string, std::string_view> storages_;
};

}  // namespace

bool is_legacy_torch(std::string_view bytes) {
  constexpr size_t kMagicPickleBytes = 64;
  PickleLimits limits;
  limits.bytes = kMagicPickleBytes;
  const auto magic = Pickle::read(bytes, {}, limits);
  return magic && magic->root_value().text == kLegacyMagic;
}

Result<TorchContent> read_torch_legacy(std::string_view bytes, const std::string& path) {
  return LegacyReader(bytes, path).read();
}

}  // namespace berth::checkpoint
