// SPDX-License-Identifier: Apache-2.0
#include "model/in_chinese.h"

#include "model/device_words.h"
#include "model/task_words.h"
#include "model/worker_words.h"

namespace berth::model {

std::string in_chinese(std::string_view english) {
  static const base::Renderings all{device_words(), task_words(), worker_words(), system_words()};
  return all.in_chinese(english);
}

}  // namespace berth::model
