// SPDX-License-Identifier: Apache-2.0
// Pictures of many recordings, slice by slice, on several threads. Each picture appears whole or
// not at all. A recording that cannot be read, is too short for a slice or breaks off is named and
// left out; the others go on.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "protocol/event_writer.h"
#include "protocol/result.h"
#include "signal/spectrogram.h"

namespace berth::signal {

enum class PictureFormat { kJpeg, kPng };

struct PictureSetOptions {
  IqOptions samples;
  SliceOptions slices;
  PictureOptions picture;
  PictureFormat format = PictureFormat::kJpeg;
  int quality = 92;          ///< of JPEGs, 1 .. 100
  uint64_t most = 1u << 30;  ///< slices of one recording
  int threads = 1;
};

/// A recording and where its pictures go: "<folder>/<name> (<i>).jpg", i = 0, 1, 2, ...
struct Recording {
  std::string path;
  std::string folder;
  std::string name;
};

struct Unreadable {
  std::string path;
  std::string message;
};

struct PictureSet {
  uint64_t pictures = 0;
  uint64_t files = 0;                        ///< that gave pictures
  std::map<std::string, uint64_t> per_name;  ///< pictures, by Recording::name
  std::vector<Unreadable> unreadable;
  uint64_t not_finite = 0;  ///< samples that were taken as 0
};

/// Recordings of a folder `<root>/<drone>/<pack>.iq`, to become `<out>/<drone>/<pack>/<drone> (i)`.
/// Two packs that differ only in their endings keep these. Sorted. Errors: kBadRequest (none),
/// kIoError.
protocol::Result<std::vector<Recording>> find_recordings(const std::string& root,
                                                         const std::string& out);

/// A file, or the IQ files of a folder (not of its subfolders), to become `<out>/<stem> (i)`.
protocol::Result<std::vector<Recording>> recordings_at(const std::string& path,
                                                       const std::string& out);

/// Progress goes to `events` (never 1), and warnings about recordings. Pictures with higher numbers
/// that an earlier run left are removed. Errors: kBadRequest (options; no picture at all),
/// kNoSpace, kIoError (of what is written), kOutOfMemory.
protocol::Result<PictureSet> make_pictures(const std::vector<Recording>& recordings,
                                           const PictureSetOptions& options,
                                           protocol::EventWriter* events);

}  // namespace berth::signal
