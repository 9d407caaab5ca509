// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/state_dict.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "checkpoint/plain_value.h"
#include "checkpoint/quoted.h"
#include "checkpoint/torch_objects.h"

namespace berth::checkpoint {
namespace {

using protocol::ErrorCode;
using protocol::failed;
using protocol::Result;
using protocol::Status;

constexpr int kDeepest = 64;
constexpr size_t kMostVisits = 1'000'000;
constexpr size_t kMostWork = 50'000'000;  // entries looked at
constexpr size_t kMostNameBytes = 64u << 20;
constexpr size_t kLongestName = 4096;
constexpr size_t kMostNotes = 50;

constexpr std::string_view kAveragedKeys[] = {"ema", "model_ema", "state_dict_ema",
                                              "ema_state_dict", "averaged_model"};
constexpr std::string_view kWeightKeys[] = {"state_dict", "model_state_dict", "model", "net",
                                            "network",    "weights",          "module"};
constexpr std::string_view kLeftOutKeys[] = {
    "optimizer", "optimizers", "optimizer_state_dict", "optimizer_states",
    "optim",     "scheduler",  "lr_scheduler",         "lr_schedulers",
    "scaler",    "amp",        "scheduler_state_dict"};

/// Attributes of a whole module that say what its outputs mean; the others describe its layers.
constexpr std::string_view kModuleKeys[] = {"names",       "class_names",  "classes", "nc",
                                            "num_classes", "class_to_idx", "task",    "yaml"};

template <typename Keys>
bool among(const Keys& keys, std::string_view key) {
  return std::find(std::begin(keys), std::end(keys), key) != std::end(keys);
}

using Weights = std::map<std::string, TensorRecord>;

/// Takes what wrappers put in front of every name off; which prefixes those were.
std::vector<std::string> strip_prefixes(Weights* weights) {
  std::vector<std::string> taken_off;
  constexpr int kMostWrappers = 4;
  for (bool again = true; again && taken_off.size() < kMostWrappers;) {
    again = false;
    for (const std::string prefix : {"module.", "_orig_mod."}) {
      // torch.optim.swa_utils.AveragedModel counts in a buffer of its own beside the module.
      const auto counter = prefix == "module." ? weights->find("n_averaged") : weights->end();
      const size_t beside = counter == weights->end() ? 0 : 1;
      const auto begins = [&](const auto& item) {
        return item.first.size() > prefix.size() &&
               item.first.compare(0, prefix.size(), prefix) == 0;
      };
      const auto count = std::count_if(weights->begin(), weights->end(), begins);
      if (count == 0 || static_cast<size_t>(count) + beside != weights->size()) continue;
      if (beside == 1) weights->erase(counter);
      Weights stripped;
      for (auto& [name, record] : *weights) {
        stripped[name.substr(prefix.size())] = std::move(record);
      }
      *weights = std::move(stripped);
      taken_off.push_back(prefix);
      again = true;
    }
  }
  return taken_off;
}

class Finder {
 public:
  Finder(const Pickle& pickle, std::string path) : pickle_(pickle), path_(std::move(path)) {}

  Result<StateDict> find() {
    Weights weights;
    if (auto taken = choose(pickle_.root_value(), 0, &weights); !taken) return forward_error(taken);
    if (weights.empty()) return no_weights();
    note_prefixes(strip_prefixes(&weights));
    found_.tensors = std::move(weights);
    return std::move(found_);
  }

 private:
  tl::unexpected<protocol::Error> wrong(const std::string& problem) const {
    return failed(ErrorCode::kCheckpointMismatch, path_ + problem, path_);
  }

