// SPDX-License-Identifier: Apache-2.0
// Words for people, in the language of the request. The fixed status words of the originals are
// Chinese and the default on their routes, so that their clients match.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/phrase.h"
#include "http/request.h"
#include "model/record.h"

namespace berth::api {

enum class Language : std::uint8_t { kChinese, kEnglish };

/// On the originals' routes: the language asked for, else Chinese for their task types and English
/// for commands.
Language language_of(const http::Request& request, std::string_view task_type = "training");

/// On routes that the originals did not have: the language asked for, else English.
Language own_language(const http::Request& request);

/// What the scheduler says, in words.
std::string say(const base::Phrase& words, Language language);
std::string_view say(std::string_view words, Language language);

/// Why, as a driver, the daemon or a worker said it, or the state of a device, in words.
std::string say_reason(std::string_view words, Language language);

/// The detail of an error (a text, or a list with one `msg` each), in Chinese where the request
/// asks for that.
void say_detail(const http::Request& request, http::Response& response);

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
  kTrainingStarted,
  kModelUnknown,      // {name}
  kTrainPathMissing,  // {path}
  kValPathMissing,
  kConfigMissing,
  kWeightsMissing,
  kWeightsAreFolder,
  kSourceMissing,
  kStillEnding,     // {id}
  kNoMetricsYet,    // {id}
  kInputMissing,    // {path}
  kDatasetMissing,  // {path}
  kPreprocessingCancelled,
  kPreprocessingEnded,  // {state}
};

std::string phrase(Phrase which, Language language, std::string_view argument = {});

}  // namespace berth::api
