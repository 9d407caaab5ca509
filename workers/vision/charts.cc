// SPDX-License-Identifier: Apache-2.0
#include "vision/charts.h"

#include <algorithm>
#include <boost/json/object.hpp>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

#include "image/draw.h"
#include "image/encode.h"
#include "protocol/output_file.h"
#include "vision/wording.h"

namespace berth::vision {
namespace {

using image::Bitmap;
using image::Colour;

constexpr Colour kWhite{255, 255, 255}, kInk{40, 44, 52}, kGrid{225, 228, 232}, kDim{120, 126, 135};
constexpr Colour kTrain{31, 119, 180}, kVal{214, 90, 30};
constexpr int kText = 18;

Bitmap blank(int width, int height) {
  return {width, height,
          std::vector<uint8_t>(3 * static_cast<size_t>(width) * static_cast<size_t>(height), 255)};
}

Colour shade(double share) {
  const auto between = [&](int from, int to) {
    return static_cast<uint8_t>(std::lround(from + (to - from) * share));
  };
  return {between(255, 8), between(255, 64), between(255, 129)};
}

/// As much of the text as fits, with "..." where something is left out.
std::string fitted(const std::string& text, int size, int width) {
  if (image::text_width(size, text) <= width) return text;
  for (size_t length = text.size(); length > 0; --length) {
    if ((static_cast<unsigned char>(text[length - 1]) & 0xC0) == 0x80 && length < text.size() &&
        (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80) {
      continue;  // not in the middle of a character
    }
    const std::string part = text.substr(0, length) + "...";
    if (image::text_width(size, part) <= width) return part;
  }
  return "";
}

void centred(Bitmap* picture, int x, int y, int width, int size, const std::string& text,
             Colour colour) {
  const std::string part = fitted(text, size, width);
  image::draw_text(picture, x + (width - image::text_width(size, part)) / 2, y, size, part, colour);
}

/// Reads from bottom to top: drawn flat, then turned.
void upright(Bitmap* picture, int x, int bottom, int length, int size, const std::string& text,
             Colour colour) {
  const std::string part = fitted(text, size, length);
  Bitmap flat = blank(std::max(1, length), size + 4);
  image::draw_text(&flat, 0, 0, size, part, colour);
  for (int row = 0; row < flat.height; ++row) {
    for (int column = 0; column < flat.width; ++column) {
      const int to_x = x + row, to_y = bottom - column;
      if (to_x < 0 || to_y < 0 || to_x >= picture->width || to_y >= picture->height) continue;
      const auto at = [](const Bitmap& b, int px, int py) {
        return 3 *
               (static_cast<size_t>(py) * static_cast<size_t>(b.width) + static_cast<size_t>(px));
      };
      std::copy_n(flat.pixels.begin() + static_cast<std::ptrdiff_t>(at(flat, column, row)), 3,
                  picture->pixels.begin() + static_cast<std::ptrdiff_t>(at(*picture, to_x, to_y)));
    }
  }
}

struct Series {
  const char* key;
  const char* name;
  Colour colour;
};

using Values = std::vector<std::optional<double>>;

Values values_of(const boost::json::array& history, const char* key) {
  Values values;
  for (const auto& item : history) {
    const boost::json::value* value = item.as_object().if_contains(key);
    boost::json::error_code error;
    const double number = value == nullptr ? 0 : value->to_number<double>(error);
    const bool there = value != nullptr && !error && std::isfinite(number);
    values.push_back(there ? std::optional(number) : std::nullopt);
  }
  return values;
}

/// 1, 2 or 5 times a power of ten, so that about five lines fit.
double step_of(double span) {
  const double rough = span / 5, power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (rough <= factor * power) return factor * power;
  }
  return 10 * power;
}

class Panel {
 public:
  Panel(Bitmap* picture, int x, int y, int width, int height)
      : picture_(*picture), x_(x), y_(y), width_(width), height_(height) {}

  void draw(const std::string& title, const boost::json::array& history,
            const std::vector<Series>& all) {
    image::draw_text(&picture_, x_, y_ - 34, 22, title, kInk);
    low_ = std::numeric_limits<double>::max();
    high_ = std::numeric_limits<double>::lowest();
    std::vector<Values> lines;
    for (const Series& series : all) {
      lines.push_back(values_of(history, series.key));
      for (const auto& value : lines.back()) {
        if (!value) continue;
        low_ = std::min(low_, *value);
        high_ = std::max(high_, *value);
      }
    }
    if (low_ > high_) low_ = 0, high_ = 1;
    if (high_ - low_ < 1e-9) low_ -= 0.5, high_ += 0.5;
    axes(static_cast<int>(history.size()));
    int at = x_ + width_;
    for (size_t i = 0; i < all.size(); ++i) {
      curve(lines[i], all[i].colour);
      at -= image::text_width(kText, all[i].name) + 40;
      image::fill(&picture_, at, y_ - 24, 18, 4, all[i].colour);
      image::draw_text(&picture_, at + 24, y_ - 32, kText, all[i].name, kInk);
    }
  }

