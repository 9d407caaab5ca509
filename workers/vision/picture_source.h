// SPDX-License-Identifier: Apache-2.0
// What an inference looks at: a picture, a folder of pictures, a list of them, and IQ recordings,
// whose slices become spectrograms.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "image/batch_loader.h"
#include "image/bitmap.h"
#include "protocol/result.h"

namespace berth::vision {

class PictureSource {
 public:
  struct Options {
    int image_size = 224;  ///< side of the square that the model takes
    int threads = 1;
    size_t batch_size = 32;
    std::string left_out = {};  ///< a folder below the source whose pictures are not of it
  };

  /// `path`: a picture; a recording (.iq, .dat, .sigmf-data); a folder, searched in depth; a list
  /// (.txt) with a path per line, relative to its folder, blank lines and those with # apart.
  /// Errors: kIoError, kBadRequest (nothing there that could be classified).
  static protocol::Result<PictureSource> open(const std::string& path, const Options& options);
  ~PictureSource();
  PictureSource(PictureSource&&) noexcept;
  PictureSource& operator=(PictureSource&&) = delete;

  /// Pictures, and slices of recordings as far as these can be read.
  size_t size() const;
  /// Whether the source is one file, whose failure is that of the task.
  bool single() const;
  /// Files that were refused at once.
  const std::vector<image::FailedPicture>& refused() const;

  /// The next pictures, resized; the indices are those of name(). Nothing at the end.
  std::optional<image::Batch> next();
  /// Relative to the source; of a slice "drone.iq (3)", counted from 1. Also of failed pictures.
  const std::string& name(size_t index) const;
  /// In its own size, to be drawn on. Any thread may ask.
  protocol::Result<image::Bitmap> picture(size_t index) const;

 private:
  class Core;
  explicit PictureSource(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
};

}  // namespace berth::vision
