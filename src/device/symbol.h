// SPDX-License-Identifier: Apache-2.0
// Functions of a vendor's library that was opened with dlopen(): every one may be missing.
#pragma once

#include <dlfcn.h>

#include <cstring>
#include <initializer_list>
#include <string>

#include "base/phrase.h"
#include "base/result.h"
#include "model/device_words.h"

namespace berth::device {

/// kNotFound with the dynamic linker's words.
inline base::Result<void*> open_library(const std::string& name) {
  void* handle = ::dlopen(name.c_str(), RTLD_LAZY | RTLD_LOCAL);
  if (handle != nullptr) return handle;
  const char* words = ::dlerror();
  return base::fail(
      base::ErrorCode::kNotFound,
      base::fill(model::words::kCannotLoad,
                 {name, words != nullptr ? words : std::string(model::words::kUnknownError)}));
}

/// `function` becomes the first of `names` that the library has, and stays as it is when it has
/// none. The position of that name, -1 for none.
template <class Function>
int find_symbol(void* library, Function& function, std::initializer_list<const char*> names) {
  int position = 0;
  for (const char* name : names) {
    if (void* address = ::dlsym(library, name); address != nullptr) {
      static_assert(sizeof function == sizeof address);
      std::memcpy(&function, &address, sizeof function);
      return position;
    }
    ++position;
  }
  return -1;
}

}  // namespace berth::device
