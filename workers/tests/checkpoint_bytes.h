// SPDX-License-Identifier: Apache-2.0
// Files of torch.save composed byte by byte, so that every byte of them can be wrong.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace berth::tests {

inline std::string little_endian(uint64_t number, int width) {
  std::string out;
  for (int i = 0; i < width; ++i) out += static_cast<char>(number >> (8 * i) & 0xFF);
  return out;
}

// Opcodes of pickles, protocol 2.
inline std::string text_op(std::string_view text) {
  return "X" + little_endian(text.size(), 4) + std::string(text);
}
inline std::string int_op(int64_t number) {
  return "\x8a\x08" + little_endian(static_cast<uint64_t>(number), 8);
}
inline std::string tuple_op(const std::vector<int64_t>& numbers) {
  std::string out = "(";
  for (const int64_t number : numbers) out += int_op(number);
  return out + "t";
}
inline std::string dict_op(const std::vector<std::pair<std::string, std::string>>& entries) {
  std::string out = "}(";
  for (const auto& [key, value] : entries) out += text_op(key) + value;
  return out + "u";
}
inline std::string pickle_of(const std::string& value) { return "\x80\x02" + value + "."; }

/// A tensor in torch.save's words; every part can be replaced.
struct TensorWords {
  std::string storage_class = "torch\nFloatStorage\n";
  std::string key = "0";
  int64_t elements = 6;  ///< of the storage
  int64_t offset = 0;
  std::vector<int64_t> shape{2, 3}, stride{3, 1};
  std::string function = "torch._utils\n_rebuild_tensor_v2\n";
  bool legacy = false;  ///< a sixth part of the storage's id: no view

  std::string op() const {
    return "c" + function + "((" + text_op("storage") + "c" + storage_class + text_op(key) +
           text_op("cpu") + int_op(elements) + (legacy ? "N" : "") + "tQ" + int_op(offset) +
           tuple_op(shape) + tuple_op(stride) + "\x89" + "ccollections\nOrderedDict\n)RtR";
  }
};

/// CRC-32, bit by bit.
inline uint32_t crc_of(std::string_view bytes) {
  uint32_t crc = ~uint32_t{0};
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
  }
  return ~crc;
}

struct ZipPart {
  std::string name, content;
  uint16_t method = 0, flags = 0;
};

/// A zip archive without any padding. Sizes and places are `wide`: in ZIP64 fields.
inline std::string zip_of(const std::vector<ZipPart>& parts, bool wide = false) {
  std::string out, directory;
  for (const ZipPart& part : parts) {
    const uint64_t at = out.size(), size = part.content.size();
    const std::string sizes =
        wide ? std::string(8, '\xFF') : little_endian(size, 4) + little_endian(size, 4);
    const std::string local_extra = wide ? little_endian(1, 2) + little_endian(16, 2) +
                                               little_endian(size, 8) + little_endian(size, 8)
                                         : "";
    const std::string extra = wide ? little_endian(1, 2) + little_endian(24, 2) +
                                         little_endian(size, 8) + little_endian(size, 8) +
                                         little_endian(at, 8)
                                   : "";
    const std::string common = little_endian(20, 2) + little_endian(part.flags, 2) +
                               little_endian(part.method, 2) + std::string(4, '\0') +
                               little_endian(crc_of(part.content), 4) + sizes +
                               little_endian(part.name.size(), 2);
    out += std::string("PK\x03\x04", 4) + common + little_endian(local_extra.size(), 2) +
           part.name + local_extra + part.content;
    directory += std::string("PK\x01\x02", 4) + little_endian(20, 2) + common +
                 little_endian(extra.size(), 2) + std::string(10, '\0') +
                 (wide ? std::string(4, '\xFF') : little_endian(at, 4)) + part.name + extra;
  }
  const uint64_t begin = out.size(), size = directory.size(), count = parts.size();
  out += directory;
  if (wide) {
    out += std::string("PK\x06\x06", 4) + little_endian(44, 8) + std::string(4, '\x2D') +
           std::string(8, '\0') + little_endian(count, 8) + little_endian(count, 8) +
           little_endian(size, 8) + little_endian(begin, 8);
    out += std::string("PK\x06\x07", 4) + little_endian(0, 4) + little_endian(begin + size, 8) +
           little_endian(1, 4);
  }
  return out + std::string("PK\x05\x06", 4) + std::string(4, '\0') + little_endian(count, 2) +
         little_endian(count, 2) + little_endian(size, 4) +
         (wide ? std::string(4, '\xFF') : little_endian(begin, 4)) + std::string(2, '\0');
}

/// torch.save's archive: data.pkl and the storages "0", "1", ...
inline std::string torch_zip(const std::string& value, const std::vector<std::string>& storages) {
  std::vector<ZipPart> parts{{"archive/data.pkl", pickle_of(value)}};
  for (size_t i = 0; i < storages.size(); ++i) {
    parts.push_back({"archive/data/" + std::to_string(i), storages[i]});
  }
  parts.push_back({"archive/version", "3\n"});
  return zip_of(parts);
}

/// The legacy format with float storages.
inline std::string torch_legacy(const std::string& value,
                                const std::vector<std::pair<std::string, std::string>>& storages,
                                bool little = true) {
  std::string out = pickle_of(std::string("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 12)) +
                    pickle_of(std::string("M\xe9\x03", 3)) +
                    pickle_of(dict_op({{"little_endian", little ? "\x88" : "\x89"}})) +
                    pickle_of(value);
  std::string keys = "](";
  for (const auto& [key, content] : storages) keys += text_op(key);
  out += pickle_of(keys + "e");
  for (const auto& [key, content] : storages) out += little_endian(content.size() / 4, 8) + content;
  return out;
}

inline std::string floats(const std::vector<float>& numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(float)};
}

}  // namespace berth::tests
