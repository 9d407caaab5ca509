// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/plain_value.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstring>
#include <utility>

#include "checkpoint/pickle_text.h"
#include "protocol/event_writer.h"
#include "protocol/json_text.h"

namespace berth::checkpoint {
namespace {

using boost::json::value;
using Json = std::optional<boost::json::value>;

constexpr int kDeepest = 32;

class PlainReader {
 public:
  PlainReader(const Pickle& pickle, PlainBudget* budget) : pickle_(pickle), budget_(budget) {}

  Json read(const Value& v, int depth) {
    if (depth > kDeepest || budget_->values == 0) return std::nullopt;
    --budget_->values;
    switch (v.kind) {
      case ValueKind::kNone:
        return value(nullptr);
      case ValueKind::kBool:
        return value(v.integer != 0);
      case ValueKind::kInt:
        return value(v.integer);
      case ValueKind::kFloat:
        return protocol::finite_or_null(v.real);
      case ValueKind::kBigInt:
        return v.text.empty() ? Json() : text(v.text);
      case ValueKind::kText:
        return text(v.text);
      case ValueKind::kTuple:
      case ValueKind::kList:
      case ValueKind::kSet:
        return list(v, depth);
      case ValueKind::kDict:
        return map(v, depth);
      case ValueKind::kObject:
        return object(v, depth);
      default:
        return std::nullopt;
    }
  }

 private:
  Json text(std::string_view content) {
    if (content.size() > budget_->bytes) return std::nullopt;
    budget_->bytes -= content.size();
    return value(protocol::valid_utf8(std::string(content)));
  }

  Json list(const Value& v, int depth) {
    boost::json::array items;
    for (const ValueId id : v.items) {
      Json item = read(pickle_.at(id), depth + 1);
      if (!item) return std::nullopt;
      items.push_back(std::move(*item));
    }
    return items;
  }

  Json map(const Value& v, int depth) {
    boost::json::object items;
    for (const auto& [key_id, item_id] : v.entries) {
      const Json key = read(pickle_.at(key_id), kDeepest);  // no lists
      if (!key || key->is_structured()) return std::nullopt;
      Json item = read(pickle_.at(item_id), depth + 1);
      if (!item) return std::nullopt;
      items[key->is_string() ? std::string(key->get_string()) : protocol::json_text(*key)] =
          std::move(*item);
    }
    return items;
  }

  Json object(const Value& v, int depth) {
    const std::string_view name = pickle_.class_of(v);
    const Value& arguments = pickle_.at(v.arguments);
    if (name == "collections.OrderedDict" || name == "collections.defaultdict") {
      return map(v, depth);
    }
    if (name == "argparse.Namespace" || name == "types.SimpleNamespace") {
      return read(pickle_.at(v.state), depth + 1);
    }
    if (name.substr(0, 8) == "pathlib." && name.substr(name.size() - 4) == "Path") {
      return path(arguments);
    }
    if (name == "numpy.core.multiarray.scalar" || name == "numpy._core.multiarray.scalar") {
      return numpy_scalar(arguments);
    }
    const bool wrapper = name == "torch.Size" || name == "builtins.set" ||
                         name == "__builtin__.set" || name == "builtins.frozenset" ||
                         name == "__builtin__.frozenset";
    if (wrapper && arguments.items.size() == 1) {
      return read(pickle_.at(arguments.items[0]), depth + 1);
    }
    return std::nullopt;
  }

  Json path(const Value& parts) {
    std::string whole;
    for (const ValueId id : parts.items) {
      const Value& part = pickle_.at(id);
      if (part.kind != ValueKind::kText || part.text.size() > budget_->bytes) return std::nullopt;
      budget_->bytes -= part.text.size();
      if (!whole.empty() && whole.back() != '/') whole += '/';
      whole += part.text;
    }
    return value(protocol::valid_utf8(std::move(whole)));
  }

  /// (dtype, bytes): the dtype is an object with the argument "f8", the bytes are little-endian. A
  /// pickle of protocol 2 has them as _codecs.encode(text, "latin1").
  Json numpy_scalar(const Value& arguments) {
    if (arguments.items.size() != 2) return std::nullopt;
    const Value& dtype = pickle_.at(arguments.items[0]);
    const Value& content = pickle_.at(arguments.items[1]);
    const Value& words = pickle_.at(dtype.arguments);
    if (pickle_.class_of(dtype) != "numpy.dtype" || words.items.empty()) return std::nullopt;
    const std::string_view type = pickle_.at(words.items[0]).text;
    std::optional<std::string> bytes;
    if (content.kind == ValueKind::kBytes) {
      bytes = std::string(content.text.substr(0, sizeof(double)));
    } else if (pickle_.class_of(content) == "_codecs.encode") {
      const Value& encoded = pickle_.at(content.arguments);
      if (!encoded.items.empty()) {
        bytes = latin1_bytes(pickle_.at(encoded.items[0]).text.substr(0, 2 * sizeof(double)));
      }
    }
    if (!bytes) return std::nullopt;
    if (type == "f8") return number<double>(*bytes);
    if (type == "f4") return number<float>(*bytes);
    if (type == "i8") return number<int64_t>(*bytes);
    if (type == "i4") return number<int32_t>(*bytes);
    return std::nullopt;
  }

  template <typename T>
  static Json number(const std::string& bytes) {
    if (bytes.size() != sizeof(T)) return std::nullopt;
    T number = 0;
    std::memcpy(&number, bytes.data(), sizeof number);
    if constexpr (std::is_floating_point_v<T>) return protocol::finite_or_null(number);
    return value(number);
  }

  const Pickle& pickle_;
  PlainBudget* budget_;
};

}  // namespace

Json plain_json(const Pickle& pickle, const Value& v, PlainBudget* budget) {
  return PlainReader(pickle, budget).read(v, 0);
}

std::optional<std::string> plain_text(const Pickle& pickle, const Value& v, PlainBudget* budget) {
  const Json json = plain_json(pickle, v, budget);
  if (!json) return std::nullopt;
  if (json->is_string()) return std::string(json->get_string());
  return protocol::json_text(*json);
}

}  // namespace berth::checkpoint
