// SPDX-License-Identifier: Apache-2.0
#include "prepare/clahe.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "prepare/augmentation.h"
#include "prepare/convolve.h"
#include "prepare/lab.h"

namespace berth::prepare {
namespace {

constexpr int kBins = 256;
constexpr int kTiles = 13;

using Table = std::array<uint8_t, kBins>;

struct Grid {
  int tiles, tile_width, tile_height;
};

/// As OpenCV does it: where one of the sides has to be filled up, the other one gets a whole
/// further pixel per tile if it needs nothing.
Grid make_grid(int width, int height, int tiles) {
  if (width % tiles == 0 && height % tiles == 0) return {tiles, width / tiles, height / tiles};
  return {tiles, width / tiles + 1, height / tiles + 1};
}

void limit(std::array<int, kBins>* bins, int most) {
  int excess = 0;
  for (int& bin : *bins) {
    excess += std::max(0, bin - most);
    bin = std::min(bin, most);
  }
  const int each = excess / kBins;
  for (int& bin : *bins) bin += each;
  int left = excess - each * kBins;
  if (left == 0) return;
  const int step = std::max(kBins / left, 1);
  for (int i = 0; i < kBins && left > 0; i += step, --left) ++(*bins)[static_cast<size_t>(i)];
}

Table make_table(const std::vector<uint8_t>& plane, int width, int height, const Grid& grid,
                 int column, int row, double clip_limit) {
  std::array<int, kBins> bins{};
  for (int y = row * grid.tile_height; y < (row + 1) * grid.tile_height; ++y) {
    const uint8_t* line =
        &plane[static_cast<size_t>(mirrored(y, height)) * static_cast<size_t>(width)];
    for (int x = column * grid.tile_width; x < (column + 1) * grid.tile_width; ++x)
      ++bins[line[mirrored(x, width)]];
  }
  const int area = grid.tile_width * grid.tile_height;
  limit(&bins, std::max(1, static_cast<int>(clip_limit * area / kBins)));
  Table table{};
  const float scale = static_cast<float>(kBins - 1) / static_cast<float>(area);
  int sum = 0;
  for (size_t i = 0; i < kBins; ++i) {
    sum += bins[i];
    table[i] = to_byte(static_cast<float>(sum) * scale);
  }
  return table;
}

/// The two tiles on both sides of a pixel and the weight of the second.
struct Between {
  size_t first, second;
  float weight;
};

Between between(int position, int tile_size, int tiles) {
  const float at = static_cast<float>(position) / static_cast<float>(tile_size) - 0.5f;
  const int low = static_cast<int>(std::floor(at));
  return {static_cast<size_t>(std::clamp(low, 0, tiles - 1)),
          static_cast<size_t>(std::clamp(low + 1, 0, tiles - 1)), at - static_cast<float>(low)};
}

}  // namespace

void equalize(std::vector<uint8_t>* plane, int width, int height, double clip_limit, int tiles) {
  const Grid grid = make_grid(width, height, tiles);
  std::vector<Table> tables;
  for (int row = 0; row < tiles; ++row) {
    for (int column = 0; column < tiles; ++column)
      tables.push_back(make_table(*plane, width, height, grid, column, row, clip_limit));
  }
  std::vector<Between> columns;
  for (int x = 0; x < width; ++x) columns.push_back(between(x, grid.tile_width, tiles));
  uint8_t* pixel = plane->data();
  for (int y = 0; y < height; ++y) {
    const Between rows = between(y, grid.tile_height, tiles);
    const Table* upper = &tables[rows.first * static_cast<size_t>(tiles)];
    const Table* lower = &tables[rows.second * static_cast<size_t>(tiles)];
    for (int x = 0; x < width; ++x, ++pixel) {
      const Between& c = columns[static_cast<size_t>(x)];
      const float top = static_cast<float>(upper[c.first][*pixel]) * (1 - c.weight) +
                        static_cast<float>(upper[c.second][*pixel]) * c.weight;
      const float bottom = static_cast<float>(lower[c.first][*pixel]) * (1 - c.weight) +
                           static_cast<float>(lower[c.second][*pixel]) * c.weight;
      *pixel = to_byte(top * (1 - rows.weight) + bottom * rows.weight);
    }
  }
}

image::Bitmap clahe(const image::Bitmap& picture, double clip_limit) {
  Lab lab = to_lab(picture);
  equalize(&lab.l, lab.width, lab.height, clip_limit, kTiles);
  return to_rgb(lab);
}

image::Bitmap clahe(const image::Bitmap& picture, dataset::Random* random) {
  return clahe(picture, random->uniform(1, 3));
}

}  // namespace berth::prepare
