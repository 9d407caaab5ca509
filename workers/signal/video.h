// SPDX-License-Identifier: Apache-2.0
// Films of JPEG pictures: an AVI container written here (Motion JPEG; RIFF with an idx1 index, as
// in Microsoft's "AVI RIFF File Reference"), or .mp4 by way of the program ffmpeg, a process of its
// own. Either file appears whole or not at all.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "protocol/result.h"

namespace berth::signal {

struct VideoFormat {
  int width = 0;
  int height = 0;
  int frames_per_second = 30;
};

class Video {
 public:
  virtual ~Video() = default;
  /// One picture, a whole JPEG. Error of an AVI: kBadRequest where the file would pass 2 GB.
  virtual protocol::Status add(const std::string& jpeg) = 0;
  /// Gives the file its name. Without it nothing is left behind.
  virtual protocol::Status finish() = 0;
};

/// By the ending of `path`: .avi or .mp4. Errors: kBadRequest (another ending, no ffmpeg for .mp4),
/// kIoError, kNoSpace.
protocol::Result<std::unique_ptr<Video>> open_video(const std::string& path,
                                                    const VideoFormat& format);

/// The two behind it; `limit` is the most bytes an AVI may have, for tests.
protocol::Result<std::unique_ptr<Video>> open_avi(const std::string& path,
                                                  const VideoFormat& format,
                                                  uint64_t limit = 2'000'000'000);
protocol::Result<std::unique_ptr<Video>> open_mp4(const std::string& path,
                                                  const VideoFormat& format);

}  // namespace berth::signal
