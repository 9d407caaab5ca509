// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/file_kind.h"

#include <algorithm>
#include <cctype>

#include "checkpoint/pickle.h"
#include "checkpoint/quoted.h"

namespace berth::checkpoint {
namespace {

struct Signature {
  size_t at;
  std::string_view bytes;
  const char* meaning;
};

const Signature kSignatures[] = {
    {0, {"\x1F\x8B", 2}, "is compressed (gzip): unpack it first"},
    {0, {"BZh", 3}, "is compressed (bzip2): unpack it first"},
    {0,
     {"\xFD"
      "7zXZ",
      5},
     "is compressed (xz): unpack it first"},
    {0, {"\x28\xB5\x2F\xFD", 4}, "is compressed (zstd): unpack it first"},
    {0, {"7z\xBC\xAF\x27\x1C", 6}, "is a 7-Zip archive: unpack it first"},
    {0, {"Rar!", 4}, "is a RAR archive: unpack it first"},
    {257,
     {"ustar", 5},
     "is a tar archive: unpack it first (PyTorch before 0.2 wrote such files: "
     "load and save them with a newer one)"},
    {0,
     {"\x89HDF\r\n", 6},
     "is an HDF5 file (Keras?): only PyTorch's weights and safetensors are "
     "read"},
    {4, {"TFL3", 4}, "is a TensorFlow Lite model: only PyTorch's weights and safetensors are read"},
    {0, {"GGUF", 4}, "is a GGUF file: only PyTorch's weights and safetensors are read"},
    {0, {"\x93NUMPY", 6}, "is a NumPy array: save a state_dict with torch.save"},
    {0, {"\x89PNG", 4}, "is a picture"},
    {0, {"\xFF\xD8\xFF", 3}, "is a picture"},
    {0, {"%PDF", 4}, "is a PDF document"},
    {0,
     {"\x7F"
      "ELF",
      4},
     "is a program"},
};

std::string lower_start(std::string_view bytes) {
  size_t at = bytes.substr(0, 3) == "\xEF\xBB\xBF" ? 3 : 0;
  while (at < bytes.size() && at < 256 && std::isspace(static_cast<unsigned char>(bytes[at]))) ++at;
  std::string start(bytes.substr(std::min(at, bytes.size()), 64));
  std::transform(start.begin(), start.end(), start.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return start;
}

bool begins(std::string_view text, std::string_view head) {
  return text.substr(0, head.size()) == head;
}

/// The line "size N" of a Git LFS pointer.
std::string lfs_size(std::string_view bytes) {
  const std::string_view text = bytes.substr(0, 1024);
  const size_t at = text.find("\nsize ");
  if (at == std::string_view::npos) return {};
  const std::string_view rest = text.substr(at + 6);
  return " of " + readable(rest.substr(0, rest.find('\n')), 20) + " bytes";
}

std::string pickle_kind(std::string_view bytes) {
  const auto pickle = Pickle::read(bytes, {});
  if (!pickle) return "begins like a Python pickle, but is damaged, cut short or something else";
  const std::string_view name = pickle->class_of(pickle->root_value());
  return (name.empty() ? "is a Python pickle" : "is a Python pickle of " + readable(name)) +
         ", but not of torch.save: save model.state_dict() with torch.save";
}

}  // namespace

// Nothing of what the file holds: the reader of a message may not be one who may read the file.
std::string what_it_looks_like(std::string_view bytes) {
  if (bytes.empty()) return "is empty (a copy or download that failed?)";
  if (std::all_of(bytes.begin(), bytes.begin() + std::min<size_t>(bytes.size(), 4096),
                  [](char c) { return c == '\0'; })) {
    return "holds only zeros (a download or copy that did not finish?)";
  }
  const std::string start = lower_start(bytes);
  if (begins(start, "<!doctype html") || begins(start, "<html") || begins(start, "<head")) {
    return "is an HTML page, not weights (a download link that wants a login?): download the file "
           "itself";
  }
  if (begins(start, "<?xml")) return "is an XML document (an error of a download server?)";
  if (begins(start, "version https://git-lfs")) {
    return "is a Git LFS pointer to a file" + lfs_size(bytes) + ", not the file: run git lfs pull";
  }
  for (const Signature& signature : kSignatures) {
    if (bytes.size() > signature.at && begins(bytes.substr(signature.at), signature.bytes)) {
      return signature.meaning;
    }
  }
  if (bytes.size() > 1 && bytes[0] == '\x80' && bytes[1] <= 5) return pickle_kind(bytes);
  if (begins(start, "{")) return "is JSON, not weights";
  const bool text = std::all_of(bytes.begin(), bytes.begin() + std::min<size_t>(bytes.size(), 256),
                                [](unsigned char c) { return c >= 0x20 || std::isspace(c); });
  if (text) return "is a text, not weights";
  return "is no format that is known: safetensors, torch.save's and torch.jit.save's files are "
         "read";
}

}  // namespace berth::checkpoint
