// SPDX-License-Identifier: Apache-2.0
// Makes a data set of drone-signal spectrograms: `<out>/{train,valid}/<class>/NNNN.jpg` and
// `<out>/dataset.json`, which records how it was made. The same request gives the same bytes,
// whatever the number of threads.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/event_writer.h"
#include "protocol/result.h"

namespace berth::dataset {

struct SynthRequest {
  std::string out;
  std::vector<std::string> classes = {"ofdm_video", "frequency_hopping", "chirp", "noise"};
  int train_per_class = 120;
  int val_per_class = 30;
  int size = 96;        ///< side of a picture in pixels
  double snr_min = -5;  ///< dB, drawn evenly up to snr_max for each picture
  double snr_max = 20;
  uint64_t seed = 1;
  int threads = 1;
};

/// Errors: kBadRequest (an unknown class; other classes already in `out`), kNoSpace, kIoError. The
/// error has not been reported to `events` yet.
protocol::Status synthesize(const SynthRequest& request, protocol::EventWriter* events);

}  // namespace berth::dataset
