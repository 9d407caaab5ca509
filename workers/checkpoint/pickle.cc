// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/pickle.h"

#include "checkpoint/pickle_reader.h"

namespace berth::checkpoint {

using protocol::ErrorCode;
using protocol::failed;
using protocol::Result;

Result<Pickle> Pickle::read(std::string_view bytes, const std::string& what,
                            const PickleLimits& limits) {
  Pickle pickle;
  PickleReader reader(bytes, limits, &pickle);
  if (const auto problem = reader.run()) {
    return failed(ErrorCode::kCheckpointMismatch, what + " is not a readable pickle: " + *problem);
  }
  return pickle;
}

std::string_view Pickle::class_of(const Value& value) const {
  if (value.kind != ValueKind::kObject) return {};
  const Value* callee = &at(value.callee);
  // Objects of protocol 0 and 1, and those with __reduce_ex__'s usual answer, name their class as
  // the first argument.
  if (callee->kind == ValueKind::kGlobal &&
      (callee->text == "copyreg._reconstructor" || callee->text == "copy_reg._reconstructor" ||
       callee->text == "copyreg.__newobj__" || callee->text == "copyreg.__newobj_ex__")) {
    const Value& arguments = at(value.arguments);
    if (!arguments.items.empty()) callee = &at(arguments.items[0]);
  }
  // Legacy torch files keep a module's class outside, with its source: ("module", class, ...).
  if (callee->kind == ValueKind::kPersistent) {
    const Value& id = at(callee->arguments);
    if (id.items.size() > 1 && at(id.items[0]).text == "module") callee = &at(id.items[1]);
  }
  return callee->kind == ValueKind::kGlobal ? callee->text : std::string_view();
}

const Value* Pickle::find(const Value& value, std::string_view key) const {
  for (auto entry = value.entries.rbegin(); entry != value.entries.rend(); ++entry) {
    const Value& name = at(entry->first);
    if (name.kind == ValueKind::kText && name.text == key) return &at(entry->second);
  }
  return nullptr;
}

}  // namespace berth::checkpoint