  tl::unexpected<protocol::Error> no_weights() const {
    const Value& root = pickle_.root_value();
    std::string seen = "an object of class " + readable(pickle_.class_of(root));
    if (is_map(pickle_, root)) {
      seen = "a dictionary with the keys";
      size_t shown = 0;
      for (const auto& [key, item] : root.entries) {
        if (++shown > 8) break;
        seen += (shown == 1 ? " " : ", ") + quoted(pickle_.at(key).text);
      }
      if (root.entries.empty()) seen = "an empty dictionary";
    } else if (root.kind == ValueKind::kList || root.kind == ValueKind::kTuple) {
      seen = "a list";
    } else if (auto tensor = tensor_record(pickle_, root); !tensor || *tensor) {
      seen = "one tensor without a name";
    } else if (root.kind != ValueKind::kObject) {
      seen = "no object";
    }
    return wrong(" holds no weights but " + seen +
                 ": save model.state_dict(), alone or under the key \"state_dict\"");
  }

  void note(std::string text) {
    if (found_.notes.size() < kMostNotes) found_.notes.push_back(std::move(text));
  }

  void note_prefixes(const std::vector<std::string>& prefixes) {
    for (const std::string& prefix : prefixes) {
      note("\"" + prefix + "\" was taken off all names");
    }
  }

  Status visit(int depth) {
    if (depth > kDeepest) {
      return wrong(" is nested more than " + std::to_string(kDeepest) + " deep");
    }
    if (++visits_ > kMostVisits || work_ > kMostWork) {
      return wrong(" refers to its parts more than " + std::to_string(kMostVisits) + " times");
    }
    return {};
  }

  /// prefix + key; an error if it is unreasonable.
  Result<std::string> join(const std::string& prefix, const Value& key) {
    std::string name = prefix;
    if (key.kind == ValueKind::kText) {
      name += readable(key.text, kLongestName + 1);
    } else {
      name += std::to_string(key.integer);
    }
    name_bytes_ += name.size();
    if (name.size() > kLongestName || name_bytes_ > kMostNameBytes) {
      return wrong(" has tensor names that are too long, such as " + quoted(name));
    }
    return name;
  }

  static bool can_name(const Value& key) {
    return key.kind == ValueKind::kText || key.kind == ValueKind::kInt;
  }

  /// Takes a tensor in; `taken` says whether it was one.
  Status take(const std::string& name, const Value& value, Weights* out, bool* taken) {
    auto record = tensor_record(pickle_, value);
    if (!record) return wrong(": tensor " + quoted(name) + " " + record.error());
    *taken = record->has_value();
    if (*taken) (*out)[name] = std::move(**record);
    return {};
  }

  /// The weights of whatever `value` is; none if it has none.
  Status choose(const Value& value, int depth, Weights* out) {
    if (auto visited = visit(depth); !visited) return visited;
    if (is_module(value)) {
      take_attributes(value);
      return walk_module(value, {}, depth, out);
    }
    if (is_script(value)) return walk_script(value, {}, depth, out);
    if (!is_map(pickle_, value)) return {};
    return choose_among(value, depth, out);
  }

  Status choose_among(const Value& map, int depth, Weights* out) {
    Weights plain, averaged;
    std::string_view plain_key, averaged_key;
    if (auto chosen = first_of(map, kWeightKeys, depth, &plain, &plain_key); !chosen) return chosen;
    if (auto chosen = first_of(map, kAveragedKeys, depth, &averaged, &averaged_key); !chosen) {
      return chosen;
    }
    if (plain.empty() && averaged.empty()) {
      if (auto walked = walk_map(map, {}, depth, out); !walked) return walked;
      if (!out->empty()) take_metadata(map, {}, out);
      return {};
    }
    const auto plain_prefixes = strip_prefixes(&plain);
    const auto averaged_prefixes = strip_prefixes(&averaged);
    const bool whole =
        !averaged.empty() && std::all_of(plain.begin(), plain.end(), [&](const auto& item) {
          return averaged.count(item.first) != 0;
        });
    if (whole && !plain.empty()) {
      note("the averaged weights under " + quoted(averaged_key) + " are used, those under " +
           quoted(plain_key) + " are left out");
    } else if (!averaged.empty() && !whole) {
      note("the averaged weights under " + quoted(averaged_key) +
           " are left out: they lack some of the tensors under " + quoted(plain_key));
    }
    note_prefixes(whole ? averaged_prefixes : plain_prefixes);
    *out = whole ? std::move(averaged) : std::move(plain);
    take_metadata(map, {plain_key, averaged_key}, nullptr);
    return {};
  }

