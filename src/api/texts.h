// SPDX-License-Identifier: Apache-2.0
// Words for people, in the language of the request. The fixed status words of the originals are
// Chinese and the default on their routes, so that their clients match.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "http/request.h"
#include "model/record.h"

namespace berth::api {

enum class Language : std::uint8_t { kChinese, kEnglish };

/// The language asked for, else Chinese for the originals' task types and English for commands.
Language language_of(const http::Request& request, std::string_view task_type = "training");

/// The `message` of a task in its present state.
std::string status_message(const model::TaskRecord& record, Language language);

/// A daemon record of the log ({"timestamp","level","code","args"}) in words. Codes:
/// waiting{DEVICE}, allocated{device}, no_gpu{}, worker_without_gpu{}, started{type},
/// completed{type}, failed{type, cause}, cancel_requested{}, cancelled{}.
std::string render_record(std::string_view json, Language language);

enum class Phrase : std::uint8_t {
  kTaskUnknown,   // {id}
  kCannotCancel,  // {id}
  kCannotRemove,  // {id}
  kTrainingStopped,
  kTaskCancelled,
  kTaskRemoved,
  kLimitsUpdated,
  kTaskEnded,
  kInferenceStarted,  // {count}
  kModelUnknown,      // {name}
  kTrainPathMissing,  // {path}
  kValPathMissing,
  kConfigMissing,
  kWeightsMissing,
  kSourceMissing,
};

std::string phrase(Phrase which, Language language, std::string_view argument = {});

}  // namespace berth::api
