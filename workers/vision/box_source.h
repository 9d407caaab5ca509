// SPDX-License-Identifier: Apache-2.0
// The places of a source's pictures that a detector has found, cut out and resized for a model.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "image/batch_loader.h"
#include "vision/detector.h"
#include "vision/picture_source.h"

namespace berth::vision {

/// What is taken of what the detector finds.
struct BoxRule {
  double least_score = 0;
  int64_t most = 1000;  ///< in a picture; the surest ones
  double margin = 0;    ///< what is added on each side, as a share of the box's own size
};

class BoxSource {
 public:
  /// `pictures` and `detector` must live longer. `image_size` 0: nothing is cut out.
  BoxSource(const PictureSource& pictures, const Detector& detector, const BoxRule& rule,
            int image_size, int threads)
      : pictures_(pictures),
        detector_(detector),
        rule_(rule),
        image_size_(image_size),
        threads_(threads) {}

  /// A place, and the picture it is in.
  struct Place {
    size_t picture = 0;
    Box box;  ///< within the picture
  };
  struct Places {
    std::vector<Place> places;
    image::Batch batch;                        ///< of them; the indices count them
    std::vector<image::FailedPicture> failed;  ///< pictures without an answer
  };

  /// At most `most` places, in order of the pictures; nothing at the end.
  std::optional<Places> next(size_t most);
  /// Pictures that have been looked at, and those of them without a box.
  size_t pictures_done() const { return looked_; }
  size_t without_boxes() const { return empty_; }

 private:
  struct Looked {
    size_t picture = 0;
    std::vector<Box> boxes;
    std::vector<uint8_t> pixels;  // of all boxes
    std::optional<protocol::Error> error;
    size_t taken = 0;  // boxes
  };

  Looked look(size_t picture) const;
  std::vector<Box> chosen(std::vector<Box> boxes, const image::Bitmap& bitmap) const;
  void look_ahead();

  const PictureSource& pictures_;
  const Detector& detector_;
  BoxRule rule_;
  int image_size_, threads_;
  std::deque<Looked> ready_;
  size_t looked_ = 0, empty_ = 0;
};

}  // namespace berth::vision