  /// The weights under the first of `keys` that has any.
  template <typename Keys>
  Status first_of(const Value& map, const Keys& keys, int depth, Weights* out,
                  std::string_view* chosen) {
    for (const std::string_view key : keys) {
      const Value* value = entry(map, key);
      if (value == nullptr) continue;
      if (auto taken = choose(*value, depth + 1, out); !taken) return taken;
      if (out->empty()) continue;
      *chosen = key;
      return {};
    }
    return {};
  }

  Status walk_map(const Value& map, const std::string& prefix, int depth, Weights* out) {
    if (auto visited = visit(depth); !visited) return visited;
    for (const auto& [key_id, value_id] : map.entries) {
      const Value& key = pickle_.at(key_id);
      const Value& value = pickle_.at(value_id);
      if (!can_name(key) || (prefix.empty() && among(kLeftOutKeys, key.text))) continue;
      if (value.kind != ValueKind::kObject && value.kind != ValueKind::kDict) continue;
      if (auto visited = visit(depth); !visited) return visited;
      const auto name = join(prefix, key);
      if (!name) return tl::unexpected<protocol::Error>(name.error());
      bool taken = false;
      if (auto done = take(*name, value, out, &taken); !done) return done;
      if (taken) continue;
      Status walked;
      if (is_module(value)) {
        walked = walk_module(value, *name + ".", depth + 1, out);
      } else if (is_map(pickle_, value)) {
        walked = walk_map(value, *name + ".", depth + 1, out);
      }
      if (!walked) return walked;
    }
    return {};
  }

  Status walk_module(const Value& module, const std::string& prefix, int depth, Weights* out) {
    if (auto visited = visit(depth); !visited) return visited;
    const Value& state = *attributes_of(pickle_, module);
    const auto passing = passing_buffers(pickle_, state);
    work_ += passing.size();
    for (const std::string_view kind : {"_parameters", "_buffers"}) {
      const Value* tensors = entry(state, kind);
      if (tensors == nullptr) continue;
      for (const auto& [key_id, value_id] : tensors->entries) {
        const Value& key = pickle_.at(key_id);
        const Value& value = pickle_.at(value_id);
        if (!can_name(key) || value.kind == ValueKind::kNone) continue;
        if (kind == "_buffers" && passing.count(key.text) != 0) continue;
        if (auto visited = visit(depth); !visited) return visited;
        const auto name = join(prefix, key);
        if (!name) return tl::unexpected<protocol::Error>(name.error());
        bool taken = false;
        if (auto done = take(*name, value, out, &taken); !done) return done;
        if (!taken) note(quoted(*name) + " of the module is no tensor that is understood");
      }
    }
    const Value* modules = entry(state, "_modules");
    if (modules == nullptr) return {};
    for (const auto& [key_id, value_id] : modules->entries) {
      const Value& key = pickle_.at(key_id);
      const Value& value = pickle_.at(value_id);
      if (!can_name(key) || !is_module(value)) continue;
      const auto name = join(prefix, key);
      if (!name) return tl::unexpected<protocol::Error>(name.error());
      if (auto done = walk_module(value, *name + ".", depth + 1, out); !done) return done;
    }
    return {};
  }

  Status walk_script(const Value& module, const std::string& prefix, int depth, Weights* out) {
    if (auto visited = visit(depth); !visited) return visited;
    for (const auto& [key_id, value_id] : attributes_of(pickle_, module)->entries) {
      const Value& key = pickle_.at(key_id);
      const Value& value = pickle_.at(value_id);
      if (!can_name(key) || value.kind != ValueKind::kObject) continue;
      if (auto visited = visit(depth); !visited) return visited;
      const auto name = join(prefix, key);
      if (!name) return tl::unexpected<protocol::Error>(name.error());
      bool taken = false;
      if (auto done = take(*name, value, out, &taken); !done) return done;
      if (taken || !is_script(value)) continue;
      if (auto done = walk_script(value, *name + ".", depth + 1, out); !done) return done;
    }
    return {};
  }

