// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target without libFuzzer: every file of a folder as it is, then mutated, always in
// the same way; --trace names each input first, which tells the one that crashes.
//   replay_NAME FOLDER [--mutations N] [--seconds S] [--trace]
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size);

namespace {

using Bytes = std::vector<uint8_t>;

struct Options {
  std::string folder;
  uint64_t mutations = 300;  ///< of each file
  double seconds = 0;        ///< go on with further mutations until then
  bool trace = false;
};

Bytes read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// One to four changes: a bit, a byte, a number at a limit, a cut, a piece of another file.
Bytes mutated(Bytes bytes, const std::vector<Bytes>& all, std::mt19937_64* random) {
  const auto below = [&](uint64_t limit) { return limit == 0 ? 0 : (*random)() % limit; };
  const uint64_t changes = 1 + below(4);
  for (uint64_t i = 0; i < changes && !bytes.empty(); ++i) {
    const uint64_t at = below(bytes.size());
    switch (below(5)) {
      case 0:
        bytes[at] ^= static_cast<uint8_t>(1u << below(8));
        break;
      case 1:
        bytes[at] = static_cast<uint8_t>(below(256));
        break;
      case 2:
        for (uint64_t j = at; j < std::min<uint64_t>(at + 1 + below(8), bytes.size()); ++j) {
          bytes[j] = 0xFF;
        }
        break;
      case 3:
        bytes.resize(at);
        break;
      default: {
        const Bytes& other = all[below(all.size())];
        const uint64_t from = below(other.size());
        const uint64_t count = std::min<uint64_t>(below(64), other.size() - from);
        bytes.insert(bytes.begin() + static_cast<ptrdiff_t>(at),
                     other.begin() + static_cast<ptrdiff_t>(from),
                     other.begin() + static_cast<ptrdiff_t>(from + count));
      }
    }
  }
  return bytes;
}

bool parse(int argc, char** argv, Options* options) {
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--trace") {
      options->trace = true;
    } else if (word == "--mutations" && i + 1 < argc) {
      options->mutations = std::strtoull(argv[++i], nullptr, 10);
    } else if (word == "--seconds" && i + 1 < argc) {
      options->seconds = std::strtod(argv[++i], nullptr);
    } else if (word[0] != '-' && options->folder.empty()) {
      options->folder = word;
    } else {
      return false;
    }
  }
  return !options->folder.empty();
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, &options)) {
    std::fprintf(stderr, "usage: %s FOLDER [--mutations N] [--seconds S] [--trace]\n", argv[0]);
    return 2;
  }
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(options.folder)) {
    if (entry.is_regular_file()) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Bytes> files;
  for (const auto& path : paths) files.push_back(read(path));
  if (files.empty()) {
    std::fprintf(stderr, "%s has no files\n", options.folder.c_str());
    return 1;
  }
  for (const Bytes& file : files) LLVMFuzzerTestOneInput(file.data(), file.size());
  const auto end =
      std::chrono::steady_clock::now() + std::chrono::duration<double>(options.seconds);
  uint64_t runs = files.size();
  for (uint64_t round = 0; round < options.mutations || std::chrono::steady_clock::now() < end;
       ++round) {
    for (size_t i = 0; i < files.size(); ++i, ++runs) {
      if (options.trace) {
        std::fprintf(stderr, "%s %llu\n", paths[i].c_str(), static_cast<unsigned long long>(round));
      }
      std::mt19937_64 random(round * files.size() + i);
      const Bytes bytes = mutated(files[i], files, &random);
      LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    }
  }
  std::printf("%llu inputs\n", static_cast<unsigned long long>(runs));
  return 0;
}
