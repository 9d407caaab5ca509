// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/torch_writer.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "checkpoint/quoted.h"
#include "checkpoint/zip_writer.h"

namespace berth::checkpoint {
namespace {

using protocol::ErrorCode;
using protocol::failed;
using protocol::Status;

std::string_view storage_class(Dtype dtype) {
  switch (dtype) {
    case Dtype::kF64:
      return "DoubleStorage";
    case Dtype::kF32:
      return "FloatStorage";
    case Dtype::kF16:
      return "HalfStorage";
    case Dtype::kBf16:
      return "BFloat16Storage";
    case Dtype::kI64:
      return "LongStorage";
    case Dtype::kI32:
      return "IntStorage";
    case Dtype::kI16:
      return "ShortStorage";
    case Dtype::kI8:
      return "CharStorage";
    case Dtype::kU8:
      return "ByteStorage";
    case Dtype::kBool:
      return "BoolStorage";
  }
  return {};
}

/// Opcodes of protocol 2, of which torch.load's restricted reader knows those used here.
class PickleText {
 public:
  PickleText() : out_("\x80\x02") {}

  void opcode(char code) { out_ += code; }

  void text(std::string_view content) {
    out_ += 'X';
    number(content.size(), 4);
    out_ += content;
  }

  void integer(int64_t value) {
    if (value >= 0 && value < 1 << 8) {
      out_ += 'K';
      number(static_cast<uint64_t>(value), 1);
    } else if (value >= 0 && value < 1 << 16) {
      out_ += 'M';
      number(static_cast<uint64_t>(value), 2);
    } else if (value >= INT32_MIN && value <= INT32_MAX) {
      out_ += 'J';
      number(static_cast<uint64_t>(value), 4);
    } else {
      out_ += "\x8a\x08";
      number(static_cast<uint64_t>(value), 8);
    }
  }

  void tuple(const std::vector<int64_t>& values) {
    if (values.empty()) return opcode(')');
    opcode('(');
    for (const int64_t value : values) integer(value);
    opcode('t');
  }

  /// "module\nname": written once, then recalled.
  void global(const std::string& name) {
    const auto [place, fresh] = memo_.emplace(name, memo_.size());
    if (fresh) {
      out_ += 'c' + name + "\nq";
    } else {
      out_ += 'h';
    }
    number(place->second, 1);  // there are far fewer than 256 names
  }

  std::string take() { return std::move(out_); }

 private:
  void number(uint64_t value, int width) {
    for (int i = 0; i < width; ++i) out_ += static_cast<char>(value >> (8 * i) & 0xFF);
  }

  std::string out_;
  std::map<std::string, size_t> memo_;
};

void put_ordered_dict(PickleText* pickle) {
  pickle->global("collections\nOrderedDict");
  pickle->opcode(')');
  pickle->opcode('R');
}

/// torch._utils._rebuild_tensor_v2(storage, 0, shape, strides, False, OrderedDict())
void put_tensor(const TensorView& tensor, size_t key, PickleText* pickle) {
  std::vector<int64_t> stride(tensor.shape.size(), 1);
  for (size_t i = stride.size(); i-- > 1;) {
    // PyTorch counts an empty side as one. Strides of an empty tensor that do not fit mean nothing.
    const int64_t side = std::max<int64_t>(tensor.shape[i], 1);
    if (__builtin_mul_overflow(stride[i], side, &stride[i - 1])) stride[i - 1] = 1;
  }
  pickle->global("torch._utils\n_rebuild_tensor_v2");
  pickle->opcode('(');
  pickle->opcode('(');
  pickle->text("storage");
  pickle->global("torch\n" + std::string(storage_class(tensor.dtype)));
  pickle->text(std::to_string(key));
  pickle->text("cpu");
  pickle->integer(static_cast<int64_t>(tensor.size / dtype_size(tensor.dtype)));
  pickle->opcode('t');
  pickle->opcode('Q');
  pickle->integer(0);
  pickle->tuple(tensor.shape);
  pickle->tuple(stride);
  pickle->opcode('\x89');    // needs no gradient
  put_ordered_dict(pickle);  // hooks
  pickle->opcode('t');
  pickle->opcode('R');
}

}  // namespace

Status write_torch(const std::string& path, const std::vector<TensorView>& tensors) {
  PickleText pickle;
  put_ordered_dict(&pickle);
  if (!tensors.empty()) pickle.opcode('(');
  std::set<std::string_view> names;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const TensorView& tensor = tensors[i];
    if (byte_size(tensor.shape, tensor.dtype) != tensor.size || !names.insert(tensor.name).second) {
      return failed(ErrorCode::kInternal,
                    "tensor " + quoted(tensor.name) + " occurs twice or has a wrong size", path);
    }
    pickle.text(tensor.name);
    put_tensor(tensor, i, &pickle);
  }
  if (!tensors.empty()) pickle.opcode('u');
  pickle.opcode('.');
  const std::string text = pickle.take();
  std::vector<ZipContent> contents{{"archive/data.pkl", text}, {"archive/byteorder", "little"}};
  for (size_t i = 0; i < tensors.size(); ++i) {
    contents.push_back({"archive/data/" + std::to_string(i),
                        {reinterpret_cast<const char*>(tensors[i].bytes), tensors[i].size}});
  }
  contents.push_back({"archive/version", "3\n"});
  return write_zip(path, contents);
}

}  // namespace berth::checkpoint
