// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/torch_objects.h"

namespace berth::checkpoint {

bool is_map(const Pickle& pickle, const Value& value) {
  if (value.kind == ValueKind::kDict) return true;
  const std::string_view name = pickle.class_of(value);
  return name == "collections.OrderedDict" || name == "collections.defaultdict" ||
         !value.entries.empty();
}

const Value* attributes_of(const Pickle& pickle, const Value& value) {
  if (value.kind != ValueKind::kObject) return nullptr;
  const Value* state = &pickle.at(value.state);
  if (state->kind == ValueKind::kTuple && state->items.size() == 2) {
    state = &pickle.at(state->items[0]);
  }
  return state->kind == ValueKind::kDict ? state : nullptr;
}

std::set<std::string_view> passing_buffers(const Pickle& pickle, const Value& state) {
  std::set<std::string_view> names;
  const Value* list = pickle.find(state, "_non_persistent_buffers_set");
  if (list == nullptr) return names;
  if (list->kind == ValueKind::kObject) {  // set([...]), as protocol 2 has it
    const auto& arguments = pickle.at(list->arguments).items;
    if (arguments.empty()) return names;
    list = &pickle.at(arguments[0]);
  }
  for (const ValueId id : list->items) names.insert(pickle.at(id).text);
  return names;
}

}  // namespace berth::checkpoint
