// SPDX-License-Identifier: Apache-2.0
#include "vision/box_source.h"

#include <algorithm>
#include <cmath>

#include "image/resize.h"
#include "signal/parallel.h"

namespace berth::vision {
namespace {

using protocol::Error;
using protocol::ErrorCode;

/// Whole pixels, at least one.
image::Bitmap cut_out(const image::Bitmap& from, const Box& box) {
  const int left = static_cast<int>(std::floor(box.x)), top = static_cast<int>(std::floor(box.y));
  image::Bitmap part;
  part.width = std::max(1, static_cast<int>(std::ceil(box.x + box.width)) - left);
  part.height = std::max(1, static_cast<int>(std::ceil(box.y + box.height)) - top);
  const size_t row = 3 * static_cast<size_t>(part.width);
  part.pixels.resize(row * static_cast<size_t>(part.height));
  for (int y = 0; y < part.height; ++y) {
    const size_t at = 3 * (static_cast<size_t>(top + y) * static_cast<size_t>(from.width) +
                           static_cast<size_t>(left));
    std::copy_n(from.pixels.data() + at, row, part.pixels.data() + static_cast<size_t>(y) * row);
  }
  return part;
}

/// What of [begin, begin + size) lies in [0, most); less than a thousandth of a pixel is nothing.
bool clip(double* begin, double* size, double most) {
  const double end = std::min(*begin + *size, most);
  *begin = std::max(0.0, *begin);
  *size = end - *begin;
  return *size > 1e-3;
}

}  // namespace

std::vector<Box> BoxSource::chosen(std::vector<Box> boxes, const image::Bitmap& bitmap) const {
  std::vector<Box> kept;
  for (Box& box : boxes) {
    if (box.score < rule_.least_score) continue;
    box.x -= rule_.margin * box.width;
    box.y -= rule_.margin * box.height;
    box.width *= 1 + 2 * rule_.margin;
    box.height *= 1 + 2 * rule_.margin;
    if (clip(&box.x, &box.width, bitmap.width) && clip(&box.y, &box.height, bitmap.height))
      kept.push_back(std::move(box));
  }
  if (static_cast<int64_t>(kept.size()) > rule_.most) {
    std::stable_sort(kept.begin(), kept.end(),
                     [](const Box& a, const Box& b) { return a.score > b.score; });
    kept.resize(static_cast<size_t>(rule_.most));
  }
  return kept;
}

BoxSource::Looked BoxSource::look(size_t picture) const {
  Looked looked;
  looked.picture = picture;
  try {
    const auto bitmap = pictures_.picture(picture);
    if (!bitmap) {
      looked.error = bitmap.error();
      return looked;
    }
    auto found = detector_.detect(pictures_.name(picture), *bitmap);
    if (!found) {
      looked.error = found.error();
      return looked;
    }
    looked.boxes = chosen(std::move(*found), *bitmap);
    const size_t bytes = 3 * static_cast<size_t>(image_size_) * static_cast<size_t>(image_size_);
    looked.pixels.resize(bytes * looked.boxes.size());
    for (size_t i = 0; i < looked.boxes.size() && image_size_ > 0; ++i) {
      image::resize(cut_out(*bitmap, looked.boxes[i]), image_size_, image_size_,
                    looked.pixels.data() + i * bytes);
    }
  } catch (const std::bad_alloc&) {
    looked.error = Error{ErrorCode::kOutOfMemory,
                         "not enough memory for the boxes of " + pictures_.name(picture),
                         {}};
  }
  return looked;
}

void BoxSource::look_ahead() {
  const size_t count =
      std::min(pictures_.size() - looked_, 2 * static_cast<size_t>(std::max(1, threads_)));
  std::vector<Looked> looked(count);
  signal::in_parallel(count, threads_, [&](size_t first, size_t end) {
    for (size_t i = first; i < end; ++i) looked[i] = look(looked_ + i);
  });
  looked_ += count;
  for (Looked& one : looked) {
    if (!one.error && one.boxes.empty()) ++empty_;
    ready_.push_back(std::move(one));
  }
}

std::optional<BoxSource::Places> BoxSource::next(size_t most) {
  Places out;
  out.batch.size = image_size_;
  const size_t bytes = 3 * static_cast<size_t>(image_size_) * static_cast<size_t>(image_size_);
  while (out.places.size() < most) {
    if (ready_.empty() && looked_ < pictures_.size()) look_ahead();
    if (ready_.empty()) break;
    Looked& first = ready_.front();
    if (first.error) out.failed.push_back({first.picture, std::move(*first.error)});
    const size_t count = std::min(most - out.places.size(), first.boxes.size() - first.taken);
    const auto* pixels = first.pixels.data() + first.taken * bytes;
    out.batch.pixels.insert(out.batch.pixels.end(), pixels, pixels + count * bytes);
    for (size_t i = 0; i < count; ++i)
      out.places.push_back({first.picture, std::move(first.boxes[first.taken++])});
    if (first.taken == first.boxes.size()) ready_.pop_front();
  }
  if (out.places.empty() && out.failed.empty()) return std::nullopt;
  for (size_t i = 0; i < out.places.size(); ++i) out.batch.indices.push_back(i);
  return out;
}

}  // namespace berth::vision