 private:
  double place_x(double epoch, size_t count) const {
    return count < 2 ? x_ + width_ / 2.0
                     : x_ + (epoch - 1) * (width_ - 1) / static_cast<double>(count - 1);
  }
  double place_y(double value) const {
    return y_ + height_ - 1 - (value - low_) / (high_ - low_) * (height_ - 1);
  }

  void axes(int epochs) {
    const double step = step_of(high_ - low_);
    low_ = std::floor(low_ / step) * step;
    high_ = std::ceil(high_ / step) * step;
    for (double value = low_; value <= high_ + step / 2; value += step) {
      const int row = static_cast<int>(std::lround(place_y(value)));
      image::fill(&picture_, x_, row, width_, 1, kGrid);
      const std::string label = format("%g", std::abs(value) < step / 1e6 ? 0.0 : value);
      image::draw_text(&picture_, x_ - 10 - image::text_width(kText, label), row - kText / 2, kText,
                       label, kDim);
    }
    const int every = std::max(1, static_cast<int>(std::ceil(epochs / 10.0)));
    for (int epoch = 1; epoch <= epochs; epoch += every) {
      const std::string label = std::to_string(epoch);
      const double at = place_x(epoch, static_cast<size_t>(epochs));
      image::draw_text(&picture_, static_cast<int>(at) - image::text_width(kText, label) / 2,
                       y_ + height_ + 8, kText, label, kDim);
    }
    image::outline(&picture_, x_, y_, width_, height_, 1, kDim);
  }

  void curve(const Values& values, Colour colour) {
    for (size_t i = 0; i < values.size(); ++i) {
      if (!values[i]) continue;
      const double x = place_x(static_cast<double>(i + 1), values.size()), y = place_y(*values[i]);
      image::line(&picture_, x, y, x, y, 5, colour);
      if (i + 1 < values.size() && values[i + 1])
        image::line(&picture_, x, y, place_x(static_cast<double>(i + 2), values.size()),
                    place_y(*values[i + 1]), 2, colour);
    }
  }

  Bitmap& picture_;
  int x_, y_, width_, height_;
  double low_ = 0, high_ = 1;
};

}  // namespace

Bitmap draw_confusion(const std::vector<std::vector<int64_t>>& confusion,
                      const std::vector<std::string>& names) {
  const int count = static_cast<int>(names.size());
  const int cell = std::clamp(960 / std::max(1, count), 6, 96);
  const int text = std::clamp(cell * 2 / 5, 9, 20);
  const bool labelled = cell >= 11;
  int longest = 0;
  for (const std::string& name : names) longest = std::max(longest, image::text_width(text, name));
  const int margin = labelled ? std::min(longest, 220) + 24 : 24;
  const int left = margin + 28, top = 60, side = cell * count;
  Bitmap picture = blank(left + side + 30, top + side + margin + 34);
  image::draw_text(&picture, left, 16, 24, "Confusion matrix", kInk);
  for (int row = 0; row < count; ++row) {
    const auto& counts = confusion[static_cast<size_t>(row)];
    const auto total = static_cast<double>(
        std::max<int64_t>(1, std::accumulate(counts.begin(), counts.end(), int64_t{0})));
    for (int column = 0; column < count; ++column) {
      const int64_t number = counts[static_cast<size_t>(column)];
      const double share = static_cast<double>(number) / total;
      const int x = left + column * cell, y = top + row * cell;
      image::fill(&picture, x, y, cell, cell, shade(share));
      if (cell >= 18 && number > 0)
        centred(&picture, x, y + (cell - text) / 2, cell, text, std::to_string(number),
                share > 0.5 ? kWhite : kInk);
    }
    if (!labelled) continue;
    const std::string name = fitted(names[static_cast<size_t>(row)], text, margin - 12);
    image::draw_text(&picture, left - 8 - image::text_width(text, name),
                     top + row * cell + (cell - text) / 2, text, name, kInk);
    upright(&picture, left + row * cell + (cell - text) / 2, top + side + margin - 8, margin - 16,
            text, names[static_cast<size_t>(row)], kInk);
  }
  image::outline(&picture, left - 1, top - 1, side + 2, side + 2, 1, kDim);
  centred(&picture, left, top + side + margin + 6, side, kText, "predicted", kDim);
  upright(&picture, 4, top + side / 2 + image::text_width(kText, "true") / 2, 60, kText, "true",
          kDim);
  return picture;
}

Bitmap draw_learning_curves(const boost::json::array& history) {
  Bitmap picture = blank(1280, 520);
  Panel(&picture, 90, 70, 500, 370)
      .draw("Loss", history,
            {{"val_loss", "validation", kVal}, {"train_loss", "training", kTrain}});
  Panel(&picture, 730, 70, 500, 370)
      .draw("Accuracy (%)", history,
            {{"val_acc", "validation", kVal}, {"train_acc", "training", kTrain}});
  centred(&picture, 90, 476, 500, kText, "epoch", kDim);
  centred(&picture, 730, 476, 500, kText, "epoch", kDim);
  return picture;
}

protocol::Status write_chart(const Bitmap& picture, const std::string& path) {
  auto bytes = image::encode_png(picture);
  if (!bytes) return forward_error(bytes);
  return protocol::write_file(path, *bytes, protocol::Durability::kRenamed);
}

}  // namespace berth::vision