  void add_metadata(std::string_view key, const Value& value) {
    if (key.empty() || value.kind == ValueKind::kNone || found_.metadata.size() >= kMostVisits) {
      return;
    }
    const std::string name = readable(key);
    if (among(kLeftOutKeys, key)) return note(quoted(name) + " is left out");
    if (found_.metadata.count(name) != 0 || found_.numbers.count(name) != 0) return;
    if (auto text = plain_text(pickle_, value, &budget_)) {
      found_.metadata[name] = std::move(*text);
      return;
    }
    auto record = tensor_record(pickle_, value);
    if (record && *record && byte_size((*record)->shape, Dtype::kU8) == 1) {
      found_.numbers[name] = std::move(**record);
      return;
    }
    std::string what = std::string(pickle_.class_of(value));
    if (what.empty() || is_map(pickle_, value)) what = is_map(pickle_, value) ? "a dictionary" : "";
    note(quoted(name) + (what.empty() ? "" : " (" + readable(what) + ")") + " is left out");
  }

  /// What lies beside the weights. `weights`: those that were taken from `map` itself, if they
  /// were.
  void take_metadata(const Value& map, const std::set<std::string_view>& chosen,
                     const Weights* weights) {
    for (const auto& [key_id, value_id] : map.entries) {
      const Value& key = pickle_.at(key_id);
      if (key.kind != ValueKind::kText || chosen.count(key.text) != 0) continue;
      if (key.text.size() > kLongestName || ++visits_ > kMostVisits) continue;
      if (weights != nullptr && !among(kLeftOutKeys, key.text)) {
        const std::string name = readable(key.text, kLongestName);
        if (weights->count(name) != 0) continue;
        const auto below = weights->lower_bound(name + ".");
        if (below != weights->end() && below->first.compare(0, name.size() + 1, name + ".") == 0) {
          continue;
        }
      }
      add_metadata(key.text, pickle_.at(value_id));
    }
  }

  /// Plain attributes of a pickled module, such as a detector's class names.
  void take_attributes(const Value& module) {
    for (const auto& [key_id, value_id] : attributes_of(pickle_, module)->entries) {
      const Value& key = pickle_.at(key_id);
      const Value& value = pickle_.at(value_id);
      const std::string name(key.text.substr(0, kLongestName));
      if (!among(kModuleKeys, name) || value.kind == ValueKind::kNone ||
          found_.metadata.count(name) != 0) {
        continue;
      }
      if (auto text = plain_text(pickle_, value, &budget_)) {
        found_.metadata[name] = std::move(*text);
      }
    }
  }

  /// The last entry of that name; looking for it is work that is counted.
  const Value* entry(const Value& map, std::string_view key) {
    work_ += map.entries.size();
    return pickle_.find(map, key);
  }

  bool is_module(const Value& value) {
    const Value* state = attributes_of(pickle_, value);
    return state != nullptr && entry(*state, "_parameters") != nullptr &&
           entry(*state, "_modules") != nullptr;
  }

  bool is_script(const Value& value) const {
    return pickle_.class_of(value).substr(0, 10) == "__torch__." &&
           attributes_of(pickle_, value) != nullptr;
  }

  const Pickle& pickle_;
  std::string path_;
  StateDict found_;
  PlainBudget budget_;
  size_t visits_ = 0, work_ = 0, name_bytes_ = 0;
};

}  // namespace

Result<StateDict> find_state_dict(const Pickle& pickle, const std::string& path) {
  return Finder(pickle, path).find();
}

}  // namespace berth::checkpoint
