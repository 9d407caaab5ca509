// SPDX-License-Identifier: Apache-2.0
// berth-worker-weights: looks into files of weights and converts them. Needs no torch.
// Exit status: 0 done, 1 failed, 2 wrong usage, 143 ended by SIGTERM.
#include <sys/stat.h>

#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/checkpoint_file.h"
#include "checkpoint/convert.h"
#include "checkpoint/inspect.h"
#include "checkpoint/quoted.h"
#include "protocol/json_text.h"
#include "protocol/output_file.h"
#include "protocol/termination.h"

namespace {

using berth::checkpoint::CheckpointFile;
using berth::checkpoint::Conversion;
using berth::checkpoint::Dtype;
using berth::checkpoint::TargetFormat;

constexpr const char* kUsage =
    "usage: berth weights inspect FILE [--json] [--tensors]\n"
    "       berth weights convert IN OUT [--to safetensors|torch] [--dtype f32|f16|bf16] "
    "[--force]\n"
    "\n"
    "FILE and IN: safetensors, PyTorch (torch.save, zip or legacy) or TorchScript; told by their\n"
    "content, read without executing anything. OUT: safetensors, or a state_dict for torch.load;\n"
    "told by its ending (.safetensors, .pth, .pt) or by --to. An existing OUT is kept unless "
    "--force\n"
    "is given.\n";

struct Arguments {
  std::vector<std::string> files;
  bool json = false, tensors = false, force = false;
  std::optional<TargetFormat> to;
  std::optional<Dtype> dtype;
};

int wrong_usage(const std::string& problem) {
  std::fprintf(stderr, "%s\n%s", problem.c_str(), kUsage);
  return 2;
}

int failure(const std::string& problem) {
  std::fprintf(stderr, "error: %s\n", problem.c_str());
  return 1;
}

std::optional<TargetFormat> format_of_ending(const std::string& path) {
  const auto ends = [&](const std::string& ending) {
    return path.size() > ending.size() &&
           path.compare(path.size() - ending.size(), ending.size(), ending) == 0;
  };
  if (ends(".safetensors")) return TargetFormat::kSafetensors;
  if (ends(".pth") || ends(".pt")) return TargetFormat::kTorch;
  return std::nullopt;
}

/// Takes an option with a value; false if the value is not one of it.
bool take_value(const std::string& option, const std::string& value, Arguments* out) {
  if (option == "--to") {
    if (value == "safetensors") out->to = TargetFormat::kSafetensors;
    if (value == "torch") out->to = TargetFormat::kTorch;
    return out->to.has_value();
  }
  if (value == "f32") out->dtype = Dtype::kF32;
  if (value == "f16") out->dtype = Dtype::kF16;
  if (value == "bf16") out->dtype = Dtype::kBf16;
  return out->dtype.has_value();
}

/// The arguments behind the verb; what is wrong with them if they cannot be taken.
std::string parse(const std::string& verb, const std::vector<std::string>& words, Arguments* out) {
  const bool inspects = verb == "inspect";
  bool options_end = false;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (options_end || word.empty() || word[0] != '-') {
      out->files.push_back(word);
    } else if (word == "--") {
      options_end = true;
    } else if (inspects && word == "--json") {
      out->json = true;
    } else if (inspects && word == "--tensors") {
      out->tensors = true;
    } else if (!inspects && word == "--force") {
      out->force = true;
    } else if (!inspects && (word == "--to" || word == "--dtype")) {
      if (++i == words.size()) return word + " lacks its value";
      if (!take_value(word, words[i], out)) return "wrong value: " + word + " " + words[i];
    } else {
      return "unknown option: " + word;
    }
  }
  const size_t wanted = inspects ? 1 : 2;
  if (out->files.size() == wanted) return {};
  return verb + (inspects ? " takes one file" : " takes two files, IN and OUT");
}

