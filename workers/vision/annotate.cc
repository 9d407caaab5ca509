// SPDX-License-Identifier: Apache-2.0
#include "vision/annotate.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <mutex>
#include <thread>

#include "image/draw.h"
#include "image/encode.h"
#include "protocol/output_file.h"

namespace berth::vision {
namespace {

namespace fs = std::filesystem;
using protocol::Result;
using protocol::Status;

constexpr image::Colour kRed{255, 0, 0};
constexpr int kTextSize = 45, kMargin = 40, kQuality = 92;

/// The text stands above the box, or inside it where there is no room.
void draw_box(image::Bitmap* picture, const Box& box) {
  const int side = std::min(picture->width, picture->height);
  const int thickness = std::max(1, side / 300), size = std::clamp(side / 25, 10, kTextSize / 2);
  const int x = static_cast<int>(box.x), y = static_cast<int>(box.y);
  image::outline(picture, x, y, std::max(1, static_cast<int>(std::lround(box.width))),
                 std::max(1, static_cast<int>(std::lround(box.height))), thickness, kRed);
  const int above = y - size - thickness;
  image::draw_text(picture, x + thickness, above >= 0 ? above : y + 2 * thickness, size, box.label,
                   kRed);
}

Status write_one(const PictureSource& source, const Label& label, const std::string& folder) {
  auto picture = source.picture(label.index);
  if (!picture) return forward_error(picture);
  const int side = std::min(picture->width, picture->height);
  const int size = std::min(kTextSize, std::max(10, side / 10));
  const int margin = kMargin * size / kTextSize;
  if (!label.text.empty()) image::draw_text(&*picture, margin, margin, size, label.text, kRed);
  for (const Box& box : label.boxes) draw_box(&*picture, box);
  auto bytes = image::encode_jpeg(*picture, kQuality);
  if (!bytes) return forward_error(bytes);
  const fs::path path = fs::path(folder) / annotated_name(source, label.index);
  if (auto made = protocol::make_folders(path.parent_path().string()); !made) return made;
  return protocol::write_file(path.string(), *bytes, protocol::Durability::kRenamed);
}

}  // namespace

// The whole name of others stays: "a.png" and "a.jpg" may lie side by side.
std::string annotated_name(const PictureSource& source, size_t index) {
  fs::path name = source.name(index);
  if (name.extension() != ".jpg") name += ".jpg";
  return name.string();
}

Status write_annotated(const PictureSource& source, const std::vector<Label>& labels,
                       const std::string& folder, int threads) {
  std::atomic<size_t> next{0};
  std::mutex mutex;
  Status outcome;
  const auto work = [&] {
    for (size_t i = next++; i < labels.size(); i = next++) {
      auto written = write_one(source, labels[i], folder);
      if (written) continue;
      const std::lock_guard<std::mutex> lock(mutex);
      if (outcome) outcome = std::move(written);
      next = labels.size();
    }
  };
  std::vector<std::thread> others;
  const size_t count = std::min(labels.size(), static_cast<size_t>(std::max(1, threads)));
  for (size_t i = 1; i < count; ++i) others.emplace_back(work);
  work();
  for (std::thread& other : others) other.join();
  return outcome;
}

}  // namespace berth::vision