int inspect(const Arguments& arguments) {
  const std::string& path = arguments.files[0];
  const auto file = CheckpointFile::open(path);
  if (!file) return failure(file.error().message);
  const std::string text = arguments.json
                               ? berth::protocol::json_text(berth::checkpoint::inspection_json(
                                     *file, path, arguments.tensors)) +
                                     "\n"
                               : berth::checkpoint::inspection_text(*file, path, arguments.tensors);
  const bool whole = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  return whole && std::fflush(stdout) == 0 ? 0 : failure("the output could not be written");
}

/// Where training leaves the card of its weights, so that they can be used as they are. What lies
/// there already may be of other weights, and stays.
berth::protocol::Status keep_beside(const CheckpointFile& file, const std::string& out,
                                    bool replace) {
  const auto sidecar = berth::checkpoint::sidecar_of(file.metadata());
  if (!sidecar) return {};
  const size_t dot = out.find_last_of("./");
  const bool has_ending = dot != std::string::npos && out[dot] == '.';
  const std::string path = (has_ending ? out.substr(0, dot) : out) + ".json";
  struct stat status{};
  if (!replace && ::lstat(path.c_str(), &status) == 0) {
    std::printf("  note: %s is there already and was left as it is\n", path.c_str());
    return {};
  }
  auto written = berth::protocol::write_file(path, berth::protocol::json_text(*sidecar) + "\n");
  if (written) std::printf("  what berth infer needs of it is in %s\n", path.c_str());
  return written;
}

int convert(const Arguments& arguments) {
  const std::string& in = arguments.files[0];
  const std::string& out = arguments.files[1];
  const auto ending = format_of_ending(out);
  if (!ending && !arguments.to) {
    return wrong_usage("the format of " + out +
                       " is not known: end it in .safetensors, .pth or .pt, or give --to");
  }
  if (ending && arguments.to && *ending != *arguments.to) {
    return wrong_usage("the ending of " + out + " contradicts --to");
  }
  struct stat status{};
  if (!arguments.force && ::lstat(out.c_str(), &status) == 0) {
    return failure(out + " exists: remove it, choose another name or give --force");
  }
  const auto file = CheckpointFile::open(in);
  if (!file) return failure(file.error().message);
  Conversion conversion;
  conversion.format = arguments.to ? *arguments.to : *ending;
  conversion.dtype = arguments.dtype;
  const auto done = berth::checkpoint::convert(*file, out, conversion);
  if (!done) return failure(done.error().message);
  std::printf("%s: %zu tensors, %s\n", out.c_str(), done->tensors,
              berth::checkpoint::size_text(done->bytes).c_str());
  for (const std::string& note : file->notes()) std::printf("  note: %s\n", note.c_str());
  if (!done->lost_metadata.empty()) {
    std::string keys;
    for (const std::string& key : done->lost_metadata) {
      keys += (keys.empty() ? "" : ", ") + berth::checkpoint::readable(key);
    }
    std::printf("  note: a bare state_dict has no place for the metadata: %s\n", keys.c_str());
    if (const auto kept = keep_beside(*file, out, arguments.force); !kept)
      return failure(kept.error().message);
  }
  if (done->overflowed > 0) {
    std::fprintf(stderr, "warning: %llu numbers are too large for this dtype and became infinite\n",
                 static_cast<unsigned long long>(done->overflowed));
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  berth::protocol::install_termination();
  const std::string verb = argc > 1 ? argv[1] : "";
  const auto asks_for_help = [&](int i) {
    return argc > i && (std::string(argv[i]) == "--help" || std::string(argv[i]) == "-h");
  };
  if (asks_for_help(1) || asks_for_help(2)) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  if (verb != "inspect" && verb != "convert") {
    return wrong_usage(verb.empty() ? "what is to be done?" : "unknown verb: " + verb);
  }
  Arguments arguments;
  const std::string problem = parse(verb, {argv + 2, argv + argc}, &arguments);
  if (!problem.empty()) return wrong_usage(problem);
  try {
    return verb == "inspect" ? inspect(arguments) : convert(arguments);
  } catch (const std::exception& error) {
    return failure(verb + ": unexpected: " + error.what());
  }
}
